package main

// Limits on how often one address may ask, with Authelia's standard buckets.
// Source: internal/configuration/schema/server.go, internal/middlewares/rate_limiting.go of 4.39.20.

import (
	"net/http"
	"slices"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// limitedEndpoints are the names that a limit can have. Only the two that have standard buckets here are known;
// 4.39.20 limits userinfo, introspection and revocation only where buckets are written, and the rest is not served.
var limitedEndpoints = []string{
	"reset_password_start", "reset_password_finish", "second_factor_totp", "second_factor_duo", "session_elevation_start",
	"session_elevation_finish", "openid_connect_token", "openid_connect_pushed_authorization_request",
	"openid_connect_userinfo", "openid_connect_introspection", "openid_connect_revocation",
}

var standardBuckets = map[string][]rateLimitBucket{
	"second_factor_totp":   {{time.Minute, 30}, {2 * time.Minute, 40}, {10 * time.Minute, 50}},
	"openid_connect_token": {{time.Minute, 30}, {2 * time.Minute, 40}, {10 * time.Minute, 50}, {time.Hour, 100}},
}

// limits are the buckets of an endpoint; none if they are switched off.
func (c *serverConfig) limits(endpoint string) []rateLimitBucket {
	configured := c.Endpoints.RateLimits[endpoint]
	switch {
	case configured.Enable != nil && !*configured.Enable:
		return nil
	case len(configured.Buckets) > 0:
		return configured.Buckets
	}
	return standardBuckets[endpoint]
}

// limited refuses an address whose buckets are full. Answers with the exempt status do not count.
func limited(buckets []rateLimitBucket, exempt int, refuse http.HandlerFunc, next http.Handler) http.Handler {
	var lock sync.Mutex
	limiters := map[string][]*rate.Limiter{}
	of := func(ip string) []*rate.Limiter {
		lock.Lock()
		defer lock.Unlock()
		if limiters[ip] == nil {
			for _, bucket := range buckets {
				every := rate.Limit(float64(bucket.Requests) / bucket.Period.Seconds())
				limiters[ip] = append(limiters[ip], rate.NewLimiter(every, bucket.Requests))
			}
		}
		return limiters[ip]
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		own := of(remoteIP(r))
		if slices.ContainsFunc(own, func(limiter *rate.Limiter) bool { return limiter.Tokens() < 1 }) {
			refuse(w, r)
			return
		}
		noted := &statusNote{ResponseWriter: w, status: http.StatusOK}
		next.ServeHTTP(noted, r)
		if noted.status == exempt {
			return
		}
		for _, limiter := range own {
			limiter.Allow()
		}
	})
}

// statusNote remembers the status of an answer.
type statusNote struct {
	http.ResponseWriter
	status int
}

func (n *statusNote) WriteHeader(status int) {
	n.status = status
	n.ResponseWriter.WriteHeader(status)
}

func replyTooMany(w http.ResponseWriter, _ *http.Request) {
	replyKO(w, http.StatusTooManyRequests, http.StatusText(http.StatusTooManyRequests))
}

func replyTemporarilyUnavailable(w http.ResponseWriter, _ *http.Request) {
	reply(w, http.StatusTooManyRequests, map[string]any{
		"error": "temporarily_unavailable", "error_description": "The rate limit of this endpoint was exceeded.",
	})
}

package main

// The first factor and its limits, with Authelia's defaults.
// Source: internal/regulation and internal/middlewares/rate_limiting.go of 4.39.20.

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// So many failures within so long ban a user for so long.
const (
	regulationRetries = 3
	regulationFind    = 2 * time.Minute
	regulationBan     = 5 * time.Minute
)

// failures are a user's since the last success.
type failures struct {
	Times  []time.Time
	Banned time.Time // until then
}

// checkPassword is the first factor. Somebody banned is refused even with the right password.
func (s *server) checkPassword(ctx context.Context, name, password string) (*user, error) {
	user, err := s.users.find(name)
	if err != nil {
		return nil, err
	}
	var noted failures
	if err := s.store.get(ctx, kindFailure, name, &noted); err != nil && !errors.Is(err, errNoEntry) {
		return nil, err
	}
	now := time.Now()
	if now.Before(noted.Banned) {
		return nil, errors.New("the user is banned")
	}
	matched, err := user.digest.MatchAdvanced(password)
	switch {
	case err != nil:
		return nil, err
	case matched:
		return user, s.store.delete(ctx, kindFailure, name)
	}
	old := func(at time.Time) bool { return now.Sub(at) > regulationFind }
	noted.Times = append(slices.DeleteFunc(noted.Times, old), now)
	if len(noted.Times) >= regulationRetries {
		noted.Banned = now.Add(regulationBan)
	}
	return nil, errors.Join(errors.New("the password is wrong"), s.store.put(ctx, kindFailure, name, noted))
}

// buckets are how many requests an address has in how long.
type buckets map[time.Duration]int

var (
	totpBuckets  = buckets{time.Minute: 30, 2 * time.Minute: 40, 10 * time.Minute: 50}
	tokenBuckets = buckets{time.Minute: 30, 2 * time.Minute: 40, 10 * time.Minute: 50, time.Hour: 100}
)

// limited answers 429 to an address whose buckets are full.
func limited(limits buckets, successCounts bool, next http.HandlerFunc) http.HandlerFunc {
	var lock sync.Mutex
	limiters := map[string][]*rate.Limiter{}
	of := func(ip string) []*rate.Limiter {
		lock.Lock()
		defer lock.Unlock()
		if limiters[ip] == nil {
			for period, requests := range limits {
				limiters[ip] = append(limiters[ip], rate.NewLimiter(rate.Every(period/time.Duration(requests)), requests))
			}
		}
		return limiters[ip]
	}
	return func(w http.ResponseWriter, r *http.Request) {
		own := of(remoteIP(r))
		if slices.ContainsFunc(own, func(limiter *rate.Limiter) bool { return limiter.Tokens() < 1 }) {
			replyKO(w, http.StatusTooManyRequests, http.StatusText(http.StatusTooManyRequests))
			return
		}
		noted := &statusNote{ResponseWriter: w, status: http.StatusOK}
		next(noted, r)
		if successCounts || noted.status != http.StatusOK {
			for _, limiter := range own {
				limiter.Allow()
			}
		}
	}
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

package main

// Browser sessions: in memory, as Authelia keeps them without Redis, so that a restart signs everybody out.

import (
	"crypto/rand"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// login is what a session cookie stands for.
type login struct {
	username     string
	firstFactor  time.Time
	secondFactor time.Time
	keep         bool

	expires      time.Time
	lastActivity time.Time
}

func (l login) level() level {
	switch {
	case l.username == "":
		return levelNone
	case l.secondFactor.IsZero():
		return levelOneFactor
	}
	return levelTwoFactor
}

// authenticated is the time of the last factor given.
func (l login) authenticated() time.Time {
	if l.firstFactor.After(l.secondFactor) {
		return l.firstFactor
	}
	return l.secondFactor
}

// methods are the authentication method references (RFC 8176).
func (l login) methods() []string {
	if l.level() == levelTwoFactor {
		return []string{"pwd", "kba", "otp", "mfa"}
	}
	return []string{"pwd", "kba"}
}

type sessions struct {
	config sessionConfig
	lock   sync.Mutex
	logins map[string]login
}

func newSessions(config sessionConfig) *sessions {
	return &sessions{config: config, logins: map[string]login{}}
}

// cookie is the cookie configuration for the host that a request was sent to; nil if there is none.
func (s *sessions) cookie(r *http.Request) *cookieConfig {
	host := forwarded(r).Hostname()
	for i := range s.config.Cookies {
		cookie := &s.config.Cookies[i]
		if host == cookie.Domain || strings.HasSuffix(host, "."+cookie.Domain) {
			return cookie
		}
	}
	return nil
}

// login returns the request's session; an empty one if there is none or it has ended.
func (s *sessions) login(r *http.Request) login {
	cookie := s.cookie(r)
	if cookie == nil {
		return login{}
	}
	sent, err := r.Cookie(cookie.Name)
	if err != nil {
		return login{}
	}
	s.lock.Lock()
	defer s.lock.Unlock()
	now := time.Now()
	found, ok := s.logins[sent.Value]
	if !ok || now.After(found.expires) || !found.keep && now.Sub(found.lastActivity) > cookie.Inactivity {
		delete(s.logins, sent.Value)
		return login{}
	}
	found.lastActivity = now
	s.logins[sent.Value] = found
	return found
}

// save ends the request's old session and starts a new one with a new cookie. It reports whether the host has a cookie.
func (s *sessions) save(w http.ResponseWriter, r *http.Request, l login) bool {
	cookie := s.cookie(r)
	if cookie == nil {
		return false
	}
	lasts := cookie.Expiration
	if l.keep && cookie.RememberMe > 0 {
		lasts = cookie.RememberMe
	}
	l.lastActivity, l.expires = time.Now(), time.Now().Add(lasts)
	id := rand.Text()
	s.end(r)
	s.lock.Lock()
	s.logins[id] = l
	s.lock.Unlock()
	http.SetCookie(w, sessionCookie(cookie, id, l.expires))
	return true
}

// end forgets the request's session.
func (s *sessions) end(r *http.Request) {
	cookie := s.cookie(r)
	if cookie == nil {
		return
	}
	if sent, err := r.Cookie(cookie.Name); err == nil {
		s.lock.Lock()
		defer s.lock.Unlock()
		delete(s.logins, sent.Value)
	}
}

func sessionCookie(config *cookieConfig, value string, expires time.Time) *http.Cookie {
	sameSite := map[string]http.SameSite{
		"lax": http.SameSiteLaxMode, "strict": http.SameSiteStrictMode, "none": http.SameSiteNoneMode,
	}[config.SameSite]
	return &http.Cookie{
		Name: config.Name, Value: value, Domain: config.Domain, Path: "/", Expires: expires, Secure: true, HttpOnly: true,
		SameSite: sameSite,
	}
}

// forwarded is the URL as the browser sees it, by the headers that the proxy in front sets.
func forwarded(r *http.Request) *url.URL {
	scheme, host := r.Header.Get("X-Forwarded-Proto"), r.Header.Get("X-Forwarded-Host")
	if scheme == "" {
		scheme = "http"
	}
	if host == "" {
		host = r.Host
	}
	return &url.URL{Scheme: scheme, Host: host}
}

// remoteIP is the first address of X-Forwarded-For, else the peer's.
func remoteIP(r *http.Request) string {
	if first, _, _ := strings.Cut(r.Header.Get("X-Forwarded-For"), ","); first != "" {
		return strings.TrimSpace(first)
	}
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

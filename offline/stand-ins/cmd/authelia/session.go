package main

// Browser sessions: in memory, as Authelia keeps them without Redis, so that a restart signs everybody out.

import (
	"encoding/gob"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/alexedwards/scs/v2"
)

// login is what a session cookie stands for: who has shown which factor when.
type login struct {
	Username                  string
	FirstFactor, SecondFactor time.Time
}

const loginKey = "login"

func init() {
	gob.Register(login{}) // the form in which the library keeps it
}

// newSessions keeps sessions with Authelia's default times.
func newSessions(cookie cookieConfig) *scs.SessionManager {
	sessions := scs.New()
	sessions.Lifetime, sessions.IdleTimeout = time.Hour, 5*time.Minute
	sessions.Cookie.Name, sessions.Cookie.Domain, sessions.Cookie.Secure = cookie.Name, cookie.Domain, true
	return sessions
}

// login returns the request's session; an empty one if there is none or it has ended.
func (s *server) login(r *http.Request) login {
	found, _ := s.sessions.Get(r.Context(), loginKey).(login)
	return found
}

// saveLogin notes another factor, under a new cookie.
func (s *server) saveLogin(r *http.Request, l login) error {
	s.sessions.Put(r.Context(), loginKey, l)
	return s.sessions.RenewToken(r.Context())
}

// level is how far a session has got: 0 not at all, 1 by password, 2 by a code too.
func (l login) level() int {
	switch {
	case l.Username == "":
		return 0
	case l.SecondFactor.IsZero():
		return 1
	}
	return 2
}

// suffices tells whether a login satisfies a policy; nothing satisfies deny.
func (l login) suffices(policy string) bool {
	return policy == oneFactor && l.level() >= 1 || policy == twoFactor && l.level() == 2
}

// authenticated is the time of the last factor given.
func (l login) authenticated() time.Time {
	if l.FirstFactor.After(l.SecondFactor) {
		return l.FirstFactor
	}
	return l.SecondFactor
}

// methods are the authentication method references (RFC 8176).
func (l login) methods() []string {
	if l.level() == 2 {
		return []string{"pwd", "kba", "otp", "mfa"}
	}
	return []string{"pwd", "kba"}
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

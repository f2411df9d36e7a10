package main

// The portal: routes, the login API that Authelia's own pages use, and what is common to all answers.
// Source: internal/server/handlers.go (routes), internal/handlers (requests and answers).

import (
	_ "embed"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/alexedwards/scs/v2"

	"ocis-authelia/offline/stand-ins/internal/standin"
)

const (
	messageAuthentication = "Authentication failed. Check your credentials."
	messageSecondFactor   = "Authentication failed, please retry later."
	messageOperation      = "Operation failed."
)

// portalPage is the sign-in page of this stand-in; it says what it is.
//
//go:embed portal.html
var portalPage []byte

type server struct {
	issuer   *url.URL // also the portal's own
	users    userFile
	store    *store
	sessions *scs.SessionManager
	provider *provider
}

func newServer(config *configuration, users userFile, store *store) (*server, error) {
	cookie := config.Session.Cookies[0]
	issuer, err := url.Parse(cookie.AutheliaURL)
	if err != nil {
		return nil, err
	}
	provider, err := newProvider(&config.IdentityProviders.OIDC, store)
	return &server{issuer, users, store, newSessions(cookie), provider}, err
}

func (s *server) handler() http.Handler {
	portal := http.NewServeMux()
	portal.HandleFunc("GET /{$}", s.page)
	portal.HandleFunc("GET /consent/", s.page)
	portal.HandleFunc("GET /logout", s.page)
	portal.HandleFunc("GET /api/state", s.state)
	portal.HandleFunc("POST /api/user/info", s.signedIn(s.userInfo))
	portal.HandleFunc("POST /api/firstfactor", s.firstFactor)
	portal.HandleFunc("POST /api/secondfactor/totp", limited(totpBuckets, true, s.signedIn(s.secondFactor)))
	portal.HandleFunc("POST /api/logout", s.logout)
	s.handleOpenIDConnect(portal)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/health", func(w http.ResponseWriter, _ *http.Request) { replyOK(w) })
	mux.Handle("/", s.atIssuer(s.sessions.LoadAndSave(portal)))
	return standin.Mark("authelia", secure(mux))
}

// secure adds the headers that Authelia puts on every answer. Source: internal/middlewares/headers.go.
func secure(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Referrer-Policy", "strict-origin-when-cross-origin")
		w.Header().Set("X-Frame-Options", "DENY")
		w.Header().Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		next.ServeHTTP(w, r)
	})
}

// atIssuer refuses requests that were sent to another origin than the portal's, by what the proxy in front says: since 4.39.17
// only https, and only the exact host and port of authelia_url. Source: internal/middlewares/authelia_context.go.
func (s *server) atIssuer(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		proto, host := r.Header.Get("X-Forwarded-Proto"), r.Header.Get("X-Forwarded-Host")
		if proto != s.issuer.Scheme || host != s.issuer.Host {
			slog.Error("No session cookie configuration matches the request", "scheme", proto, "host", host)
			http.Error(w, "400 Bad Request", http.StatusBadRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (s *server) page(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; connect-src 'self'; style-src 'unsafe-inline'; "+
		"script-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'")
	w.Write(portalPage)
}

func reply(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(body); err != nil {
		slog.Debug("An answer was not taken", "error", err)
	}
}

func replyOK(w http.ResponseWriter) {
	reply(w, http.StatusOK, map[string]any{"status": "OK"})
}

func replyBody(w http.ResponseWriter, body any) {
	reply(w, http.StatusOK, map[string]any{"status": "OK", "data": body})
}

func replyKO(w http.ResponseWriter, status int, message string) {
	reply(w, status, map[string]any{"status": "KO", "message": message})
}

// fail answers that the operation did not work and logs why.
func fail(w http.ResponseWriter, what string, err error) {
	slog.Error(what, "error", err)
	replyKO(w, http.StatusOK, messageOperation)
}

// signedIn lets only those in who have given their password.
func (s *server) signedIn(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if s.login(r).level() == 0 {
			http.Error(w, "403 Forbidden", http.StatusForbidden)
			return
		}
		next(w, r)
	}
}

func (s *server) state(w http.ResponseWriter, r *http.Request) {
	found := s.login(r)
	replyBody(w, map[string]any{"username": found.Username, "authentication_level": found.level()})
}

func (s *server) userInfo(w http.ResponseWriter, r *http.Request) {
	_, err := s.store.device(r.Context(), s.login(r).Username)
	if err != nil && !errors.Is(err, errNoTOTP) {
		fail(w, "Unable to load the second factor", err)
		return
	}
	replyBody(w, map[string]any{"method": "totp", "has_totp": err == nil, "has_webauthn": false, "has_duo": false})
}

// flowRequest is the part of a login request that names what the login is for.
type flowRequest struct {
	Flow   string `json:"flow"`
	FlowID string `json:"flowID"`
}

func (s *server) firstFactor(w http.ResponseWriter, r *http.Request) {
	var body struct {
		flowRequest
		Username string `json:"username"`
		Password string `json:"password"`
	}
	err := json.NewDecoder(r.Body).Decode(&body)
	var user *user
	if err == nil {
		user, err = s.checkPassword(r.Context(), body.Username, body.Password)
	}
	var started login
	if err == nil {
		started = login{Username: user.Username, FirstFactor: time.Now()}
		err = s.saveLogin(r, started)
	}
	if err != nil {
		slog.Error("Unsuccessful 1FA authentication attempt", "username", body.Username, "remote_ip", remoteIP(r), "error", err)
		replyKO(w, http.StatusUnauthorized, messageAuthentication)
		return
	}
	s.continueFlow(w, r, started, body.flowRequest)
}

func (s *server) secondFactor(w http.ResponseWriter, r *http.Request) {
	var body struct {
		flowRequest
		Token string `json:"token"`
	}
	renewed := s.login(r)
	err := json.NewDecoder(r.Body).Decode(&body)
	if err == nil {
		err = s.checkCode(r.Context(), renewed.Username, body.Token)
	}
	if err == nil {
		renewed.SecondFactor = time.Now()
		err = s.saveLogin(r, renewed)
	}
	if err != nil {
		slog.Error("Unsuccessful TOTP authentication attempt", "username", renewed.Username, "error", err)
		replyKO(w, http.StatusForbidden, messageSecondFactor)
		return
	}
	s.continueFlow(w, r, renewed, body.flowRequest)
}

// continueFlow answers a factor: with where to go on for an OpenID Connect flow, else just OK.
func (s *server) continueFlow(w http.ResponseWriter, r *http.Request, l login, request flowRequest) {
	if request.Flow == "" {
		replyOK(w)
		return
	}
	found, err := s.openFlow(r.Context(), request.FlowID)
	if err != nil {
		slog.Error("Failed to process the consent session", "flow_id", request.FlowID, "error", err)
		replyKO(w, http.StatusOK, messageAuthentication)
		return
	}
	if policy := s.policy(found, l); policy != deny && !l.suffices(policy) {
		replyOK(w) // the second factor is missing
		return
	}
	replyBody(w, map[string]any{"redirect": s.resumption(found)})
}

func (s *server) logout(w http.ResponseWriter, r *http.Request) {
	if err := s.sessions.Destroy(r.Context()); err != nil {
		fail(w, "Unable to destroy the session during logout", err)
		return
	}
	replyBody(w, map[string]any{"safeTargetURL": false})
}

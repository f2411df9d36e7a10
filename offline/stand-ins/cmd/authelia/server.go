package main

// The portal: routes, the login API that Authelia's own pages use, and what is common to all answers.
// Source: internal/server/handlers.go (routes), internal/handlers (requests and answers).

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

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
	config   *configuration
	users    *userFile
	store    *store
	sessions *sessions
	provider *provider // nil without identity_providers.oidc
}

func newServer(config *configuration, users *userFile, store *store) (*server, error) {
	s := &server{config: config, users: users, store: store, sessions: newSessions(config.Session)}
	if config.IdentityProviders.OIDC == nil {
		return s, nil
	}
	var err error
	s.provider, err = newProvider(config.IdentityProviders.OIDC, store)
	return s, err
}

func (s *server) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.page)
	mux.HandleFunc("GET /consent/", s.page)
	mux.HandleFunc("GET /logout", s.page)
	mux.HandleFunc("GET /api/health", func(w http.ResponseWriter, _ *http.Request) { replyOK(w) })
	mux.HandleFunc("GET /api/state", s.state)
	mux.HandleFunc("GET /api/configuration", s.signedIn(s.methods))
	mux.HandleFunc("POST /api/user/info", s.signedIn(s.userInfo))
	mux.HandleFunc("POST /api/firstfactor", s.firstFactor)
	mux.HandleFunc("POST /api/firstfactor/reauthenticate", s.signedIn(s.reauthenticate))
	mux.HandleFunc("POST /api/logout", s.logout)
	if !s.config.TOTP.Disable {
		limits := s.config.Server.limits("second_factor_totp")
		mux.Handle("POST /api/secondfactor/totp", limited(limits, 0, replyTooMany, s.signedIn(s.secondFactor)))
	}
	if s.provider != nil {
		s.handleOpenIDConnect(mux)
	}
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

func replyRedirect(w http.ResponseWriter, target *url.URL) {
	replyBody(w, map[string]any{"redirect": target.String()})
}

// signedIn lets only those in who have given their password.
func (s *server) signedIn(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if s.login(r).level() < levelOneFactor {
			http.Error(w, "403 Forbidden", http.StatusForbidden)
			return
		}
		next(w, r)
	}
}

// login is the request's session, if its user is still in the users file and not disabled.
func (s *server) login(r *http.Request) login {
	found := s.sessions.login(r)
	if found.username == "" {
		return found
	}
	if _, err := s.users.find(found.username); err != nil {
		s.sessions.end(r)
		return login{}
	}
	return found
}

func (s *server) state(w http.ResponseWriter, r *http.Request) {
	found := s.login(r)
	body := map[string]any{
		"username": found.username, "authentication_level": found.level(), "factor_knowledge": found.username != "",
	}
	if cookie := s.sessions.cookie(r); cookie == nil {
		http.Error(w, "403 Forbidden", http.StatusForbidden)
		return
	} else if cookie.DefaultRedirectionURL != nil {
		body["default_redirection_url"] = cookie.DefaultRedirectionURL.String()
	}
	replyBody(w, body)
}

func (s *server) methods(w http.ResponseWriter, _ *http.Request) {
	methods := []string{}
	if !s.config.TOTP.Disable {
		methods = append(methods, "totp")
	}
	replyBody(w, map[string]any{
		"available_methods":        methods,
		"password_change_disabled": s.config.AuthenticationBackend.PasswordChange.Disable,
		"password_reset_disabled":  s.config.AuthenticationBackend.PasswordReset.Disable,
	})
}

func (s *server) userInfo(w http.ResponseWriter, r *http.Request) {
	user, err := s.users.find(s.login(r).username)
	if err != nil {
		replyKO(w, http.StatusOK, messageOperation)
		return
	}
	_, err = s.store.device(r.Context(), user.Username)
	if err != nil && !errors.Is(err, errNoDevice) {
		s.fail(w, "Unable to load the second factor", err)
		return
	}
	replyBody(w, map[string]any{
		"display_name": user.DisplayName, "emails": []string{masked(user.Email)}, "method": "totp", "has_totp": err == nil,
		"has_webauthn": false, "has_duo": false,
	})
}

// masked hides most of an e-mail address, as Authelia does: a***e@example.com.
func masked(email string) string {
	name, domain, _ := strings.Cut(email, "@")
	if len(name) <= 2 {
		return strings.Repeat("*", len(name)) + "@" + domain
	}
	return name[:1] + strings.Repeat("*", len(name)-2) + name[len(name)-1:] + "@" + domain
}

// fail answers that the operation did not work and logs why.
func (s *server) fail(w http.ResponseWriter, what string, err error) {
	slog.Error(what, "error", err)
	replyKO(w, http.StatusOK, messageOperation)
}

// flowRequest is the part of a login request that names what the login is for.
type flowRequest struct {
	Flow      string `json:"flow"`
	FlowID    string `json:"flowID"`
	TargetURL string `json:"targetURL"`
}

func (s *server) firstFactor(w http.ResponseWriter, r *http.Request) {
	var body struct {
		flowRequest
		Username       string `json:"username"`
		Password       string `json:"password"`
		KeepMeLoggedIn bool   `json:"keepMeLoggedIn"`
	}
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil || body.Username == "" || body.Password == "" {
		replyKO(w, http.StatusUnauthorized, messageAuthentication)
		return
	}
	if err := s.checkPassword(r, body.Username, body.Password); err != nil {
		slog.Error("Unsuccessful 1FA authentication attempt", "username", body.Username, "ip", remoteIP(r), "error", err)
		replyKO(w, http.StatusUnauthorized, messageAuthentication)
		return
	}
	user, err := s.users.find(body.Username)
	if err != nil {
		replyKO(w, http.StatusUnauthorized, messageAuthentication)
		return
	}
	keep := body.KeepMeLoggedIn && s.config.Session.RememberMe > 0
	started := login{username: user.Username, firstFactor: time.Now(), keep: keep}
	if !s.sessions.save(w, r, started) {
		replyKO(w, http.StatusUnauthorized, messageAuthentication)
		return
	}
	s.continueFlow(w, r, started, body.flowRequest)
}

// checkPassword is the first factor with its regulation. Somebody banned is refused even with the right password.
func (s *server) checkPassword(r *http.Request, name, password string) error {
	user, err := s.users.find(name)
	if err != nil {
		return errors.Join(err, s.store.noteAttempt(r.Context(), s.config.Regulation, false, "", remoteIP(r)))
	}
	banned, err := s.store.isBanned(r.Context(), user.Username, remoteIP(r))
	if err != nil {
		return err
	}
	if banned {
		return errors.New("user or address is banned")
	}
	matched, err := user.digest.MatchAdvanced(password)
	if err != nil {
		return err
	}
	if err := s.store.noteAttempt(r.Context(), s.config.Regulation, matched, user.Username, remoteIP(r)); err != nil {
		return err
	}
	if !matched {
		return errors.New("the password is wrong")
	}
	return nil
}

// reauthenticate renews the first factor's time, for requests with prompt=login or max_age.
func (s *server) reauthenticate(w http.ResponseWriter, r *http.Request) {
	var body struct {
		flowRequest
		Password string `json:"password"`
	}
	renewed := s.login(r)
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil || s.checkPassword(r, renewed.username, body.Password) != nil {
		replyKO(w, http.StatusUnauthorized, messageAuthentication)
		return
	}
	renewed.firstFactor = time.Now()
	s.sessions.save(w, r, renewed)
	s.continueFlow(w, r, renewed, body.flowRequest)
}

func (s *server) secondFactor(w http.ResponseWriter, r *http.Request) {
	var body struct {
		flowRequest
		Token string `json:"token"`
	}
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil || body.Token == "" {
		replyKO(w, http.StatusForbidden, messageSecondFactor)
		return
	}
	if len(body.Token) != 6 && len(body.Token) != 8 {
		replyKO(w, http.StatusBadRequest, messageSecondFactor)
		return
	}
	renewed := s.login(r)
	if err := s.checkCode(r.Context(), renewed.username, body.Token); err != nil {
		slog.Error("Unsuccessful TOTP authentication attempt", "username", renewed.username, "error", err)
		replyKO(w, http.StatusForbidden, messageSecondFactor)
		return
	}
	renewed.secondFactor = time.Now()
	s.sessions.save(w, r, renewed)
	s.continueFlow(w, r, renewed, body.flowRequest)
}

// checkCode is the second factor. A code that was used is refused unless the configuration allows it.
func (s *server) checkCode(ctx context.Context, username, code string) error {
	device, err := s.store.device(ctx, username)
	if err != nil {
		return err
	}
	step, ok := device.step(code, time.Now().UTC(), *s.config.TOTP.Skew)
	if !ok {
		return errors.New("the code is wrong")
	}
	first, err := s.store.useStep(ctx, username, step)
	if err != nil {
		return err
	}
	if !first && !s.config.TOTP.DisableReuseSecurityPolicy {
		return errors.New("the code was used before")
	}
	return nil
}

// continueFlow answers a factor: with where to go on for an OpenID Connect flow, else just OK.
func (s *server) continueFlow(w http.ResponseWriter, r *http.Request, l login, flow flowRequest) {
	switch {
	case flow.Flow == "":
		s.continueToTarget(w, r, l, flow.TargetURL)
	case flow.Flow == flowOpenIDConnect && s.provider != nil:
		s.continueOpenIDConnect(w, r, l, flow.FlowID)
	default:
		replyKO(w, http.StatusOK, messageAuthentication)
	}
}

// continueToTarget sends a login without a flow on to a URL inside the cookie's domain, else leaves it in the portal.
func (s *server) continueToTarget(w http.ResponseWriter, r *http.Request, l login, target string) {
	cookie := s.sessions.cookie(r)
	parsed, err := url.ParseRequestURI(target)
	switch {
	case l.level() < levelTwoFactor && s.config.AccessControl.DefaultPolicy != oneFactor:
		replyOK(w)
	case target == "" && cookie.DefaultRedirectionURL != nil:
		replyRedirect(w, cookie.DefaultRedirectionURL)
	case err == nil && parsed.Scheme == "https" && s.sessions.cookie(&http.Request{Host: parsed.Host, Header: nil}) != nil:
		replyRedirect(w, parsed)
	default:
		replyOK(w)
	}
}

func (s *server) logout(w http.ResponseWriter, r *http.Request) {
	var body struct {
		TargetURL string `json:"targetURL"`
	}
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		replyKO(w, http.StatusOK, messageOperation)
		return
	}
	s.sessions.end(r)
	if cookie := s.sessions.cookie(r); cookie != nil {
		http.SetCookie(w, sessionCookie(cookie, "", time.Unix(0, 0)))
	}
	target, err := url.ParseRequestURI(body.TargetURL)
	safe := err == nil && target.Scheme == "https" && s.sessions.cookie(&http.Request{Host: target.Host}) != nil
	replyBody(w, map[string]any{"safeTargetURL": safe})
}

// issuer is the origin that a request was sent to. Since 4.39.17 only https, and only the exact host and port of an
// authelia_url, are taken. Source: internal/middlewares/authelia_context.go IssuerURL.
func (s *server) issuer(r *http.Request) (*url.URL, error) {
	origin := forwarded(r)
	if origin.Scheme != "https" {
		return nil, fmt.Errorf("invalid X-Forwarded-Proto header value '%s'", origin.Scheme)
	}
	for _, cookie := range s.config.Session.Cookies {
		if cookie.AutheliaURL.Host == origin.Host {
			return origin, nil
		}
	}
	return nil, fmt.Errorf("error occurred discovering the issuer: no session cookie configuration matches url '%s'", origin)
}

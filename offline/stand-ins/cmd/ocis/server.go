package main

// The proxy: which paths need a token, and what is answered where.
// Source: services/proxy/pkg/config/defaults (routes), answers as oCIS 7.0.0 gave them.

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"

	"ocis-authelia/offline/stand-ins/internal/standin"
)

const statusPath = "/status.php"

type server struct {
	config   *config
	issuer   *url.URL
	accounts *accounts
	tokens   *tokenVerifier
	files    *files
}

func newServer(config *config) (*server, error) {
	accounts, err := openAccounts(config)
	if err != nil {
		return nil, err
	}
	issuer, err := url.Parse(config.Issuer)
	return &server{config, issuer, accounts, newTokenVerifier(config), newFiles(config)}, err
}

func (s *server) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/", s.page)
	mux.Handle("GET /.well-known/openid-configuration", s.wellKnown())
	mux.HandleFunc("GET "+statusPath, s.status)
	mux.HandleFunc("GET /graph/v1.0/me", s.signedIn(s.me))
	mux.HandleFunc("GET /graph/v1.0/users", s.signedIn(s.users))
	mux.HandleFunc(davPrefix+"/", s.signedIn(s.files.serve))
	// Whatever else oCIS has behind a token is not known here: 401 without one, 501 with one.
	for _, path := range []string{
		"/graph/", "/ocs/", "/api/", "/archiver", "/app/", "/apps/", "/index.php/", "/remote.php/", "/dav/", "/webdav/",
	} {
		mux.HandleFunc(path, s.signedIn(notKnown))
	}
	return standin.Mark("ocis", s.secure(mux))
}

func notKnown(w http.ResponseWriter, r *http.Request, _ account) {
	http.Error(w, r.RequestURI+" is not known to this stand-in", http.StatusNotImplemented)
}

// secure puts oCIS's security headers on every answer. Source: services/proxy/pkg/middleware/security.go.
func (s *server) secure(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", s.config.csp)
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("X-Frame-Options", "SAMEORIGIN")
		w.Header().Set("Referrer-Policy", "strict-origin-when-cross-origin")
		next.ServeHTTP(w, r)
	})
}

// signedIn lets a request in by its bearer token and hands over the account.
func (s *server) signedIn(next func(http.ResponseWriter, *http.Request, account)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		var told claims
		var err error
		if ok {
			told, err = s.tokens.claims(token)
		}
		if !ok || err != nil {
			slog.Error("failed to authenticate the request", "path", r.URL.Path, "error", err)
			w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer realm="%s", charset="UTF-8"`, r.Host))
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		found, err := s.accounts.resolve(told)
		if err != nil {
			slog.Error("Could not get user by claim", "error", err)
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		next(w, r, found)
	}
}

func reply(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(body); err != nil {
		slog.Debug("An answer was not taken", "error", err)
	}
}

func (s *server) page(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	io.WriteString(w, `<!doctype html><html lang="en"><meta charset="utf-8"><title>Stand-in for oCIS</title>`+
		`<h1>Stand-in for ownCloud Infinite Scale</h1><p>This stands in for oCIS, on a machine that cannot get the real one. `+
		`It has no web interface: use WebDAV and the Graph API.</p></html>`)
}

// wellKnown passes the issuer's discovery document on, asked for anew and without anything of the request.
func (s *server) wellKnown() http.Handler {
	return &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(s.issuer)
			r.Out.Header = http.Header{}
		},
		ModifyResponse: func(answer *http.Response) error {
			// Its own mark and policies stay: this answer is oCIS's.
			answer.Header = http.Header{"Content-Type": answer.Header["Content-Type"]}
			return nil
		},
	}
}

// status is what old clients look at first; the version is that of the ownCloud 10 whose protocol oCIS speaks.
func (s *server) status(w http.ResponseWriter, _ *http.Request) {
	reply(w, http.StatusOK, map[string]any{
		"installed": true, "maintenance": false, "needsDbUpgrade": false, "version": "10.11.0.0", "versionstring": "10.11.0",
		"edition": "Community", "productname": "Infinite Scale", "product": "Infinite Scale", "productversion": version,
	})
}

func (s *server) me(w http.ResponseWriter, r *http.Request, user account) {
	if r.URL.RawQuery != "" {
		notKnown(w, r, user)
		return
	}
	reply(w, http.StatusOK, person(user))
}

func person(user account) map[string]any {
	return map[string]any{
		"displayName": user.DisplayName, "id": user.ID, "mail": user.Mail, "onPremisesSamAccountName": user.Username,
		"userType": "Member",
	}
}

// users lists people to an administrator. Others may search in the real one, by three letters at least.
func (s *server) users(w http.ResponseWriter, r *http.Request, user account) {
	switch {
	case r.URL.RawQuery != "":
		notKnown(w, r, user)
	case user.Role != "admin":
		refused := map[string]any{"code": "accessDenied", "message": "search term too short"}
		reply(w, http.StatusForbidden, map[string]any{"error": refused})
	default:
		found := []any{}
		for _, other := range s.accounts.list() {
			found = append(found, person(other))
		}
		reply(w, http.StatusOK, map[string]any{"value": found})
	}
}

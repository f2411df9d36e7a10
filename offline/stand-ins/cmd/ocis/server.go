package main

// The proxy: which paths need a token, and what is answered where.
// Source: services/proxy/pkg/config/defaults (routes), answers as oCIS 7.0.0 gave them.

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"ocis-authelia/offline/stand-ins/internal/standin"
)

const wellKnownPath = "/.well-known/openid-configuration"

type server struct {
	config   *config
	accounts *accounts
	tokens   *tokenVerifier
	files    *files
}

func (s *server) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/", s.page)
	mux.HandleFunc("GET "+wellKnownPath, s.wellKnown)
	mux.HandleFunc("GET /.well-known/webfinger", s.webfinger)
	mux.HandleFunc("GET /config.json", s.webConfig)
	mux.HandleFunc("GET /status.php", s.status)
	mux.HandleFunc("GET /status", s.status)
	mux.HandleFunc("GET /graph/v1.0/me", s.signedIn(s.me))
	mux.HandleFunc("GET /graph/v1.0/me/drives", s.signedIn(s.drives))
	mux.HandleFunc("GET /graph/v1.0/me/drive", s.signedIn(s.drive))
	mux.HandleFunc("GET /graph/v1.0/users", s.signedIn(s.users))
	mux.HandleFunc("POST /api/v0/settings/assignments-list", s.signedIn(s.assignments))
	for _, version := range []string{"v1", "v2"} {
		mux.HandleFunc("GET /ocs/"+version+".php/cloud/capabilities", s.capabilities)
		mux.HandleFunc("GET /ocs/"+version+".php/cloud/user", s.signedIn(s.ocsUser))
	}
	dav := s.signedIn(s.files.serve)
	for _, path := range []string{"/remote.php/", "/dav/", "/webdav/"} {
		mux.HandleFunc(path, dav)
	}
	// Whatever else oCIS has behind a token is not known here: 401 without one, 501 with one.
	rest := s.signedIn(func(w http.ResponseWriter, r *http.Request, _ account) {
		http.Error(w, r.URL.Path+" is not known to this stand-in", http.StatusNotImplemented)
	})
	for _, path := range []string{"/graph/", "/ocs/", "/api/v0/settings/", "/archiver", "/app/", "/apps/", "/index.php/"} {
		mux.HandleFunc(path, rest)
	}
	return standin.Mark("ocis", s.secure(mux))
}

// secure puts oCIS's security headers on every answer, and answers OPTIONS, which needs no token. Source: services/proxy/pkg/middleware/security.go.
func (s *server) secure(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", s.config.csp)
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("X-Frame-Options", "SAMEORIGIN")
		w.Header().Set("Referrer-Policy", "strict-origin-when-cross-origin")
		if r.Method == http.MethodOptions {
			w.Header().Set("DAV", "1, 2")
			w.WriteHeader(http.StatusNoContent)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// signedIn lets a request in by its bearer token and hands over the account.
func (s *server) signedIn(next func(http.ResponseWriter, *http.Request, account)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		if !ok || token == "" {
			unauthorized(w, r)
			return
		}
		told, err := s.tokens.claims(token)
		if err != nil {
			slog.Error("failed to authenticate the request", "path", r.URL.Path, "error", err)
			unauthorized(w, r)
			return
		}
		found, err := s.accounts.resolve(told)
		switch {
		case errors.Is(err, errUnknownAccount):
			slog.Error("User by claim not found", "error", err)
			w.WriteHeader(http.StatusUnauthorized)
		case err != nil:
			slog.Error("Could not get user by claim", "error", err)
			w.WriteHeader(http.StatusInternalServerError)
		default:
			next(w, r, found)
		}
	}
}

func unauthorized(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("X-Requested-With") != "XMLHttpRequest" {
		w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer realm="%s", charset="UTF-8"`, r.Host))
	}
	if strings.Contains(r.URL.Path, "dav/") {
		davError(w, http.StatusUnauthorized, "PermissionDenied", "Authentication error")
		return
	}
	w.WriteHeader(http.StatusUnauthorized)
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

// wellKnown passes the issuer's discovery document on.
func (s *server) wellKnown(w http.ResponseWriter, r *http.Request) {
	if !s.config.rewriteWellKnown {
		http.Error(w, "the built-in identity provider is not known to this stand-in", http.StatusNotImplemented)
		return
	}
	address := strings.TrimSuffix(s.config.issuer, "/") + wellKnownPath
	request, err := http.NewRequestWithContext(r.Context(), http.MethodGet, address, nil)
	var response *http.Response
	if err == nil {
		response, err = s.tokens.client.Do(request)
	}
	if err != nil {
		slog.Error("get information from url failed", "url", s.config.issuer, "error", err)
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	defer response.Body.Close()
	for name, values := range response.Header {
		// Its own mark stays: this answer is oCIS's.
		if name != standin.Header {
			for _, value := range values {
				w.Header().Add(name, value)
			}
		}
	}
	w.WriteHeader(response.StatusCode)
	if _, err := io.Copy(w, response.Body); err != nil {
		slog.Error("copying response body failed", "error", err)
	}
}

func (s *server) webfinger(w http.ResponseWriter, r *http.Request) {
	resource := r.URL.Query().Get("resource")
	if resource == "" {
		http.Error(w, "absent or malformed 'resource' parameter", http.StatusBadRequest)
		return
	}
	reply(w, http.StatusOK, map[string]any{
		"subject": resource,
		"links":   []any{map[string]any{"rel": "http://openid.net/specs/connect/1.0/issuer", "href": s.config.issuer}},
	})
}

func (s *server) webConfig(w http.ResponseWriter, _ *http.Request) {
	web := s.config.web
	oidc := map[string]any{
		"metadata_url": web.metadataURL, "authority": web.authority, "client_id": web.clientID,
		"response_type": web.responseType, "scope": web.scope,
	}
	if web.postLogoutRedirectURI != "" {
		oidc["post_logout_redirect_uri"] = web.postLogoutRedirectURI
	}
	reply(w, http.StatusOK, map[string]any{
		"server": s.config.url, "theme": s.config.url + "/themes/owncloud/theme.json", "openIdConnect": oidc,
		"apps": []string{"files"}, "options": web.options,
	})
}

// statusBody is what old clients look at first; the version is that of the ownCloud 10 whose protocol oCIS speaks.
func statusBody() map[string]any {
	return map[string]any{
		"installed": true, "maintenance": false, "needsDbUpgrade": false, "version": "10.11.0.0", "versionstring": "10.11.0",
		"edition": "Community", "productname": "Infinite Scale", "product": "Infinite Scale", "productversion": version,
	}
}

func (s *server) status(w http.ResponseWriter, _ *http.Request) {
	reply(w, http.StatusOK, statusBody())
}

func (s *server) me(w http.ResponseWriter, r *http.Request, user account) {
	body := s.person(user)
	if strings.Contains(r.URL.Query().Get("$expand"), "memberOf") {
		groups := []any{}
		for _, group := range user.Groups {
			groups = append(groups, map[string]any{
				"displayName": group, "groupTypes": []any{}, "id": s.accounts.groupID(group),
			})
		}
		body["memberOf"] = groups
	}
	reply(w, http.StatusOK, body)
}

func (s *server) person(user account) map[string]any {
	return map[string]any{
		"displayName": user.DisplayName, "id": user.ID, "mail": user.Mail, "onPremisesSamAccountName": user.Username,
		"preferredLanguage": "en", "userType": "Member",
		"identities": []any{map[string]any{"issuer": s.config.issuer, "issuerAssignedId": user.ID}},
	}
}

func (s *server) personalSpace(user account) map[string]any {
	id := s.files.spaceID(user)
	return map[string]any{
		"driveAlias": "personal/" + user.Username, "driveType": "personal", "id": id, "name": user.DisplayName,
		"owner":  map[string]any{"user": map[string]any{"displayName": "", "id": user.ID}},
		"quota":  map[string]any{"state": "normal", "total": 0, "used": 0},
		"root":   map[string]any{"id": id, "webDavUrl": s.config.url + "/dav/spaces/" + id},
		"webUrl": s.config.url + "/f/" + id,
	}
}

func (s *server) drives(w http.ResponseWriter, _ *http.Request, user account) {
	reply(w, http.StatusOK, map[string]any{"value": []any{s.personalSpace(user)}})
}

func (s *server) drive(w http.ResponseWriter, _ *http.Request, user account) {
	reply(w, http.StatusOK, s.personalSpace(user))
}

// searchAtLeast is how many letters a user has to search for. Source: GRAPH's default, as 7.0.0 answered.
const searchAtLeast = 3

// users lists people: all to an administrator, to others only what they search for.
func (s *server) users(w http.ResponseWriter, r *http.Request, user account) {
	search := strings.Trim(r.URL.Query().Get("$search"), `"`)
	if user.Role != "admin" && len(search) < searchAtLeast {
		reply(w, http.StatusForbidden, map[string]any{
			"error": map[string]any{"code": "accessDenied", "message": "search term too short"},
		})
		return
	}
	found := []any{}
	for _, other := range s.accounts.list() {
		if strings.Contains(strings.ToLower(other.Username+"\n"+other.DisplayName+"\n"+other.Mail), strings.ToLower(search)) {
			found = append(found, s.person(other))
		}
	}
	reply(w, http.StatusOK, map[string]any{"value": found})
}

// assignments tells one's own role.
func (s *server) assignments(w http.ResponseWriter, _ *http.Request, user account) {
	reply(w, http.StatusCreated, map[string]any{
		"assignments": []any{map[string]any{"id": user.ID, "accountUuid": user.ID, "roleId": roles[user.Role]}},
	})
}

func (s *server) capabilities(w http.ResponseWriter, r *http.Request) {
	s.ocs(w, r, map[string]any{
		"capabilities": map[string]any{
			"core":  map[string]any{"pollinterval": 60, "webdav-root": "remote.php/webdav", "status": statusBody()},
			"files": map[string]any{"bigfilechunking": false, "undelete": false, "versioning": false},
			"spaces": map[string]any{
				"enabled": true, "projects": false, "share_jail": false, "version": "1.0.0",
			},
		},
		"version": map[string]any{
			"edition": "Community", "major": 10, "minor": 11, "micro": 0, "string": "10.11.0", "product": "Infinite Scale",
			"productversion": version,
		},
	})
}

func (s *server) ocsUser(w http.ResponseWriter, r *http.Request, user account) {
	s.ocs(w, r, map[string]any{
		"id": user.Username, "display-name": user.DisplayName, "email": user.Mail, "user-type": "primary",
	})
}

// ocs answers in the Open Collaboration Services' envelope: XML, unless format=json.
func (s *server) ocs(w http.ResponseWriter, r *http.Request, data map[string]any) {
	code := 100
	if strings.HasPrefix(r.URL.Path, "/ocs/v2") {
		code = 200
	}
	meta := map[string]any{"status": "ok", "statuscode": code, "message": "OK"}
	if r.URL.Query().Get("format") == "json" {
		reply(w, http.StatusOK, map[string]any{"ocs": map[string]any{"meta": meta, "data": data}})
		return
	}
	w.Header().Set("Content-Type", "text/xml; charset=utf-8")
	io.WriteString(w, xml.Header)
	writeXML(w, "ocs", map[string]any{"meta": meta, "data": data})
}

// writeXML writes nested maps as elements in the order of their names.
func writeXML(w io.Writer, name string, value any) {
	fmt.Fprintf(w, "<%s>", name)
	if nested, ok := value.(map[string]any); ok {
		names := make([]string, 0, len(nested))
		for key := range nested {
			names = append(names, key)
		}
		slices.Sort(names)
		for _, key := range names {
			writeXML(w, key, nested[key])
		}
	} else {
		xml.EscapeText(w, fmt.Append(nil, value))
	}
	fmt.Fprintf(w, "</%s>", name)
}

// checkURL makes sure of an absolute https URL without a path, of which everything else is made.
func checkURL(name, text string) error {
	parsed, err := url.Parse(text)
	if err != nil || parsed.Scheme != "https" || parsed.Host == "" || strings.Trim(parsed.Path, "/") != "" {
		return fmt.Errorf("%s: %q is not an https URL without a path", name, text)
	}
	return nil
}

package main

// The endpoints of OpenID Connect besides the authorization endpoint, and who may call them from a browser.

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ory/fosite"
)

func (s *server) handleOpenIDConnect(mux *http.ServeMux) {
	public := func(next http.HandlerFunc) http.HandlerFunc { return crossOrigin([]string{"*"}, []string{"GET"}, next) }
	limits := s.config.Server.limits("openid_connect_token")
	token := limited(limits, http.StatusOK, replyTemporarilyUnavailable, http.HandlerFunc(s.token))
	for path, handler := range map[string]http.HandlerFunc{
		"/.well-known/openid-configuration":       public(s.discovery),
		"/.well-known/oauth-authorization-server": public(s.discovery),
		"/jwks.json":              public(s.jwks),
		"/api/oidc/authorization": s.crossOrigin("authorization", s.authorization, "GET", "POST"),
		"/api/oidc/token":         s.crossOrigin("token", token.ServeHTTP, "POST"),
		"/api/oidc/userinfo":      s.crossOrigin("userinfo", s.openIDUserInfo, "GET", "POST"),
		"/api/oidc/introspection": s.crossOrigin("introspection", s.introspection, "POST"),
		"/api/oidc/revocation":    s.crossOrigin("revocation", s.revocation, "POST"),
	} {
		mux.HandleFunc(path, handler)
	}
	mux.HandleFunc("GET /api/oidc/consent", s.showConsent)
	mux.HandleFunc("POST /api/oidc/consent", s.answerConsent)
}

// crossOrigin lets browsers call an endpoint from other origins if the configuration lists it.
func (s *server) crossOrigin(endpoint string, next http.HandlerFunc, methods ...string) http.HandlerFunc {
	cors := s.provider.config.CORS
	if slices.Contains(cors.Endpoints, endpoint) {
		return crossOrigin(cors.AllowedOrigins, methods, next)
	}
	return allow(methods, next)
}

// allow answers 405 to other methods, and OPTIONS with an empty answer.
func allow(methods []string, next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method == http.MethodOptions:
			if r.Header.Get("Origin") != "" && r.Header.Get("Access-Control-Request-Method") != "" {
				w.Header().Set("Access-Control-Allow-Methods", "OPTIONS, "+strings.Join(methods, ", "))
			}
			w.Header().Set("Content-Length", "0")
		case slices.Contains(methods, r.Method) || r.Method == http.MethodHead && slices.Contains(methods, "GET"):
			next(w, r)
		default:
			w.Header().Set("Allow", "OPTIONS, "+strings.Join(methods, ", "))
			http.Error(w, "405 Method Not Allowed", http.StatusMethodNotAllowed)
		}
	}
}

// crossOrigin adds CORS headers for listed origins; with none listed, for every https origin, as Authelia does.
func crossOrigin(origins, methods []string, next http.HandlerFunc) http.HandlerFunc {
	allowed := allow(methods, next)
	return func(w http.ResponseWriter, r *http.Request) {
		origin := r.Header.Get("Origin")
		w.Header().Set("Vary", "Accept-Encoding, Origin")
		answer := origin
		switch parsed, err := url.ParseRequestURI(origin); {
		case err != nil:
			answer = ""
		case slices.Contains(origins, "*"):
			answer = "*"
		case len(origins) == 0 && parsed.Scheme != "https", len(origins) > 0 && !slices.Contains(origins, origin):
			answer = ""
		}
		if answer != "" {
			w.Header().Set("Access-Control-Allow-Origin", answer)
			w.Header().Set("Access-Control-Max-Age", "100")
			// Only listed origins may send credentials.
			credentials := answer != "*"
			w.Header().Set("Access-Control-Allow-Credentials", strconv.FormatBool(credentials))
			var headers []string
			for _, header := range strings.Split(r.Header.Get("Access-Control-Request-Headers"), ",") {
				header = strings.TrimSpace(header)
				if header != "" && (credentials || !strings.EqualFold(header, "authorization") && !strings.EqualFold(header, "cookie")) {
					headers = append(headers, header)
				}
			}
			if len(headers) > 0 {
				w.Header().Set("Access-Control-Allow-Headers", strings.Join(headers, ", "))
			}
		}
		allowed(w, r)
	}
}

// protocolClaims are those that tokens carry besides the users' attributes.
var protocolClaims = []string{
	"amr", "aud", "azp", "client_id", "exp", "iat", "iss", "jti", "auth_time", "nonce", "sub",
}

func (s *server) discovery(w http.ResponseWriter, r *http.Request) {
	issuer, err := s.issuer(r)
	if err != nil {
		slog.Error("Error occurred determining OpenID Connect 1.0 issuer details", "error", err)
		http.Error(w, "400 Bad Request", http.StatusBadRequest)
		return
	}
	endpoint := func(path string) string { return issuer.JoinPath(path).String() }
	methods := []string{methodBasic, methodPost, methodNone}
	reply(w, http.StatusOK, map[string]any{
		"issuer":                                         issuer.String(),
		"jwks_uri":                                       endpoint("jwks.json"),
		"authorization_endpoint":                         endpoint("api/oidc/authorization"),
		"token_endpoint":                                 endpoint("api/oidc/token"),
		"userinfo_endpoint":                              endpoint("api/oidc/userinfo"),
		"introspection_endpoint":                         endpoint("api/oidc/introspection"),
		"revocation_endpoint":                            endpoint("api/oidc/revocation"),
		"subject_types_supported":                        []string{"public"},
		"response_types_supported":                       []string{"code"},
		"grant_types_supported":                          []string{"authorization_code", "refresh_token"},
		"response_modes_supported":                       []string{"form_post", "query", "fragment"},
		"scopes_supported":                               []string{"offline_access", "openid", "profile", "email", "groups"},
		"claims_supported":                               slices.Concat(protocolClaims, standardClaims),
		"token_endpoint_auth_methods_supported":          methods,
		"revocation_endpoint_auth_methods_supported":     methods,
		"introspection_endpoint_auth_methods_supported":  methods[:2],
		"code_challenge_methods_supported":               []string{"S256"},
		"id_token_signing_alg_values_supported":          []string{"RS256"},
		"userinfo_signing_alg_values_supported":          []string{"none"},
		"prompt_values_supported":                        []string{"consent", "login", "none", "select_account"},
		"authorization_response_iss_parameter_supported": true,
		"request_parameter_supported":                    false,
		"request_uri_parameter_supported":                false,
		"claims_parameter_supported":                     false,
	})
}

func (s *server) jwks(w http.ResponseWriter, _ *http.Request) {
	reply(w, http.StatusOK, s.provider.keys)
}

// errIssuer answers requests that came by another way than the issuer's URL.
var errIssuer = fosite.ErrInvalidRequest.WithHint("The effective issuer could not be determined.")

func (s *server) token(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	issuer, err := s.issuer(r)
	if err != nil {
		slog.Error("Access Request could not be processed", "error", err)
		s.provider.WriteAccessError(ctx, w, nil, errIssuer)
		return
	}
	request, err := s.provider.NewAccessRequest(ctx, r, newGrantSession())
	if err != nil {
		slog.Error("Access Request failed", "error", fosite.ErrorToRFC6749Error(err).WithExposeDebug(true).GetDescription())
		s.provider.WriteAccessError(ctx, w, request, err)
		return
	}
	session := request.GetSession().(*grantSession)
	if session.Claims.Issuer != issuer.String() {
		s.provider.WriteAccessError(ctx, w, request, errIssuer)
		return
	}
	if registered := request.GetClient().(*client); registered.isJWT() {
		user, err := s.users.find(session.Username)
		if err != nil {
			s.provider.WriteAccessError(ctx, w, request, fosite.ErrServerError.WithHint("Could not obtain the users details."))
			return
		}
		names := append([]string{}, s.provider.config.ClaimsPolicies[registered.ClaimsPolicy].AccessToken...)
		session.AccessClaims = s.provider.claims(registered, request.GetRequestedScopes(), user, names)
	}
	response, err := s.provider.NewAccessResponse(ctx, request)
	if err != nil {
		slog.Error("Access Response could not be created",
			"error", fosite.ErrorToRFC6749Error(err).WithExposeDebug(true).GetDescription())
		s.provider.WriteAccessError(ctx, w, request, err)
		return
	}
	s.provider.WriteAccessResponse(ctx, w, request, response)
}

func (s *server) openIDUserInfo(w http.ResponseWriter, r *http.Request) {
	issuer, err := s.issuer(r)
	if err != nil {
		slog.Error("User Info Request could not be processed", "error", err)
		replyError(w, errIssuer)
		return
	}
	use, request, err := s.provider.IntrospectToken(
		r.Context(), fosite.AccessTokenFromRequest(r), fosite.AccessToken, newGrantSession())
	if err != nil {
		replyChallenge(w, fosite.ErrorToRFC6749Error(err))
		return
	}
	session := request.GetSession().(*grantSession)
	switch {
	case use != fosite.AccessToken:
		replyError(w, fosite.ErrInvalidTokenFormat.WithHint("Only access tokens are allowed in the authorization header."))
		return
	case session.Claims.Issuer != issuer.String():
		replyError(w, errIssuer)
		return
	case !request.GetGrantedScopes().Has("openid"):
		replyError(w, errInsufficientScope)
		return
	}
	claims := map[string]any{"sub": session.Subject, "rat": request.GetRequestedAt().Unix()}
	if user, err := s.users.find(session.Username); err == nil {
		for name, value := range s.provider.claims(request.GetClient().(*client), request.GetGrantedScopes(), user, nil) {
			claims[name] = value
		}
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Pragma", "no-cache")
	reply(w, http.StatusOK, claims)
}

var errInsufficientScope = &fosite.RFC6749Error{
	ErrorField: "insufficient_scope", DescriptionField: "The granted scope was missing the 'openid' scope.",
	CodeField: http.StatusForbidden,
}

// replyChallenge refuses a bearer token (RFC 6750); the body says nothing, as on 4.39.20.
func replyChallenge(w http.ResponseWriter, err *fosite.RFC6749Error) {
	w.Header().Set("WWW-Authenticate",
		fmt.Sprintf("Bearer error=%q,error_description=%q", err.ErrorField, err.DescriptionField))
	reply(w, err.CodeField, map[string]any{})
}

// replyError is an OAuth 2.0 error as JSON.
func replyError(w http.ResponseWriter, err *fosite.RFC6749Error) {
	reply(w, err.CodeField, map[string]any{"error": err.ErrorField, "error_description": err.GetDescription()})
}

// claims are what the granted scopes tell about a user; with names, only those of them.
func (p *provider) claims(client *client, scopes []string, user *user, names []string) map[string]any {
	attributes := map[string]string{} // attribute by claim
	for _, scope := range scopes {
		for claim, attribute := range scopeClaims[scope] {
			attributes[claim] = attribute
		}
		custom := p.config.ClaimsPolicies[client.ClaimsPolicy].CustomClaims
		for _, claim := range p.config.Scopes[scope].Claims {
			for _, mapped := range custom {
				if mapped.Name == claim {
					attributes[claim] = mapped.Attribute
				}
			}
		}
	}
	claims := map[string]any{}
	for claim, attribute := range attributes {
		if value := user.attribute(attribute); value != nil && (names == nil || slices.Contains(names, claim)) {
			claims[claim] = value
		}
	}
	return claims
}

// scopeClaims maps the claims of the standard scopes to users' attributes. Source: internal/oidc/claims.go.
var scopeClaims = map[string]map[string]string{
	"profile": {
		"name": "display_name", "given_name": "given_name", "family_name": "family_name", "middle_name": "middle_name",
		"nickname": "nickname", "preferred_username": "username", "profile": "profile", "picture": "picture",
		"website": "website", "gender": "gender", "birthdate": "birthdate", "zoneinfo": "zoneinfo", "locale": "locale",
		"updated_at": "updated_at",
	},
	"email":  {"email": "email", "email_verified": "email_verified"},
	"phone":  {"phone_number": "phone_number"},
	"groups": {"groups": "groups"},
}

func (s *server) introspection(w http.ResponseWriter, r *http.Request) {
	if _, err := s.issuer(r); err != nil {
		s.provider.WriteIntrospectionError(r.Context(), w, errIssuer)
		return
	}
	response, err := s.provider.NewIntrospectionRequest(r.Context(), r, newGrantSession())
	if err != nil {
		s.provider.WriteIntrospectionError(r.Context(), w, err)
		return
	}
	s.provider.WriteIntrospectionResponse(r.Context(), w, response)
}

func (s *server) revocation(w http.ResponseWriter, r *http.Request) {
	s.provider.WriteRevocationResponse(r.Context(), w, s.provider.NewRevocationRequest(r.Context(), r))
}

// newSession is what a code remembers of the login it came from.
func (p *provider) newSession(issuer *url.URL, client *client, flow *consent, user *user, l login) *grantSession {
	session := newGrantSession()
	session.ClientID, session.KeyID = client.ClientID, p.keyID
	session.Subject, session.Username = flow.Subject, user.Username
	session.Claims.Subject, session.Claims.Issuer = flow.Subject, issuer.String()
	session.Claims.IssuedAt, session.Claims.RequestedAt = time.Now().UTC(), flow.RequestedAt.UTC()
	session.Claims.Nonce = flow.Form.Get("nonce")
	session.Claims.AuthTime, session.Claims.AuthenticationMethodsReferences = l.authenticated().UTC(), l.methods()
	session.Headers.Add("kid", p.keyID)
	// Since 4.39 an ID token carries a user's attributes only where the client's claims policy names them.
	names := append([]string{}, p.config.ClaimsPolicies[client.ClaimsPolicy].IDToken...)
	session.Claims.Extra = p.claims(client, flow.Scopes, user, names)
	session.Claims.Extra["azp"] = client.ClientID
	return session
}

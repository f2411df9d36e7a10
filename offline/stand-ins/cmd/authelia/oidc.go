package main

// The endpoints of OpenID Connect besides the authorization endpoint, and who may call them from a browser.

import (
	"fmt"
	"net/http"

	"github.com/go-jose/go-jose/v3"
	"github.com/ory/fosite"
	"github.com/rs/cors"
)

func (s *server) handleOpenIDConnect(mux *http.ServeMux) {
	endpoints := http.NewServeMux()
	endpoints.HandleFunc("GET /api/oidc/authorization", s.authorization)
	endpoints.HandleFunc("POST /api/oidc/token", limited(tokenBuckets, false, s.token))
	endpoints.HandleFunc("/api/oidc/userinfo", s.openIDUserInfo)
	endpoints.HandleFunc("POST /api/oidc/revocation", s.revocation)
	endpoints.HandleFunc("GET /api/oidc/consent", s.showConsent)
	endpoints.HandleFunc("POST /api/oidc/consent", s.answerConsent)
	mux.Handle("/api/oidc/", endpoints)

	configured := s.provider.config.CORS
	shared := cors.New(cors.Options{
		AllowedOrigins: configured.AllowedOrigins, AllowedMethods: []string{"GET", "POST"}, AllowedHeaders: []string{"*"},
		AllowCredentials: true, MaxAge: 100,
	}).Handler(endpoints)
	for _, endpoint := range configured.Endpoints {
		mux.Handle("/api/oidc/"+endpoint, shared)
	}

	public := http.NewServeMux()
	public.HandleFunc("GET /.well-known/openid-configuration", s.discovery)
	public.HandleFunc("GET /jwks.json", s.jwks)
	for _, path := range []string{"/.well-known/", "/jwks.json"} {
		mux.Handle(path, cors.AllowAll().Handler(public))
	}
}

func (s *server) discovery(w http.ResponseWriter, _ *http.Request) {
	endpoint := func(path string) string { return s.issuer.JoinPath(path).String() }
	methods := []string{"client_secret_basic", "client_secret_post", "none"}
	reply(w, http.StatusOK, map[string]any{
		"issuer":                                         s.issuer.String(),
		"jwks_uri":                                       endpoint("jwks.json"),
		"authorization_endpoint":                         endpoint(pathAuthorization),
		"token_endpoint":                                 endpoint("api/oidc/token"),
		"userinfo_endpoint":                              endpoint("api/oidc/userinfo"),
		"revocation_endpoint":                            endpoint("api/oidc/revocation"),
		"subject_types_supported":                        []string{"public"},
		"response_types_supported":                       []string{"code"},
		"response_modes_supported":                       []string{"query"},
		"grant_types_supported":                          []string{"authorization_code", "refresh_token"},
		"scopes_supported":                               []string{"offline_access", "openid", "profile", "email", "groups"},
		"token_endpoint_auth_methods_supported":          methods,
		"revocation_endpoint_auth_methods_supported":     methods,
		"code_challenge_methods_supported":               []string{"S256"},
		"id_token_signing_alg_values_supported":          []string{"RS256"},
		"userinfo_signing_alg_values_supported":          []string{"none"},
		"authorization_response_iss_parameter_supported": true,
	})
}

func (s *server) jwks(w http.ResponseWriter, _ *http.Request) {
	reply(w, http.StatusOK, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{s.provider.key.Public()}})
}

func (s *server) token(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	request, err := s.provider.NewAccessRequest(ctx, r, emptyGrantSession())
	if err == nil && request.GetClient().(*client).signsAccessTokens {
		// Authelia fills a signed token with claims about the user, who therefore has to be there still.
		if _, missing := s.users.find(request.GetSession().GetUsername()); missing != nil {
			err = fosite.ErrServerError.WithHint("Could not obtain the users details.")
		}
	}
	var response fosite.AccessResponder
	if err == nil {
		response, err = s.provider.NewAccessResponse(ctx, request)
	}
	if err != nil {
		logFailure("Access Request failed", err)
		s.provider.WriteAccessError(ctx, w, request, err)
		return
	}
	s.provider.WriteAccessResponse(ctx, w, request, response)
}

func (s *server) revocation(w http.ResponseWriter, r *http.Request) {
	s.provider.WriteRevocationResponse(r.Context(), w, s.provider.NewRevocationRequest(r.Context(), r))
}

func (s *server) openIDUserInfo(w http.ResponseWriter, r *http.Request) {
	token := fosite.AccessTokenFromRequest(r)
	use, request, err := s.provider.IntrospectToken(r.Context(), token, fosite.AccessToken, emptyGrantSession())
	if err == nil && (use != fosite.AccessToken || !request.GetGrantedScopes().Has("openid")) {
		err = fosite.ErrRequestForbidden
	}
	if err != nil {
		refused := fosite.ErrorToRFC6749Error(err)
		challenge := fmt.Sprintf("Bearer error=%q,error_description=%q", refused.ErrorField, refused.DescriptionField)
		w.Header().Set("WWW-Authenticate", challenge) // RFC 6750; the body says nothing, as on 4.39.20
		reply(w, refused.CodeField, map[string]any{})
		return
	}
	session := request.GetSession().(*grantSession)
	claims := map[string]any{"sub": session.Subject}
	if user, err := s.users.find(session.Username); err == nil {
		scopes := request.GetGrantedScopes()
		if scopes.Has("profile") {
			claims["name"], claims["preferred_username"] = user.DisplayName, user.Username
		}
		if scopes.Has("email") {
			claims["email"], claims["email_verified"] = user.Email, true
		}
		if scopes.Has("groups") {
			claims["groups"] = user.Groups
		}
	}
	w.Header().Set("Cache-Control", "no-store")
	reply(w, http.StatusOK, claims)
}

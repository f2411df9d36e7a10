package main

// The OpenID Connect provider: fosite (of which Authelia's own provider is a fork), set up from the configuration.

import (
	"cmp"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/go-jose/go-jose/v3"
	"github.com/ory/fosite"
	"github.com/ory/fosite/compose"
	"github.com/ory/fosite/handler/oauth2"
	"github.com/ory/fosite/handler/pkce"
	"github.com/ory/fosite/token/jwt"
)

type provider struct {
	fosite.OAuth2Provider
	config  *oidcConfig
	clients map[string]*client
	keys    jose.JSONWebKeySet // public
	keyID   string             // of the key that signs
}

func newProvider(config *oidcConfig, store *store) (*provider, error) {
	p := &provider{config: config, clients: newClients(config)}
	signing, err := p.loadKeys()
	if err != nil {
		return nil, err
	}
	secret := sha256.Sum256([]byte(config.HMACSecret))
	settings := &fosite.Config{
		GlobalSecret:                   []byte(hex.EncodeToString(secret[:])),
		AccessTokenLifespan:            config.Lifespans.AccessToken,
		RefreshTokenLifespan:           config.Lifespans.RefreshToken,
		IDTokenLifespan:                config.Lifespans.IDToken,
		AuthorizeCodeLifespan:          config.Lifespans.AuthorizeCode,
		SendDebugMessagesToClients:     config.EnableClientDebugMessages,
		MinParameterEntropy:            config.MinimumParameterEntropy,
		EnforcePKCE:                    config.EnforcePKCE == "always",
		EnforcePKCEForPublicClients:    config.EnforcePKCE != "never",
		EnablePKCEPlainChallengeMethod: config.EnablePKCEPlainChallenge,
		ScopeStrategy:                  fosite.ExactScopeStrategy,
		AudienceMatchingStrategy:       fosite.ExactAudienceMatchingStrategy,
		RefreshTokenScopes:             []string{"offline", "offline_access"},
		ClientAuthenticationStrategy:   p.authenticateClient,
		ClientSecretsHasher:            digestHasher{},
	}
	key := func(context.Context) (any, error) { return signing, nil }
	opaque := compose.NewOAuth2HMACStrategy(settings)
	strategy := &tokenStrategy{
		HMACSHAStrategyUnPrefixed: opaque.HMACSHAStrategyUnPrefixed,
		signed:                    compose.NewOAuth2JWTStrategy(key, opaque, settings),
	}
	identity := compose.NewOpenIDConnectStrategy(key, settings)
	identity.Signer = withoutRequestTime{identity.Signer}
	common := compose.CommonStrategy{CoreStrategy: strategy, OpenIDConnectTokenStrategy: identity, Signer: identity.Signer}
	challenge := func(config fosite.Configurator, storage, strategy any) any {
		return &pkceHandler{compose.OAuth2PKCEFactory(config, storage, strategy).(*pkce.Handler)}
	}
	p.OAuth2Provider = compose.Compose(settings, &grantStore{store, p.clients}, common,
		compose.OAuth2AuthorizeExplicitFactory,
		compose.OAuth2RefreshTokenGrantFactory,
		compose.OpenIDConnectExplicitFactory,
		compose.OpenIDConnectRefreshFactory,
		compose.OAuth2TokenIntrospectionFactory,
		compose.OAuth2TokenRevocationFactory,
		challenge,
	)
	return p, nil
}

// loadKeys reads the issuer's keys and returns the one that signs: the first for RS256.
func (p *provider) loadKeys() (signing *jose.JSONWebKey, err error) {
	for _, configured := range p.config.JWKS {
		private, err := parsePrivateKey(configured.Key)
		if err != nil {
			return nil, err
		}
		algorithm := configured.Algorithm
		switch private := private.(type) {
		case *rsa.PrivateKey:
			algorithm = cmp.Or(algorithm, "RS256")
		case *ecdsa.PrivateKey:
			algorithm = cmp.Or(algorithm, map[int]string{256: "ES256", 384: "ES384", 521: "ES512"}[private.Curve.Params().BitSize])
		}
		key := &jose.JSONWebKey{Key: private, Algorithm: algorithm, Use: cmp.Or(configured.Use, "sig"), KeyID: configured.KeyID}
		if key.KeyID == "" {
			thumbprint, err := key.Thumbprint(crypto.SHA256)
			if err != nil {
				return nil, err
			}
			key.KeyID = fmt.Sprintf("%x-%s", thumbprint[:3], strings.ToLower(algorithm))
		}
		p.keys.Keys = append(p.keys.Keys, key.Public())
		if signing == nil && algorithm == "RS256" {
			signing, p.keyID = key, key.KeyID
		}
	}
	return signing, nil
}

// digestHasher compares client secrets with their digests.
type digestHasher struct{}

func (digestHasher) Compare(_ context.Context, digest, secret []byte) error {
	decoded, err := decodeClientSecret(string(digest))
	if err != nil {
		return err
	}
	if !decoded.MatchBytes(secret) {
		return errClientCredentials
	}
	return nil
}

func (digestHasher) Hash(context.Context, []byte) ([]byte, error) {
	return nil, fosite.ErrServerError.WithHint("Clients' secrets come from the configuration as digests.")
}

// tokenStrategy makes opaque tokens with Authelia's prefixes, and signed access tokens for clients that ask for them.
type tokenStrategy struct {
	*oauth2.HMACSHAStrategyUnPrefixed
	signed *oauth2.DefaultJWTStrategy
}

// Authelia's prefixes of opaque access tokens, refresh tokens and codes. Source: internal/oidc/const.go.
const (
	prefixAccess  = "authelia_at_"
	prefixRefresh = "authelia_rt_"
	prefixCode    = "authelia_ac_"
)

func (s *tokenStrategy) GenerateAccessToken(ctx context.Context, request fosite.Requester) (token, signature string, err error) {
	if request.GetClient().(*client).isJWT() {
		return s.signed.GenerateAccessToken(ctx, request)
	}
	token, signature, err = s.HMACSHAStrategyUnPrefixed.GenerateAccessToken(ctx, request)
	return prefixAccess + token, signature, err
}

func (s *tokenStrategy) AccessTokenSignature(ctx context.Context, token string) string {
	if !strings.HasPrefix(token, prefixAccess) {
		return s.signed.AccessTokenSignature(ctx, token)
	}
	return s.HMACSHAStrategyUnPrefixed.AccessTokenSignature(ctx, token)
}

func (s *tokenStrategy) ValidateAccessToken(ctx context.Context, request fosite.Requester, token string) error {
	opaque, ok := strings.CutPrefix(token, prefixAccess)
	if !ok {
		return s.signed.ValidateAccessToken(ctx, request, token)
	}
	return s.HMACSHAStrategyUnPrefixed.ValidateAccessToken(ctx, request, opaque)
}

func (s *tokenStrategy) GenerateRefreshToken(ctx context.Context, request fosite.Requester) (token, signature string, err error) {
	token, signature, err = s.HMACSHAStrategyUnPrefixed.GenerateRefreshToken(ctx, request)
	return prefixRefresh + token, signature, err
}

func (s *tokenStrategy) ValidateRefreshToken(ctx context.Context, request fosite.Requester, token string) error {
	return s.HMACSHAStrategyUnPrefixed.ValidateRefreshToken(ctx, request, strings.TrimPrefix(token, prefixRefresh))
}

func (s *tokenStrategy) GenerateAuthorizeCode(ctx context.Context, request fosite.Requester) (token, signature string, err error) {
	token, signature, err = s.HMACSHAStrategyUnPrefixed.GenerateAuthorizeCode(ctx, request)
	return prefixCode + token, signature, err
}

func (s *tokenStrategy) ValidateAuthorizeCode(ctx context.Context, request fosite.Requester, token string) error {
	return s.HMACSHAStrategyUnPrefixed.ValidateAuthorizeCode(ctx, request, strings.TrimPrefix(token, prefixCode))
}

// withoutRequestTime leaves fosite's "rat" out of ID tokens, where Authelia 4.39 does not put it.
type withoutRequestTime struct {
	jwt.Signer
}

func (s withoutRequestTime) Generate(
	ctx context.Context, claims jwt.MapClaims, header jwt.Mapper,
) (token, signature string, err error) {
	delete(claims, "rat")
	return s.Signer.Generate(ctx, claims, header)
}

// pkceHandler adds what a client is registered for to fosite's server-wide rules.
type pkceHandler struct {
	*pkce.Handler
}

// HandleAuthorizeEndpointRequest refuses a missing challenge or another method than the registered one.
func (h *pkceHandler) HandleAuthorizeEndpointRequest(
	ctx context.Context, request fosite.AuthorizeRequester, response fosite.AuthorizeResponder,
) error {
	form := request.GetRequestForm()
	challenge, method := form.Get("code_challenge"), form.Get("code_challenge_method")
	required, requiredMethod := request.GetClient().(*client).requiresPKCE()
	if challenge == "" && (required || method != "") {
		return fosite.ErrInvalidRequest.WithHint(
			"Clients must include a 'code_challenge' when performing the authorize code flow, but it is missing.")
	}
	if challenge != "" && requiredMethod != "" && cmp.Or(method, "plain") != requiredMethod {
		return fosite.ErrInvalidRequest.WithHintf(
			"Authorization was requested with 'code_challenge_method' value '%s', but method '%s' is required.", method, requiredMethod)
	}
	return h.Handler.HandleAuthorizeEndpointRequest(ctx, request, response)
}

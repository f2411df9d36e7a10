package main

// The OpenID Connect provider: fosite (of which Authelia's own provider is a fork), set up from the configuration.

import (
	"context"
	"crypto"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v3"
	"github.com/ory/fosite"
	"github.com/ory/fosite/compose"
	"github.com/ory/fosite/handler/oauth2"
)

type provider struct {
	*fosite.Fosite
	config  *oidcConfig
	clients map[string]*client
	key     jose.JSONWebKey // private
}

func newProvider(config *oidcConfig, store *store) (*provider, error) {
	p := &provider{config: config, clients: newClients(config)}
	private, err := parsePrivateKey(config.JWKS[0].Key)
	if err != nil {
		return nil, err
	}
	p.key = jose.JSONWebKey{Key: private, Algorithm: "RS256", Use: "sig"}
	thumbprint, err := p.key.Thumbprint(crypto.SHA256)
	if err != nil {
		return nil, err
	}
	p.key.KeyID = hex.EncodeToString(thumbprint[:3]) + "-rs256"
	secret := sha256.Sum256([]byte(config.HMACSecret))
	settings := &fosite.Config{
		GlobalSecret:                 secret[:],
		AuthorizeCodeLifespan:        time.Minute,
		EnforcePKCE:                  true, // as every client requires; "plain" is refused by default
		ScopeStrategy:                fosite.ExactScopeStrategy,
		AudienceMatchingStrategy:     fosite.ExactAudienceMatchingStrategy,
		RefreshTokenScopes:           []string{"offline_access"},
		ClientAuthenticationStrategy: p.authenticateClient,
		ClientSecretsHasher:          digestHasher{},
	}
	key := func(context.Context) (any, error) { return &p.key, nil }
	opaque := compose.NewOAuth2HMACStrategy(settings)
	strategies := compose.CommonStrategy{
		CoreStrategy:               &tokenStrategy{compose.NewOAuth2JWTStrategy(key, opaque, settings), opaque},
		OpenIDConnectTokenStrategy: compose.NewOpenIDConnectStrategy(key, settings),
	}
	p.Fosite = compose.Compose(settings, &grantStore{store, p.clients}, strategies,
		compose.OAuth2AuthorizeExplicitFactory,
		compose.OAuth2RefreshTokenGrantFactory,
		compose.OpenIDConnectExplicitFactory,
		compose.OpenIDConnectRefreshFactory,
		compose.OAuth2TokenIntrospectionFactory,
		compose.OAuth2TokenRevocationFactory,
		compose.OAuth2PKCEFactory,
	).(*fosite.Fosite)
	return p, nil
}

// tokenStrategy signs access tokens for clients that ask for that, and makes the others opaque, with Authelia's prefix in the
// place of fosite's. Refresh tokens and codes keep fosite's.
type tokenStrategy struct {
	*oauth2.DefaultJWTStrategy
	opaque *oauth2.HMACSHAStrategy
}

// Prefixes of opaque access tokens. Source of the first: internal/oidc/const.go.
const (
	prefixAuthelia = "authelia_at_"
	prefixFosite   = "ory_at_"
)

func (s *tokenStrategy) GenerateAccessToken(
	ctx context.Context, request fosite.Requester,
) (token, signature string, err error) {
	if request.GetClient().(*client).signsAccessTokens {
		return s.DefaultJWTStrategy.GenerateAccessToken(ctx, request)
	}
	token, signature, err = s.opaque.GenerateAccessToken(ctx, request)
	return prefixAuthelia + strings.TrimPrefix(token, prefixFosite), signature, err
}

func (s *tokenStrategy) AccessTokenSignature(ctx context.Context, token string) string {
	if strings.HasPrefix(token, prefixAuthelia) {
		return s.opaque.AccessTokenSignature(ctx, token)
	}
	return s.DefaultJWTStrategy.AccessTokenSignature(ctx, token)
}

func (s *tokenStrategy) ValidateAccessToken(ctx context.Context, request fosite.Requester, token string) error {
	if opaque, ok := strings.CutPrefix(token, prefixAuthelia); ok {
		return s.opaque.ValidateAccessToken(ctx, request, prefixFosite+opaque)
	}
	return s.DefaultJWTStrategy.ValidateAccessToken(ctx, request, token)
}

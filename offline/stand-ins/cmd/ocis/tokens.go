package main

// Who a bearer token speaks for: checked with the issuer, and remembered as oCIS's proxy remembers it.
// Source: services/proxy/pkg/middleware/oidc_auth.go and ocis-pkg/oidc/client.go of oCIS.

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// userInfoTTL is how long oCIS remembers what the issuer says of an opaque token. Source: PROXY_OIDC_USERINFO_CACHE_TTL.
const userInfoTTL = 10 * time.Second

type claims map[string]any

// text is a claim that must be a text and not empty.
func (c claims) text(name string) (string, error) {
	text, _ := c[name].(string)
	if text == "" {
		return "", fmt.Errorf("claim path '%s' not set or empty", name)
	}
	return text, nil
}

type tokenVerifier struct {
	config *config
	client *http.Client

	lock     sync.Mutex
	provider *oidc.Provider
	cache    map[string]cachedClaims
}

type cachedClaims struct {
	claims  claims
	expires time.Time
}

func newTokenVerifier(config *config) *tokenVerifier {
	client := &http.Client{Timeout: 10 * time.Second}
	return &tokenVerifier{config: config, client: client, cache: map[string]cachedClaims{}}
}

// claims checks a token and returns what the issuer says of its user.
func (v *tokenVerifier) claims(token string) (claims, error) {
	v.lock.Lock()
	cached, ok := v.cache[token]
	if ok && !time.Now().Before(cached.expires) {
		// Up to 8.1 a claims entry that has just run out refuses one request (ocis#12414): it is dropped only now.
		delete(v.cache, token)
		v.lock.Unlock()
		return nil, errors.New("token is expired")
	}
	v.lock.Unlock()
	if ok {
		return cached.claims, nil
	}
	fresh, err := v.verify(token)
	if err != nil {
		return nil, err
	}
	v.lock.Lock()
	defer v.lock.Unlock()
	v.cache[token] = fresh
	return fresh.claims, nil
}

// discover learns the issuer's endpoints at the first request that needs them; a failure is tried again at the next.
func (v *tokenVerifier) discover(ctx context.Context) (provider *oidc.Provider, err error) {
	v.lock.Lock()
	defer v.lock.Unlock()
	if v.provider == nil {
		v.provider, err = oidc.NewProvider(ctx, v.config.Issuer)
	}
	return v.provider, err
}

func (v *tokenVerifier) verify(token string) (cachedClaims, error) {
	// Not the request's context: the key set that discovery makes outlives the request.
	ctx := oidc.ClientContext(context.Background(), v.client)
	provider, err := v.discover(ctx)
	if err != nil {
		return cachedClaims{}, err
	}
	found := cachedClaims{claims{}, time.Now().Add(userInfoTTL)}
	if v.config.VerifyMethod == "jwt" {
		// An access token is for the resource server, so its audience is not a client's.
		verified, err := provider.VerifierContext(ctx, &oidc.Config{SkipClientIDCheck: true}).Verify(ctx, token)
		if err != nil {
			return cachedClaims{}, fmt.Errorf("failed to verify access token: %w", err)
		}
		found.expires = verified.Expiry
	}
	info, err := provider.UserInfo(ctx, oauth2.StaticTokenSource(&oauth2.Token{AccessToken: token}))
	if err != nil {
		return cachedClaims{}, fmt.Errorf("failed to get userinfo: %w", err)
	}
	return found, info.Claims(&found.claims)
}

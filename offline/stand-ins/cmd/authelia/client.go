package main

// Relying parties: what fosite asks about a client, who may use it, and how it proves itself.

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/ory/fosite"
)

// client is a relying party as configured.
type client struct {
	*fosite.DefaultOpenIDConnectClient
	name                  string
	policy                authorizationPolicy
	lifespans             lifespans
	signsAccessTokens     bool // else they are opaque
	multipleAuthenticates bool
}

// newClients makes the registered clients of a valid configuration.
func newClients(config *oidcConfig) map[string]*client {
	clients := map[string]*client{}
	for _, c := range config.Clients {
		policy, ok := config.AuthorizationPolicies[c.AuthorizationPolicy]
		if !ok {
			policy = authorizationPolicy{DefaultPolicy: c.AuthorizationPolicy}
		}
		clients[c.ClientID] = &client{
			DefaultOpenIDConnectClient: &fosite.DefaultOpenIDConnectClient{
				DefaultClient: &fosite.DefaultClient{
					ID: c.ClientID, Secret: []byte(c.ClientSecret), RedirectURIs: c.RedirectURIs, GrantTypes: c.GrantTypes,
					ResponseTypes: c.ResponseTypes, Scopes: c.Scopes, Public: c.Public,
				},
				TokenEndpointAuthMethod: c.TokenEndpointAuthMethod,
			},
			name: c.ClientName, policy: policy, lifespans: config.Lifespans.Custom[c.Lifespan],
			signsAccessTokens: c.AccessTokenSignedResponseAlg != "none", multipleAuthenticates: c.AllowMultipleAuthMethods,
		}
	}
	return clients
}

// GetResponseModes lets a request name the default mode.
func (c *client) GetResponseModes() []fosite.ResponseModeType {
	return []fosite.ResponseModeType{fosite.ResponseModeQuery}
}

// GetEffectiveLifespan is the client's own, where it has one.
func (c *client) GetEffectiveLifespan(_ fosite.GrantType, token fosite.TokenType, otherwise time.Duration) time.Duration {
	custom := map[fosite.TokenType]duration{
		fosite.AccessToken: c.lifespans.AccessToken, fosite.RefreshToken: c.lifespans.RefreshToken,
	}[token]
	if custom > 0 {
		return time.Duration(custom)
	}
	return otherwise
}

// requiredPolicy is one_factor, two_factor or deny: that of the first rule that fits one of the groups, else the default.
func (c *client) requiredPolicy(groups []string) string {
	for _, rule := range c.policy.Rules {
		if slices.ContainsFunc(groups, func(group string) bool { return slices.Contains(rule.Subject, "group:"+group) }) {
			return rule.Policy
		}
	}
	return c.policy.DefaultPolicy
}

// errTooManyMethods answers a client that authenticates in two ways at once, with the status that was measured.
var errTooManyMethods = fosite.ErrInvalidRequest.WithHint(
	"The client included more than one client authentication method, which it is not registered to do.")

// authenticateClient is fosite's own way, and before it what was measured on 4.39.20: a request with both Basic and body
// credentials is refused with 400 unless the client may use several methods at once; then it counts as Basic.
func (p *provider) authenticateClient(ctx context.Context, r *http.Request, form url.Values) (fosite.Client, error) {
	id, _, hasBasic := r.BasicAuth()
	if hasBasic && form.Has("client_secret") {
		if registered, ok := p.clients[id]; !ok || !registered.multipleAuthenticates {
			return nil, errTooManyMethods
		}
		form = url.Values{"client_id": form["client_id"]}
	}
	return p.Fosite.DefaultClientAuthenticationStrategy(ctx, r, form)
}

// digestHasher compares client secrets with their digests.
type digestHasher struct{}

func (digestHasher) Compare(_ context.Context, digest, secret []byte) error {
	decoded, err := decodeDigest(string(digest))
	if err != nil {
		return err
	}
	if !decoded.MatchBytes(secret) {
		return fosite.ErrInvalidClient
	}
	return nil
}

func (digestHasher) Hash(context.Context, []byte) ([]byte, error) {
	return nil, fosite.ErrServerError.WithHint("Clients' secrets come from the configuration as digests.")
}

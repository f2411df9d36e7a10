package main

// Relying parties: what fosite asks about a client, who may use it, and how it proves itself.

import (
	"context"
	"net/http"
	"net/netip"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/ory/fosite"
)

// client is a relying party as configured. It implements fosite.Client and its optional interfaces that matter here.
type client struct {
	clientConfig
	policy    authorizationPolicy
	lifespans lifespans
}

func (c *client) GetID() string                      { return c.ClientID }
func (c *client) GetRedirectURIs() []string          { return c.RedirectURIs }
func (c *client) GetGrantTypes() fosite.Arguments    { return c.GrantTypes }
func (c *client) GetResponseTypes() fosite.Arguments { return c.ResponseTypes }
func (c *client) GetScopes() fosite.Arguments        { return c.Scopes }
func (c *client) IsPublic() bool                     { return c.Public }
func (c *client) GetAudience() fosite.Arguments      { return c.Audience }

func (c *client) GetHashedSecret() []byte {
	if c.ClientSecret == nil {
		return nil
	}
	return []byte(*c.ClientSecret)
}

func (c *client) GetResponseModes() []fosite.ResponseModeType {
	modes := make([]fosite.ResponseModeType, len(c.ResponseModes))
	for i, mode := range c.ResponseModes {
		modes[i] = fosite.ResponseModeType(mode)
	}
	return modes
}

func (c *client) GetEffectiveLifespan(_ fosite.GrantType, token fosite.TokenType, otherwise time.Duration) time.Duration {
	custom := map[fosite.TokenType]time.Duration{
		fosite.AccessToken:   c.lifespans.AccessToken,
		fosite.RefreshToken:  c.lifespans.RefreshToken,
		fosite.IDToken:       c.lifespans.IDToken,
		fosite.AuthorizeCode: c.lifespans.AuthorizeCode,
	}[token]
	if custom > 0 {
		return custom
	}
	return otherwise
}

// requiresPKCE tells whether a request without a code challenge is refused, and which method is required if any.
func (c *client) requiresPKCE() (required bool, method string) {
	return c.RequirePKCE || c.PKCEChallengeMethod != "", c.PKCEChallengeMethod
}

// isJWT tells whether access tokens are signed rather than opaque.
func (c *client) isJWT() bool {
	return c.AccessTokenSignedResponseAlg != "none"
}

// newClients makes the registered clients of a valid configuration.
func newClients(config *oidcConfig) map[string]*client {
	clients := map[string]*client{}
	for _, configured := range config.Clients {
		policy, ok := config.AuthorizationPolicies[configured.AuthorizationPolicy]
		if !ok {
			policy = authorizationPolicy{DefaultPolicy: configured.AuthorizationPolicy}
		}
		clients[configured.ClientID] = &client{configured, policy, config.Lifespans.Custom[configured.Lifespan]}
	}
	return clients
}

// requiredPolicy is one_factor, two_factor or deny: the first rule that fits the user and address, else the default.
// An empty username stands for somebody who has not signed in; rules about subjects never fit him.
func (c *client) requiredPolicy(username string, groups []string, ip string) string {
	for _, rule := range c.policy.Rules {
		if rule.fits(username, groups, ip) {
			return rule.Policy
		}
	}
	return c.policy.DefaultPolicy
}

func (r *authorizationRule) fits(username string, groups []string, ip string) bool {
	subject := len(r.Subject) == 0 || username != "" && slices.ContainsFunc(r.Subject, func(all []string) bool {
		return !slices.ContainsFunc(all, func(one string) bool {
			group, isGroup := strings.CutPrefix(one, "group:")
			return isGroup && !slices.Contains(groups, group) || !isGroup && one != "user:"+username
		})
	})
	network := len(r.Networks) == 0 || slices.ContainsFunc(r.Networks, func(text string) bool {
		network, err := parseNetwork(text)
		address, addressErr := netip.ParseAddr(ip)
		return err == nil && addressErr == nil && network.Contains(address.Unmap())
	})
	return subject && network
}

// level is how far a session has got, or how far a policy wants it.
type level int

const (
	levelNone level = iota
	levelOneFactor
	levelTwoFactor
)

// suffices tells whether a level satisfies a policy; nothing satisfies deny, and nobody is let in unauthenticated.
func (l level) suffices(policy string) bool {
	return l > levelNone && (policy == oneFactor || policy == twoFactor && l == levelTwoFactor)
}

// errTooManyMethods answers a client that authenticates in two ways at once, with the status that was measured.
var errTooManyMethods = fosite.ErrInvalidRequest.WithHint(
	"The client included more than one client authentication method, which it is not registered to do.")

// errClientCredentials says no more than that, as Authelia does.
var errClientCredentials = fosite.ErrInvalidClient.WithHint(
	"The client credentials are unknown, of another authentication method than registered, or wrong.")

// authenticateClient finds out who sends a token, revocation or introspection request.
//
// Measured on 4.39.20: a request with both Basic and body credentials is refused with 400 unless the client may use
// several methods at once; then it counts as Basic, with the body's secret.
func (p *provider) authenticateClient(_ context.Context, r *http.Request, form url.Values) (fosite.Client, error) {
	id, secret := form.Get("client_id"), form.Get("client_secret")
	hasPost := id != "" && secret != ""
	basicID, basicSecret, hasBasic, err := basicCredentials(r)
	if err != nil {
		return nil, err
	}
	if hasBasic && id != "" && basicID != id {
		return nil, fosite.ErrInvalidRequest.WithHint("The client ids of the header and of the body differ.")
	}
	if hasBasic {
		id = basicID
	}
	if id == "" {
		return nil, fosite.ErrInvalidRequest.WithHint("The request names no client.")
	}
	client, ok := p.clients[id]
	if !ok {
		return nil, errClientCredentials
	}
	method := methodNone
	switch {
	case hasBasic && hasPost && !client.AllowMultipleAuthMethods:
		return nil, errTooManyMethods
	case hasBasic:
		method = methodBasic
		if !hasPost {
			secret = basicSecret
		}
	case hasPost:
		method = methodPost
	}
	if method != client.authMethod(path.Base(r.URL.Path)) {
		return nil, errClientCredentials
	}
	if client.Public {
		return client, nil
	}
	digest, err := decodeClientSecret(*client.ClientSecret)
	if err != nil {
		return nil, fosite.ErrServerError.WithWrap(err)
	}
	if !digest.Match(secret) {
		return nil, errClientCredentials
	}
	return client, nil
}

// authMethod is the method registered for an endpoint ("token", "revocation", "introspection").
func (c *client) authMethod(endpoint string) string {
	switch endpoint {
	case "revocation":
		return c.RevocationEndpointAuthMethod
	case "introspection":
		return c.IntrospectionEndpointAuthMethod
	}
	return c.TokenEndpointAuthMethod
}

// basicCredentials reads the Authorization header, whose two parts are form-url-encoded (RFC 6749, 2.3.1).
func basicCredentials(r *http.Request) (id, secret string, present bool, err error) {
	id, secret, present = r.BasicAuth()
	if !present {
		return "", "", false, nil
	}
	decodedID, idErr := url.QueryUnescape(id)
	decodedSecret, secretErr := url.QueryUnescape(secret)
	if idErr != nil || secretErr != nil {
		return "", "", false, fosite.ErrInvalidRequest.WithHint("The credentials in the HTTP authorization header are malformed.")
	}
	return decodedID, decodedSecret, true, nil
}

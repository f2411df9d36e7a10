package main

// What Authelia refuses to start with, and the defaults it fills in.
// Source: internal/configuration/validator of 4.39.20; the texts are ours and begin with the section the original names.

import (
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/publicsuffix"
)

const (
	oneFactor = "one_factor"
	twoFactor = "two_factor"
	deny      = "deny"

	consentExplicit      = "explicit"
	consentImplicit      = "implicit"
	consentPreConfigured = "pre-configured"

	methodBasic = "client_secret_basic"
	methodPost  = "client_secret_post"
	methodNone  = "none"
)

var (
	domainName  = regexp.MustCompile(`^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)+$`)
	unreserved  = regexp.MustCompile(`^[a-zA-Z0-9._~-]+$`)
	keyIDFormat = regexp.MustCompile(`^([a-zA-Z0-9](([a-zA-Z0-9._~-]*)([a-zA-Z0-9]))?)?$`)

	standardScopes = []string{"openid", "email", "profile", "address", "phone", "groups", "offline_access", "offline"}
	standardClaims = []string{
		"name", "given_name", "family_name", "middle_name", "nickname", "preferred_username", "profile", "picture", "website",
		"email", "email_verified", "gender", "birthdate", "zoneinfo", "locale", "phone_number", "phone_number_verified",
		"address", "groups", "alt_emails", "rat", "updated_at",
	}
	reservedClaims = []string{
		"jti", "azp", "client_id", "scope", "scp", "iss", "sub", "aud", "sid", "s_hash", "c_hash", "iat", "updated_at",
		"nbf", "exp", "auth_time", "amr", "acr", "nonce",
	}
	corsEndpoints = []string{
		"authorization", "device-authorization", "pushed-authorization-request", "token", "introspection", "revocation",
		"userinfo",
	}
)

func validate(config *configuration, found *findings) {
	validateServer(config, found)
	validateTOTP(&config.TOTP, found)
	validateBackend(config, found)
	validateAccessControl(&config.AccessControl, found)
	validateSession(&config.Session, found)
	validateRegulation(&config.Regulation, found)
	validateStorage(&config.Storage, found)
	validateNotifier(&config.Notifier, found)
	if config.Telemetry.Metrics.Enabled {
		found.fail("telemetry: metrics: not known here")
	}
	if config.IdentityProviders.OIDC != nil {
		validateOIDC(config, found)
	}
}

func validateServer(config *configuration, found *findings) {
	if config.Server.Address == "" {
		config.Server.Address = "tcp://:9091/"
	}
	address, err := url.Parse(config.Server.Address)
	switch {
	case err != nil:
		found.fail("server: option 'address' with value '%s' is invalid: %w", config.Server.Address, err)
	case !slices.Contains([]string{"tcp", "tcp4", "tcp6"}, address.Scheme):
		found.fail("server: option 'address' with scheme '%s' is not known here; allowed: tcp", address.Scheme)
	case address.Path != "" && address.Path != "/":
		found.fail("server: option 'address' with path '%s' is not known here", address.Path)
	}
	for name := range config.Server.Endpoints.RateLimits {
		if !slices.Contains(limitedEndpoints, name) {
			found.fail("configuration key not expected: server.endpoints.rate_limits.%s", name)
		}
	}
	if level := config.Log.Level; !slices.Contains([]string{"", "trace", "debug", "info", "warn", "error"}, level) {
		found.fail("log: option 'level' must be one of 'trace', 'debug', 'info', 'warn', or 'error' but it's '%s'", level)
	}
	if format := config.Log.Format; !slices.Contains([]string{"", "text", "json"}, format) {
		found.fail("log: option 'format' must be one of 'text' or 'json' but it's configured as '%s'", format)
	}
}

func validateTOTP(config *totpConfig, found *findings) {
	setDefault(&config.Issuer, "Authelia")
	setDefault(&config.Algorithm, "SHA1")
	setDefault(&config.Digits, 6)
	setDefault(&config.Period, 30)
	setDefault(&config.SecretSize, 32)
	if config.Skew == nil {
		one := 1
		config.Skew = &one
	}
	config.Algorithm = strings.ToUpper(config.Algorithm)
	if !slices.Contains([]string{"SHA1", "SHA256", "SHA512"}, config.Algorithm) {
		found.fail("totp: option 'algorithm' must be one of 'SHA1', 'SHA256', or 'SHA512' but it's '%s'", config.Algorithm)
	}
	if config.Digits != 6 && config.Digits != 8 {
		found.fail("totp: option 'digits' must be 6 or 8 but it's configured as '%d'", config.Digits)
	}
	if config.Period < 15 {
		found.fail("totp: option 'period' option must be 15 or more but it's configured as '%d'", config.Period)
	}
	if config.SecretSize < 20 {
		found.fail("totp: option 'secret_size' must be 20 or higher but it's configured as '%d'", config.SecretSize)
	}
}

func validateBackend(config *configuration, found *findings) {
	file := config.AuthenticationBackend.File
	switch {
	case file == nil:
		found.fail("authentication_backend: you must ensure either the 'file' or 'ldap' authentication backend is configured")
	case file.Path == "":
		found.fail("authentication_backend: file: option 'path' is required")
	default:
		for name, attribute := range file.ExtraAttributes {
			if !slices.Contains([]string{"string", "integer", "boolean"}, attribute.ValueType) {
				found.fail("authentication_backend: file: extra_attributes: %s: option 'value_type' has the value '%s', "+
					"must be one of 'string', 'integer', or 'boolean'", name, attribute.ValueType)
			}
		}
	}
	reset := config.IdentityValidation.ResetPassword
	if !config.AuthenticationBackend.PasswordReset.Disable && reset.JWTSecret == "" {
		found.fail("identity_validation: reset_password: option 'jwt_secret' is required when the reset password " +
			"functionality isn't disabled")
	}
	if config.IdentityValidation.ElevatedSession.Characters > 20 {
		found.fail("identity_validation: elevated_session: option 'characters' must be 20 or less")
	}
}

func validateAccessControl(config *accessControl, found *findings) {
	setDefault(&config.DefaultPolicy, deny)
	policies := []string{deny, oneFactor, twoFactor, "bypass"}
	if !slices.Contains(policies, config.DefaultPolicy) {
		found.fail("access_control: option 'default_policy' must be one of %q but it's '%s'", policies, config.DefaultPolicy)
	}
	if len(config.Rules) == 0 {
		if config.DefaultPolicy != oneFactor && config.DefaultPolicy != twoFactor {
			found.fail("access_control: 'default_policy' option '%s' is invalid: when no rules are specified it must be "+
				"'two_factor' or 'one_factor'", config.DefaultPolicy)
		} else {
			found.warn("access_control: no rules have been specified so the 'default_policy' of '%s' is going to be applied "+
				"to all requests", config.DefaultPolicy)
		}
	}
	for i, rule := range config.Rules {
		if len(rule.Domain) == 0 {
			found.fail("access_control: rule #%d: option 'domain' or 'domain_regex' must be present but are both absent", i+1)
		}
		if !slices.Contains(policies, rule.Policy) {
			found.fail("access_control: rule #%d: option 'policy' must be one of %q but it's '%s'", i+1, policies, rule.Policy)
		}
		validateSubjects(rule.Subject, fmt.Sprintf("access_control: rule #%d", i+1), found)
	}
}

func validateSubjects(subjects [][]string, where string, found *findings) {
	for _, subject := range slices.Concat(subjects...) {
		if !strings.HasPrefix(subject, "user:") && !strings.HasPrefix(subject, "group:") {
			found.fail("%s: option 'subject' with value '%s' is invalid: must start with 'user:' or 'group:'", where, subject)
		}
	}
}

func validateSession(config *sessionConfig, found *findings) {
	setDefault(&config.Name, "authelia_session")
	setDefault(&config.SameSite, "lax")
	setDefault(&config.Expiration, time.Hour)
	setDefault(&config.Inactivity, 5*time.Minute)
	setDefault(&config.RememberMe, 30*24*time.Hour)
	if len(config.Cookies) == 0 {
		found.fail("session: option 'cookies' is required")
	}
	for i := range config.Cookies {
		cookie := &config.Cookies[i]
		setDefault(&cookie.Name, config.Name)
		setDefault(&cookie.SameSite, config.SameSite)
		setDefault(&cookie.Expiration, config.Expiration)
		setDefault(&cookie.Inactivity, config.Inactivity)
		setDefault(&cookie.RememberMe, config.RememberMe)
		where := fmt.Sprintf("session: domain config #%d (domain '%s')", i+1, cookie.Domain)
		if !slices.Contains([]string{"lax", "strict", "none"}, cookie.SameSite) {
			found.fail("%s: option 'same_site' must be one of 'none', 'lax', or 'strict' but it's '%s'", where, cookie.SameSite)
		}
		if err := checkCookieDomain(cookie.Domain); err != nil {
			found.fail("%s: %w", where, err)
		}
		for _, other := range config.Cookies[:i] {
			if cookie.Domain == other.Domain || strings.HasSuffix(cookie.Domain, "."+other.Domain) {
				found.fail("%s: option 'domain' shares the same cookie domain scope as another configured session domain", where)
			}
		}
		if cookie.AutheliaURL == nil {
			found.fail("%s: option 'authelia_url' is required", where)
			continue
		}
		checkCookieURL(cookie.AutheliaURL, "authelia_url", cookie.Domain, where, found)
		if cookie.DefaultRedirectionURL != nil {
			checkCookieURL(cookie.DefaultRedirectionURL, "default_redirection_url", cookie.Domain, where, found)
			if sameURL(cookie.DefaultRedirectionURL, cookie.AutheliaURL) {
				found.fail("%s: option 'default_redirection_url' with value '%s' is effectively equal to option "+
					"'authelia_url' which is not permitted", where, cookie.DefaultRedirectionURL)
			}
		}
	}
}

func checkCookieDomain(domain string) error {
	switch {
	case domain == "":
		return errors.New("option 'domain' is required")
	case strings.HasPrefix(domain, "*."):
		return errors.New("option 'domain' must be the domain you wish to protect not a wildcard domain")
	case net.ParseIP(domain) != nil:
		return nil
	case !strings.Contains(domain, "."):
		return errors.New("option 'domain' is not a valid cookie domain: must have at least a single period or be an ip address")
	case !domainName.MatchString(domain):
		return errors.New("option 'domain' is not a valid domain: must only contain lower-case letters, digits, hyphens")
	}
	if suffix, _ := publicsuffix.PublicSuffix(domain); suffix == domain {
		return errors.New("option 'domain' is not a valid cookie domain: the domain is part of the special public suffix list")
	}
	return nil
}

func checkCookieURL(address *url.URL, option, domain, where string, found *findings) {
	switch host := address.Hostname(); {
	case !address.IsAbs():
		found.fail("%s: option '%s' is not absolute with a value of '%s'", where, option, address)
	case address.Scheme != "https" && address.Scheme != "wss":
		found.fail("%s: option '%s' does not have a secure scheme with a value of '%s'", where, option, address)
	case domain != "" && host != domain && !strings.HasSuffix(host, "."+domain):
		found.fail("%s: option '%s' does not share a cookie scope with domain '%s' with a value of '%s'",
			where, option, domain, address)
	}
}

func sameURL(a, b *url.URL) bool {
	return a.Scheme == b.Scheme && a.Host == b.Host && path.Join("/", a.Path) == path.Join("/", b.Path)
}

func validateRegulation(config *regulationConfig, found *findings) {
	if config.MaxRetries == nil {
		three := 3
		config.MaxRetries = &three
	}
	setDefault(&config.FindTime, 2*time.Minute)
	setDefault(&config.BanTime, 5*time.Minute)
	if len(config.Modes) == 0 {
		config.Modes = []string{"user"}
	}
	for _, mode := range config.Modes {
		if mode != "user" && mode != "ip" {
			found.fail("regulation: option 'modes' must only contain the values 'user' and 'ip' but contains '%s'", mode)
		}
	}
	if config.FindTime > config.BanTime {
		found.fail("regulation: option 'find_time' must be less than or equal to option 'ban_time'")
	}
}

func validateStorage(config *storageConfig, found *findings) {
	switch {
	case config.EncryptionKey == "":
		found.fail("storage: option 'encryption_key' is required")
	case len(config.EncryptionKey) < 20:
		found.fail("storage: option 'encryption_key' must be 20 characters or longer")
	}
	switch {
	case config.Local == nil:
		found.fail("storage: configuration for a 'local', 'mysql' or 'postgres' database must be provided")
	case config.Local.Path == "":
		found.fail("storage: local: option 'path' is required")
	}
}

func validateNotifier(config *notifierConfig, found *findings) {
	switch {
	case config.SMTP == nil && config.Filesystem == nil:
		found.fail("notifier: you must ensure either the 'smtp' or 'filesystem' notifier is configured")
	case config.SMTP != nil && config.Filesystem != nil:
		found.fail("notifier: please ensure only one of the 'smtp' or 'filesystem' notifier is configured")
	case config.Filesystem != nil && config.Filesystem.Filename == "":
		found.fail("notifier: filesystem: option 'filename' is required")
	case config.SMTP != nil:
		if config.SMTP.Address == "" {
			found.fail("notifier: smtp: option 'address' is required")
		}
		if config.SMTP.Sender == "" {
			found.fail("notifier: smtp: option 'sender' is required")
		}
	}
}

func validateOIDC(config *configuration, found *findings) {
	oidc := config.IdentityProviders.OIDC
	setDefault(&oidc.Lifespans.AccessToken, time.Hour)
	setDefault(&oidc.Lifespans.RefreshToken, 90*time.Minute)
	setDefault(&oidc.Lifespans.IDToken, time.Hour)
	setDefault(&oidc.Lifespans.AuthorizeCode, time.Minute)
	setDefault(&oidc.EnforcePKCE, "public_clients_only")
	if oidc.MinimumParameterEntropy == 0 {
		oidc.MinimumParameterEntropy = 8
	}
	if !slices.Contains([]string{"always", "never", "public_clients_only"}, oidc.EnforcePKCE) {
		found.fail("identity_providers: oidc: option 'enforce_pkce' must be 'never', 'public_clients_only' or 'always', "+
			"but it's configured as '%s'", oidc.EnforcePKCE)
	}
	validateJWKS(oidc.JWKS, found)
	validateAuthorizationPolicies(oidc.AuthorizationPolicies, found)
	validateClaimsPolicies(config, found)
	validateCORS(&oidc.CORS, oidc.Clients, found)
	if len(oidc.Clients) == 0 {
		found.fail("identity_providers: oidc: option 'clients' must have one or more clients configured")
	}
	seen := map[string]bool{}
	for i := range oidc.Clients {
		client := &oidc.Clients[i]
		switch {
		case client.ClientID == "":
			found.fail("identity_providers: oidc: clients: option 'client_id' is required but was absent on client #%d", i+1)
		case seen[client.ClientID]:
			found.fail("identity_providers: oidc: clients: option 'client_id' must be unique for every client but '%s' is "+
				"shared", client.ClientID)
		}
		seen[client.ClientID] = true
		validateClient(client, oidc, found)
	}
}

func validateJWKS(keys []jwkConfig, found *findings) {
	if len(keys) == 0 {
		found.fail("identity_providers: oidc: option `jwks` is required")
		return
	}
	ids := map[string]bool{}
	rs256 := false
	for i, key := range keys {
		where := fmt.Sprintf("identity_providers: oidc: jwks: key #%d with key id '%s'", i+1, key.KeyID)
		if key.KeyID != "" && (ids[key.KeyID] || len(key.KeyID) > 100 || !keyIDFormat.MatchString(key.KeyID)) {
			found.fail("%s: option 'key_id' must be unique, 100 characters or less, and of unreserved characters", where)
		}
		ids[key.KeyID] = true
		if key.Key == "" {
			found.fail("%s: option 'key' must be provided", where)
			continue
		}
		private, err := parsePrivateKey(key.Key)
		if err != nil {
			found.fail("%s: option 'key' could not be decoded: %w", where, err)
			continue
		}
		switch private := private.(type) {
		case *rsa.PrivateKey:
			if bits := private.N.BitLen(); bits < 2048 {
				found.fail("%s: option 'key' is an RSA %d bit private key but it must at minimum be a RSA 2048 bit private key",
					where, bits)
			}
			rs256 = rs256 || key.Algorithm == "" || key.Algorithm == "RS256"
		case *ecdsa.PrivateKey:
		default:
			found.fail("%s: option 'key' must be a RSA private key or ECDSA private key but its type is %T", where, private)
		}
	}
	if !rs256 {
		found.fail("identity_providers: oidc: jwks: keys: must at least have one key supporting the 'RS256' algorithm")
	}
}

// parsePrivateKey reads a PEM key in PKCS#1, PKCS#8 or SEC 1 form.
func parsePrivateKey(text string) (any, error) {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return nil, errors.New("it is not PEM")
	}
	switch block.Type {
	case "RSA PRIVATE KEY":
		return x509.ParsePKCS1PrivateKey(block.Bytes)
	case "EC PRIVATE KEY":
		return x509.ParseECPrivateKey(block.Bytes)
	case "PRIVATE KEY":
		return x509.ParsePKCS8PrivateKey(block.Bytes)
	}
	return nil, fmt.Errorf("its PEM block is '%s'", block.Type)
}

func validateAuthorizationPolicies(policies map[string]authorizationPolicy, found *findings) {
	standard := []string{oneFactor, twoFactor, deny}
	for name, policy := range policies {
		where := fmt.Sprintf("identity_providers: oidc: authorization_policies: policy '%s'", name)
		if name == "" || slices.Contains(standard, name) {
			found.fail("%s: option 'name' must not be empty or one of %q", where, standard)
		}
		setDefault(&policy.DefaultPolicy, twoFactor)
		if !slices.Contains(standard, policy.DefaultPolicy) {
			found.fail("%s: option 'default_policy' must be one of %q but it's '%s'", where, standard, policy.DefaultPolicy)
		}
		if len(policy.Rules) == 0 {
			found.fail("%s: option 'rules' is required", where)
		}
		for i := range policy.Rules {
			rule := &policy.Rules[i]
			setDefault(&rule.Policy, twoFactor)
			if !slices.Contains(standard, rule.Policy) {
				found.fail("%s: rules: rule #%d: option 'policy' must be one of %q but it's '%s'", where, i+1, standard, rule.Policy)
			}
			if len(rule.Subject) == 0 && len(rule.Networks) == 0 {
				found.fail("%s: rules: rule #%d: option 'subject' or 'networks' is required", where, i+1)
			}
			validateSubjects(rule.Subject, fmt.Sprintf("%s: rules: rule #%d", where, i+1), found)
			for _, network := range rule.Networks {
				if _, err := parseNetwork(network); err != nil {
					found.fail("%s: rules: rule #%d: option 'networks': %w", where, i+1, err)
				}
			}
		}
		policies[name] = policy
	}
}

// parseNetwork reads a network or a single address.
func parseNetwork(text string) (netip.Prefix, error) {
	if address, err := netip.ParseAddr(text); err == nil {
		return netip.PrefixFrom(address, address.BitLen()), nil
	}
	return netip.ParsePrefix(text)
}

func validateClaimsPolicies(config *configuration, found *findings) {
	oidc := config.IdentityProviders.OIDC
	var custom []string
	for name, policy := range oidc.ClaimsPolicies {
		where := "identity_providers: oidc: claims_policies: " + name
		known := slices.Clone(standardClaims)
		for key, claim := range policy.CustomClaims {
			setDefault(&claim.Name, key)
			setDefault(&claim.Attribute, key)
			policy.CustomClaims[key] = claim
			known, custom = append(known, claim.Name), append(custom, claim.Name)
			if slices.Contains(reservedClaims, claim.Name) {
				found.fail("%s: custom_claims: claim with name '%s' can't be used as it's a standard claim", where, claim.Name)
			}
			file := config.AuthenticationBackend.File
			_, extra := file.extraAttribute(claim.Attribute)
			if !extra && !slices.Contains(userAttributes, claim.Attribute) {
				found.fail("%s: claim with name '%s' has an attribute name '%s' which is not a known attribute",
					where, claim.Name, claim.Attribute)
			}
		}
		for option, claims := range map[string][]string{"id_token": policy.IDToken, "access_token": policy.AccessToken} {
			for _, claim := range claims {
				// updated_at is reserved for access tokens only.
				if slices.Contains(reservedClaims, claim) && (option == "access_token" || claim != "updated_at") {
					found.fail("%s: %s: claim with name '%s' can't be used as it's a standard claim", where, option, claim)
				} else if !slices.Contains(known, claim) {
					found.fail("%s: %s: claim with name '%s' is not known", where, option, claim)
				}
			}
		}
	}
	for scope, properties := range oidc.Scopes {
		if slices.Contains(standardScopes, scope) || strings.HasPrefix(scope, "authelia.") {
			found.fail("identity_providers: oidc: scopes: scope with name '%s' can't be used as a custom scope because it's "+
				"a standard or reserved scope", scope)
		}
		for _, claim := range properties.Claims {
			if slices.Contains(reservedClaims, claim) {
				found.fail("identity_providers: oidc: scopes: %s: claim with name '%s' can't be used in a custom scope as "+
					"it's a standard claim", scope, claim)
			} else if !slices.Contains(standardClaims, claim) && !slices.Contains(custom, claim) {
				found.fail("identity_providers: oidc: scopes: %s: claim with name '%s' is not a known claim", scope, claim)
			}
		}
	}
}

func validateCORS(config *corsConfig, clients []clientConfig, found *findings) {
	for _, endpoint := range config.Endpoints {
		if !slices.Contains(corsEndpoints, endpoint) {
			found.fail("identity_providers: oidc: cors: option 'endpoints' contains an invalid value '%s': must be one of %q",
				endpoint, corsEndpoints)
		}
	}
	for _, origin := range config.AllowedOrigins {
		if origin == "*" {
			if len(config.AllowedOrigins) != 1 || config.AllowedOriginsFromClientRedirectURIs {
				found.fail("identity_providers: oidc: cors: option 'allowed_origins' contains the wildcard origin '*' with " +
					"more than one origin or with 'allowed_origins_from_client_redirect_uris'")
			}
			continue
		}
		parsed, err := url.Parse(origin)
		if err != nil || parsed.Path != "" || parsed.RawQuery != "" {
			found.fail("identity_providers: oidc: cors: option 'allowed_origins' contains an invalid value '%s' as it has a "+
				"path or query: origins must only be scheme, hostname, and an optional port", origin)
		}
	}
	if !config.AllowedOriginsFromClientRedirectURIs {
		return
	}
	for _, client := range clients {
		for _, redirect := range client.RedirectURIs {
			parsed, err := url.ParseRequestURI(redirect)
			if err != nil || parsed.Scheme != "https" && parsed.Scheme != "http" || parsed.Hostname() == "localhost" {
				continue
			}
			if origin := parsed.Scheme + "://" + parsed.Host; !slices.Contains(config.AllowedOrigins, origin) {
				config.AllowedOrigins = append(config.AllowedOrigins, origin)
			}
		}
	}
}

func validateClient(client *clientConfig, oidc *oidcConfig, found *findings) {
	where := fmt.Sprintf("identity_providers: oidc: clients: client '%s'", client.ClientID)
	fail := func(format string, values ...any) { found.fail(where+": "+format, values...) }
	warn := func(format string, values ...any) { found.warn(where+": "+format, values...) }
	oneOf := func(option, value string, allowed ...string) {
		if !slices.Contains(allowed, value) {
			fail("option '%s' must be one of %q but it's configured as '%s'", option, allowed, value)
		}
	}
	if len(client.ClientID) > 100 {
		fail("option 'client_id' must not be more than 100 characters but it's %d", len(client.ClientID))
	} else if client.ClientID != "" && !unreserved.MatchString(client.ClientID) {
		fail("option 'client_id' must only contain RFC3986 unreserved characters")
	}
	setDefault(&client.ClientName, client.ClientID)

	setDefault(&client.AuthorizationPolicy, twoFactor)
	policies := []string{oneFactor, twoFactor}
	for name := range oidc.AuthorizationPolicies {
		policies = append(policies, name)
	}
	oneOf("authorization_policy", client.AuthorizationPolicy, policies...)
	if _, ok := oidc.Lifespans.Custom[client.Lifespan]; client.Lifespan != "" && !ok {
		fail("option 'lifespan' must be the name of a custom lifespan but it's configured as '%s'", client.Lifespan)
	}
	if _, ok := oidc.ClaimsPolicies[client.ClaimsPolicy]; client.ClaimsPolicy != "" && !ok {
		fail("option 'claims_policy' is not the name of a configured claims policy")
	}
	oneOf("pkce_challenge_method", client.PKCEChallengeMethod, "", "plain", "S256")
	setDefault(&client.RequestedAudienceMode, "explicit")
	oneOf("requested_audience_mode", client.RequestedAudienceMode, "explicit", "implicit")

	validateConsent(client, oneOf)
	validateGrants(client, oidc, fail, warn)
	for _, redirect := range client.RedirectURIs {
		if parsed, err := url.Parse(redirect); err != nil {
			fail("option 'redirect_uris' has an invalid value: redirect uri '%s' could not be parsed: %w", redirect, err)
		} else if !parsed.IsAbs() {
			fail("option 'redirect_uris' has an invalid value: redirect uri '%s' must have a scheme but it's absent", redirect)
		}
	}
	setDefault(&client.IDTokenSignedResponseAlg, "RS256")
	setDefault(&client.AccessTokenSignedResponseAlg, "none")
	setDefault(&client.UserinfoSignedResponseAlg, "none")
	oneOf("id_token_signed_response_alg", client.IDTokenSignedResponseAlg, "RS256")
	oneOf("access_token_signed_response_alg", client.AccessTokenSignedResponseAlg, "none", "RS256")
	oneOf("userinfo_signed_response_alg", client.UserinfoSignedResponseAlg, "none")
	validateAuthMethods(client, oneOf, fail, warn)
}

func validateConsent(client *clientConfig, oneOf func(string, string, ...string)) {
	oneOf("consent_mode", client.ConsentMode, "", "auto", consentImplicit, consentExplicit, consentPreConfigured)
	if client.ConsentMode == "" || client.ConsentMode == "auto" {
		client.ConsentMode = consentExplicit
		if client.PreConfiguredConsentDuration != nil {
			client.ConsentMode = consentPreConfigured
		}
	}
	if client.ConsentMode == consentPreConfigured && client.PreConfiguredConsentDuration == nil {
		week := 7 * 24 * time.Hour
		client.PreConfiguredConsentDuration = &week
	}
}

func validateGrants(client *clientConfig, oidc *oidcConfig, fail, warn func(string, ...any)) {
	if len(client.Scopes) == 0 {
		client.Scopes = []string{"openid", "groups", "profile", "email"}
	}
	for _, scope := range client.Scopes {
		if _, custom := oidc.Scopes[scope]; !custom && !slices.Contains(standardScopes, scope) {
			warn("option 'scopes' only expects the standard and custom scopes but the unknown value '%s' is present", scope)
		}
	}
	offline := slices.Contains(client.Scopes, "offline_access") || slices.Contains(client.Scopes, "offline")
	if offline && !slices.Contains(client.ResponseTypes, "code") {
		warn("option 'scopes' should only have 'offline_access' if 'response_types' has 'code'")
	}
	if len(client.ResponseTypes) == 0 {
		client.ResponseTypes = []string{"code"}
	}
	if len(client.ResponseModes) == 0 {
		client.ResponseModes = []string{"form_post", "query"}
	}
	if len(client.GrantTypes) == 0 {
		client.GrantTypes = []string{"authorization_code"}
	}
	// Authelia knows more of these; what is not known here is refused like what is unknown.
	for option, list := range map[string]struct{ values, allowed []string }{
		"response_types": {client.ResponseTypes, []string{"code"}},
		"response_modes": {client.ResponseModes, []string{"form_post", "query", "fragment"}},
		"grant_types":    {client.GrantTypes, []string{"authorization_code", "refresh_token"}},
	} {
		for _, value := range list.values {
			if !slices.Contains(list.allowed, value) {
				fail("option '%s' must only have the values %q (those that are known) but '%s' is present",
					option, list.allowed, value)
			}
		}
	}
	if slices.Contains(client.GrantTypes, "refresh_token") && !offline {
		warn("option 'grant_types' should only have the 'refresh_token' value if the client is also configured with the " +
			"'offline_access' scope")
	}
}

func validateAuthMethods(
	client *clientConfig, oneOf func(string, string, ...string), fail, warn func(string, ...any),
) {
	standard := methodBasic
	if client.Public {
		standard = methodNone
	}
	for option, method := range map[string]*string{
		"token_endpoint_auth_method":         &client.TokenEndpointAuthMethod,
		"revocation_endpoint_auth_method":    &client.RevocationEndpointAuthMethod,
		"introspection_endpoint_auth_method": &client.IntrospectionEndpointAuthMethod,
	} {
		setDefault(method, standard)
		oneOf(option, *method, methodNone, methodPost, methodBasic)
		if *method == methodNone && !client.Public {
			fail("option '%s' must be one of 'client_secret_post' or 'client_secret_basic' when configured as the "+
				"confidential client type but it's configured as 'none'", option)
		}
		if *method != methodNone && client.Public {
			fail("option '%s' must be 'none' when configured as the public client type but it's configured as '%s'",
				option, *method)
		}
	}
	switch {
	case client.Public && client.ClientSecret != nil:
		fail("option 'client_secret' is required to be empty when option 'public' is true")
	case !client.Public && (client.ClientSecret == nil || *client.ClientSecret == ""):
		fail("option 'client_secret' is required")
	case client.ClientSecret != nil:
		if !strings.HasPrefix(*client.ClientSecret, "$") {
			*client.ClientSecret = "$plaintext$" + *client.ClientSecret
		}
		if strings.HasPrefix(*client.ClientSecret, "$plaintext$") {
			warn("option 'client_secret' is plaintext but for clients not using any endpoint authentication method " +
				"'client_secret_jwt' it should be a hashed value as plaintext values are deprecated")
		}
		if _, err := decodeClientSecret(*client.ClientSecret); err != nil {
			fail("option 'client_secret' could not be decoded: %w", err)
		}
	}
}

// setDefault fills in a value that the configuration leaves out.
func setDefault[T comparable](value *T, standard T) {
	var zero T
	if *value == zero {
		*value = standard
	}
}

package main

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"os"
	"strings"
	"testing"
	"time"
)

// rendered is what components/authelia/configuration.ts makes, with one client.
const rendered = `
server:
  address: "tcp://:9091/"
  disable_healthcheck: true
  endpoints:
    rate_limits:
      second_factor_totp: { buckets: [ { requests: 120, period: 60 seconds } ] }
      openid_connect_token: { enable: false }
log: { level: info, format: text }
totp: { issuer: ocis.localhost }
ntp: { disable_startup_check: true }
authentication_backend:
  file: { path: users.yml }
  password_reset: { disable: true }
  password_change: { disable: true }
identity_validation: { elevated_session: { require_second_factor: true } }
regulation:
  max_retries: 3
access_control:
  default_policy: deny
  rules: [ { domain: [ owncloud.ocis.localhost ], policy: two_factor } ]
session:
  cookies:
    - name: __Secure-authelia_session
      domain: auth.ocis.localhost
      authelia_url: https://auth.ocis.localhost:8443
storage: { local: { path: db.sqlite3 } }
notifier: { filesystem: { filename: notification.txt } }
identity_providers:
  oidc:
    lifespans: { custom: { ocis: { access_token: 2 days, refresh_token: 30 days } } }
    cors:
      endpoints: [ authorization, token, revocation, introspection, userinfo ]
      allowed_origins: [ "https://owncloud.ocis.localhost:8443" ]
    authorization_policies:
      ocis: { default_policy: deny, rules: [ { policy: two_factor, subject: [ "group:family" ] } ] }
    clients:
      - client_id: ocis
        client_name: ownCloud Infinite Scale
        public: true
        lifespan: ocis
        consent_mode: pre-configured
        pre_configured_consent_duration: 1 year
        authorization_policy: ocis
        require_pkce: true
        pkce_challenge_method: S256
        redirect_uris: [ "https://owncloud.ocis.localhost:8443/", "oc://ios.owncloud.com" ]
        scopes: [ openid, offline_access, groups, profile, email ]
        response_types: [ code ]
        grant_types: [ authorization_code, refresh_token ]
        access_token_signed_response_alg: RS256
        userinfo_signed_response_alg: none
        token_endpoint_auth_method: none
`

const renderedSecrets = `
session: { secret: session }
storage: { encryption_key: 0123456789012345678901 }
identity_providers: { oidc: { hmac_secret: hmac, jwks: [ { key: KEY } ] } }
`

// TestRules changes one thing at a time in a configuration that starts. No stack may start with one of these.
func TestRules(t *testing.T) {
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	encoded := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(private)})
	secrets := strings.Replace(renderedSecrets, "KEY", `"`+strings.ReplaceAll(string(encoded), "\n", `\n`)+`"`, 1)
	for _, test := range []struct{ name, old, new, refused string }{
		{"as it is", "", "", ""},
		{"an unknown key", "public: true", "publik: true", "publik not found"},
		{"deny without rules", `[ { domain: [ owncloud.ocis.localhost ], policy: two_factor } ]`, "[]", "no rules"},
		{"a cookie domain without a dot", "domain: auth.ocis.localhost", "domain: localhost", "domain"},
		{"a public suffix for a cookie domain", "domain: auth.ocis.localhost", "domain: co.uk", "public suffix"},
		{"a portal without TLS", "authelia_url: https", "authelia_url: http", "authelia_url"},
		{"a portal of another domain", "https://auth.ocis.localhost", "https://auth.example.com", "cookie scope"},
		{"a second factor that a password replaces", "factor: true", "factor: false", "require_second_factor"},
		{"a short encryption key", "0123456789012345678901", "short", "encryption_key"},
		{"no HMAC secret", "hmac_secret: hmac, ", "", "hmac_secret"},
		{"no session secret", "secret: session", "", "secret"},
		{"an unreadable key", "RSA PRIVATE", "PRIVATE", "could not be decoded"},
		{"an unknown lifespan", "lifespan: ocis", "lifespan: other", "custom lifespan"},
		{"an unknown policy", "authorization_policy: ocis", "authorization_policy: other", "which is none"},
		{"a public client with a secret", "public: true", "public: true\n        client_secret: x", "client_secret"},
		{"a confidential client without a secret", "public: true", "public: false", "client_secret"},
		{"a relative redirect URI", "oc://ios.owncloud.com", "/callback", "redirect_uris"},
		{"a duration of nothing known", "2 days", "2 parsecs", "duration"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			for name, content := range map[string]string{"configuration.yml": rendered, "secrets.yml": secrets} {
				if err := os.WriteFile(name, []byte(strings.ReplaceAll(content, test.old, test.new)), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			config, err := loadConfiguration([]string{"configuration.yml", "secrets.yml"})
			switch {
			case test.refused == "" && err != nil:
				t.Fatal(err)
			case test.refused == "":
				custom := config.IdentityProviders.OIDC.Lifespans.Custom["ocis"]
				if got := time.Duration(custom.AccessToken); got != 48*time.Hour {
					t.Errorf("2 days are %v", got)
				}
			case err == nil || !strings.Contains(err.Error(), test.refused):
				t.Errorf("the error is %v, want %q", err, test.refused)
			}
		})
	}
}

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
)

// A configuration that starts, in the form of the template filter.
const working = `
authentication_backend:
  password_reset: { disable: true }
  file: { path: users.yml }
access_control: { default_policy: two_factor }
session:
  cookies: [ { domain: ocis.localhost, authelia_url: 'https://auth.ocis.localhost:8443' } ]
storage: { encryption_key: 0123456789012345678901, local: { path: db.sqlite3 } }
notifier: { filesystem: { filename: notification.txt } }
identity_providers:
  oidc:
    hmac_secret: secret
    jwks:
      - key: {{ secret "jwk.pem" | mindent 10 "|" | msquote }}
    lifespans: { custom: { native: { refresh_token: '1 day and 2 hours' } } }
    clients:
      - client_id: web
        public: true
        lifespan: native
        redirect_uris: ['https://owncloud.ocis.localhost:8443/']
        response_types: [code]
`

// TestRules changes one thing at a time in a configuration that starts. The same rules were run against Authelia 4.39.20.
func TestRules(t *testing.T) {
	for _, test := range []struct{ name, old, new, refused string }{
		{"as it is", "", "", ""},
		{"an unknown key", "public: true", "publik: true", "configuration key not expected: identity_providers.oidc.clients[0].publik"},
		{"deny without rules", "two_factor }", "deny }", "when no rules are specified"},
		{"a cookie domain without a dot", "domain: ocis.localhost", "domain: localhost", "single period"},
		{"a portal without TLS", "'https://auth.", "'http://auth.", "secure scheme"},
		{"a short encryption key", "0123456789012345678901", "short", "20 characters or longer"},
		{"an unknown lifespan", "lifespan: native", "lifespan: other", "custom lifespan"},
		{"a public client with a secret", "public: true", "public: true\n        client_secret: x", "required to be empty"},
		{"a confidential client without a secret", "public: true", "public: false", "'client_secret' is required"},
		{"an unreadable key", `"jwk.pem"`, `"users.yml"`, "could not be decoded"},
		{"a secret file that is missing", `"jwk.pem"`, `"none.pem"`, "no such file"},
	} {
		t.Run(test.name, func(t *testing.T) {
			text := strings.Replace(working, test.old, test.new, 1)
			_, found := load(t, text)
			got := ""
			for _, err := range found.errors {
				got += err.Error() + "\n"
			}
			if test.refused == "" && got != "" || !strings.Contains(got, test.refused) {
				t.Errorf("errors are %q, want %q", got, test.refused)
			}
		})
	}
}

func TestSecretFilesDoNotOverrideOtherSources(t *testing.T) {
	t.Setenv("AUTHELIA_STORAGE_ENCRYPTION_KEY_FILE", filepath.Join(t.TempDir(), "key"))
	if err := os.WriteFile(os.Getenv("AUTHELIA_STORAGE_ENCRYPTION_KEY_FILE"), []byte("98765432109876543210\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, found := load(t, working); len(found.errors) != 1 {
		t.Errorf("both sources: errors are %v, want one", found.errors)
	}
	config, found := load(t, strings.Replace(working, "encryption_key: 0123456789012345678901, ", "", 1))
	if len(found.errors) != 0 || config.Storage.EncryptionKey != "98765432109876543210" {
		t.Errorf("the file alone: key is %q, errors are %v", config.Storage.EncryptionKey, found.errors)
	}
}

func TestDurations(t *testing.T) {
	config, _ := load(t, working)
	if got := config.IdentityProviders.OIDC.Lifespans.Custom["native"].RefreshToken; got != 26*time.Hour {
		t.Errorf("1 day and 2 hours is %v", got)
	}
	for text, want := range map[string]time.Duration{"90": 90 * time.Second, "1h30m": 90 * time.Minute, "2w": 14 * 24 * time.Hour} {
		if got, err := parseDuration(text); err != nil || got != want {
			t.Errorf("%q is %v (%v), want %v", text, got, err, want)
		}
	}
	if _, err := parseDuration("2 parsecs"); err == nil {
		t.Error("2 parsecs is taken for a duration")
	}
}

// load reads a configuration in a folder with a key and a users file beside it.
func load(t *testing.T, text string) (*configuration, *findings) {
	t.Helper()
	t.Chdir(t.TempDir())
	t.Setenv(variableFilters, "template")
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	encoded := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})
	for name, content := range map[string][]byte{"jwk.pem": encoded, "users.yml": []byte("users: {}\n"), "config.yml": []byte(text)} {
		if err := os.WriteFile(name, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return loadConfiguration([]string{"config.yml"})
}

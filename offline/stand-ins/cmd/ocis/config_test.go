package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// rendered is what components/ocis/configuration.ts makes, but for the paths.
var rendered = map[string]string{
	"OCIS_URL": "https://owncloud.ocis.localhost:8443", "OCIS_OIDC_ISSUER": "https://auth.ocis.localhost:8443",
	"OCIS_BASE_DATA_PATH": "/var/lib/ocis", "OCIS_INSECURE": "false", "OCIS_LOG_LEVEL": "warn",
	"OCIS_EXCLUDE_RUN_SERVICES": "idp", "GATEWAY_FRONTEND_PUBLIC_URL": "http://127.0.0.1:9140", "PROXY_HTTP_ADDR": "0.0.0.0:9200", "PROXY_TLS": "false",
	"PROXY_ENABLE_BASIC_AUTH": "false", "PROXY_OIDC_ISSUER": "https://auth.ocis.localhost:8443",
	"PROXY_OIDC_REWRITE_WELLKNOWN": "true", "PROXY_OIDC_ACCESS_TOKEN_VERIFY_METHOD": "jwt",
	"PROXY_OIDC_SKIP_USER_INFO": "false", "PROXY_AUTOPROVISION_CLAIM_USERNAME": "preferred_username",
	"PROXY_AUTOPROVISION_CLAIM_EMAIL": "email", "PROXY_AUTOPROVISION_CLAIM_DISPLAYNAME": "name",
	"PROXY_AUTOPROVISION_CLAIM_GROUPS": "groups", "PROXY_USER_OIDC_CLAIM": "preferred_username",
	"PROXY_USER_CS3_CLAIM": "username", "PROXY_ROLE_ASSIGNMENT_DRIVER": "default", "PROXY_AUTOPROVISION_ACCOUNTS": "true",
	"GRAPH_USERNAME_MATCH": "none", "WEB_OIDC_CLIENT_ID": "ocis",
}

// TestConfig changes one thing at a time in what starts.
func TestConfig(t *testing.T) {
	type change struct{ name, variable, value, secret, refused string }
	changes := []change{
		{name: "as it is"},
		{name: "a service that is not there", variable: "OCIS_ADD_RUN_SERVICES", value: "auth-app", refused: "not known"},
		{name: "another directory", variable: "OCIS_LDAP_URI", value: "ldaps://ldap.example.com", refused: "not known"},
		{name: "TLS of its own", variable: "PROXY_TLS", value: "true", refused: "TLS"},
		{name: "unverified TLS", variable: "OCIS_INSECURE", value: "true", refused: "Insecure"},
		{name: "an issuer without TLS", variable: "OCIS_OIDC_ISSUER", value: "http://auth.ocis.localhost", refused: "Issuer"},
		{name: "people hidden", variable: "USERS_LDAP_USER_FILTER", value: "(!(|(uid=alice)))", refused: "GraphFilter"},
		{name: "another filter", variable: "USERS_LDAP_USER_FILTER", value: "(mail=*)", refused: "UserFilter"},
		{name: "roles from no claim", variable: "PROXY_ROLE_ASSIGNMENT_DRIVER", value: "oidc", refused: "RoleClaim"},
	}
	for _, path := range secrets {
		changes = append(changes, change{name: "without " + path, secret: path, refused: path + " has not been set"})
	}
	for _, test := range changes {
		t.Run(test.name, func(t *testing.T) {
			folder := t.TempDir()
			for name, value := range rendered {
				t.Setenv(name, value)
			}
			t.Setenv("OCIS_CONFIG_DIR", folder)
			t.Setenv("PROXY_CSP_CONFIG_FILE_LOCATION", filepath.Join(folder, "csp.yaml"))
			if test.variable != "" {
				t.Setenv(test.variable, test.value)
			}
			write(t, filepath.Join(folder, "csp.yaml"), map[string]any{"directives": map[string]any{"default-src": []string{"'none'"}}})
			write(t, filepath.Join(folder, "ocis.yaml"), allSecretsBut(test.secret))
			config, err := readConfig()
			switch {
			case test.refused == "" && err != nil:
				t.Fatal(err)
			case test.refused == "" && config.csp != "default-src 'none';":
				t.Errorf("the policy is %q", config.csp)
			case test.refused != "" && (err == nil || !strings.Contains(err.Error(), test.refused)):
				t.Errorf("the error is %v, want %q", err, test.refused)
			}
		})
	}
}

// allSecretsBut is an ocis.yaml in which one secret is missing.
func allSecretsBut(missing string) map[string]any {
	all := map[string]any{}
	for _, path := range secrets {
		parts := strings.Split(path, ".")
		level := all
		for _, part := range parts[:len(parts)-1] {
			if level[part] == nil {
				level[part] = map[string]any{}
			}
			level = level[part].(map[string]any)
		}
		if path != missing {
			level[parts[len(parts)-1]] = "a secret"
		}
	}
	return all
}

func write(t *testing.T, file string, content any) {
	t.Helper()
	encoded, err := yaml.Marshal(content)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, encoded, 0o600); err != nil {
		t.Fatal(err)
	}
}

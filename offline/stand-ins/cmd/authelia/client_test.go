package main

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/ory/fosite"
)

// digest is of the word "secret", as clientSecretDigest makes it.
const digest = "$pbkdf2-sha512$1000$c2FsdHNhbHRzYWx0c2FsdA$" +
	"2IVLzDcUS76iY9.wBooZzkS5Z0mI6ikZPfMieFfR1eV/GJiiRzyvvz4ne7tBn8OJ1hxZyCz95QPNeLP3ykzMiQ"

// TestClientAuthentication is the table that was measured on Authelia 4.39.20; 200 stands for "is authenticated".
func TestClientAuthentication(t *testing.T) {
	const basic, post = "client_secret_basic", "client_secret_post"
	for _, test := range []struct {
		method                 string
		multiple               bool
		basic, post, both, not int
	}{
		{basic, false, 200, 401, 400, 401},
		{basic, true, 200, 401, 200, 401},
		{post, false, 401, 200, 400, 401},
		{post, true, 401, 200, 401, 401},
	} {
		config := &oidcConfig{Clients: []clientConfig{{
			ClientID: "native", ClientSecret: digest, TokenEndpointAuthMethod: test.method, AllowMultipleAuthMethods: test.multiple,
		}}}
		p := &provider{clients: newClients(config)}
		p.Fosite = &fosite.Fosite{Store: &grantStore{clients: p.clients}, Config: &fosite.Config{ClientSecretsHasher: digestHasher{}}}
		for _, way := range []struct {
			name        string
			basic, post bool
			want        int
		}{
			{"basic", true, false, test.basic}, {"post", false, true, test.post}, {"both", true, true, test.both},
			{"neither", false, false, test.not},
		} {
			form := url.Values{"client_id": {"native"}}
			if way.post {
				form.Set("client_secret", "secret")
			}
			r := httptest.NewRequest(http.MethodPost, "/api/oidc/token", strings.NewReader(form.Encode()))
			if way.basic {
				r.SetBasicAuth("native", "secret")
			}
			got := http.StatusOK
			if _, err := p.authenticateClient(t.Context(), r, form); err != nil {
				got = fosite.ErrorToRFC6749Error(err).CodeField
			}
			if got != way.want {
				t.Errorf("%s, multiple %t, sent %s: %d, want %d", test.method, test.multiple, way.name, got, way.want)
			}
		}
	}
}

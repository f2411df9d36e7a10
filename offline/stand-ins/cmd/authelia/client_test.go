package main

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// TestClientAuthentication is the table that was measured on Authelia 4.39.20; 200 stands for "is authenticated".
func TestClientAuthentication(t *testing.T) {
	secret := "$plaintext$secret"
	for _, test := range []struct {
		method                 string
		multiple               bool
		basic, post, both, not int
	}{
		{methodBasic, false, 200, 401, 400, 401},
		{methodBasic, true, 200, 401, 200, 401},
		{methodPost, false, 401, 200, 400, 401},
		{methodPost, true, 401, 200, 401, 401},
	} {
		registered := &client{clientConfig: clientConfig{
			ClientID: "native", ClientSecret: &secret, TokenEndpointAuthMethod: test.method, AllowMultipleAuthMethods: test.multiple,
		}}
		p := &provider{clients: map[string]*client{"native": registered}}
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
				got = err.(interface{ StatusCode() int }).StatusCode()
			}
			if got != way.want {
				t.Errorf("%s, multiple %t, sent %s: %d, want %d", test.method, test.multiple, way.name, got, way.want)
			}
		}
	}
}

func TestAuthorizationPolicy(t *testing.T) {
	c := &client{policy: authorizationPolicy{DefaultPolicy: deny, Rules: []authorizationRule{
		{Policy: oneFactor, Subject: [][]string{{"group:cloud", "user:alice"}}, Networks: []string{"10.0.0.0/8"}},
		{Policy: twoFactor, Subject: [][]string{{"group:staff"}, {"group:cloud"}}},
	}}}
	for _, test := range []struct {
		username string
		groups   []string
		ip, want string
	}{
		{"alice", []string{"cloud"}, "10.1.2.3", oneFactor},
		{"alice", []string{"cloud"}, "192.0.2.1", twoFactor},
		{"bob", []string{"cloud"}, "10.1.2.3", twoFactor},
		{"bob", []string{"staff"}, "10.1.2.3", twoFactor},
		{"eve", nil, "10.1.2.3", deny},
		{"", []string{"cloud"}, "10.1.2.3", deny},
	} {
		if got := c.requiredPolicy(test.username, test.groups, test.ip); got != test.want {
			t.Errorf("%q in %v from %s: %s, want %s", test.username, test.groups, test.ip, got, test.want)
		}
	}
}

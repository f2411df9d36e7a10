package main

// The configuration: the keys that components/authelia/configuration.ts renders, and what Authelia 4.39.20 refuses about
// their values (docs/content/configuration, internal/configuration/validator). Whatever else Authelia knows is refused
// like what it does not know, so that nothing is accepted and then ignored that a test could be about.

import (
	"cmp"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net/url"
	"os"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/go-playground/validator/v10"
	"go.yaml.in/yaml/v3"
	"golang.org/x/net/publicsuffix"
)

const (
	oneFactor = "one_factor"
	twoFactor = "two_factor"
	deny      = "deny"
)

// configuration is decoded by YAML's strict rules and checked by the "validate" tags, then by check.
type configuration struct {
	Server struct {
		Address            string `yaml:"address" validate:"required,startswith=tcp://"`
		DisableHealthcheck bool   `yaml:"disable_healthcheck" validate:"eq=true"`
		Endpoints          struct {
			// Checked and not applied: nothing is counted by address here.
			RateLimits map[string]struct {
				Enable  *bool `yaml:"enable"`
				Buckets []struct {
					Requests int    `yaml:"requests" validate:"gt=0"`
					Period   string `yaml:"period" validate:"required"`
				} `yaml:"buckets" validate:"dive"`
			} `yaml:"rate_limits" validate:"dive"`
		} `yaml:"endpoints"`
	} `yaml:"server"`
	Log struct {
		Level  string `yaml:"level" validate:"omitempty,oneof=trace debug info warn error"`
		Format string `yaml:"format" validate:"omitempty,oneof=text json"`
	} `yaml:"log"`
	TOTP struct {
		Issuer string `yaml:"issuer" validate:"required"`
	} `yaml:"totp"`
	NTP struct {
		DisableStartupCheck bool `yaml:"disable_startup_check" validate:"eq=true"`
	} `yaml:"ntp"`
	AuthenticationBackend struct {
		File struct {
			Path string `yaml:"path" validate:"required"`
		} `yaml:"file"`
		PasswordReset  disabled `yaml:"password_reset"`
		PasswordChange disabled `yaml:"password_change"`
	} `yaml:"authentication_backend"`
	IdentityValidation struct {
		ElevatedSession struct {
			// Without effect: the portal enrols nothing here.
			RequireSecondFactor bool `yaml:"require_second_factor" validate:"eq=true"`
		} `yaml:"elevated_session"`
	} `yaml:"identity_validation"`
	Regulation struct {
		MaxRetries int `yaml:"max_retries" validate:"eq=3"`
	} `yaml:"regulation"`
	AccessControl struct {
		DefaultPolicy string `yaml:"default_policy" validate:"oneof=deny one_factor two_factor"`
		Rules         []struct {
			Domain []string `yaml:"domain" validate:"required"`
			Policy string   `yaml:"policy" validate:"oneof=bypass deny one_factor two_factor"`
		} `yaml:"rules" validate:"dive"`
	} `yaml:"access_control"`
	Session struct {
		Secret  string         `yaml:"secret" validate:"required"`
		Cookies []cookieConfig `yaml:"cookies" validate:"len=1,dive"`
	} `yaml:"session"`
	Storage struct {
		EncryptionKey string `yaml:"encryption_key" validate:"min=20"`
		Local         struct {
			Path string `yaml:"path" validate:"required"`
		} `yaml:"local"`
	} `yaml:"storage"`
	Notifier struct {
		Filesystem struct {
			Filename string `yaml:"filename" validate:"required"`
		} `yaml:"filesystem"`
	} `yaml:"notifier"`
	IdentityProviders struct {
		OIDC oidcConfig `yaml:"oidc"`
	} `yaml:"identity_providers"`
}

// disabled is a feature that is not there.
type disabled struct {
	Disable bool `yaml:"disable" validate:"eq=true"`
}

type cookieConfig struct {
	Name        string `yaml:"name" validate:"required"`
	Domain      string `yaml:"domain" validate:"fqdn,lowercase"`
	AutheliaURL string `yaml:"authelia_url" validate:"url,startswith=https://"`
}

type oidcConfig struct {
	HMACSecret string `yaml:"hmac_secret" validate:"required"`
	JWKS       []struct {
		Key string `yaml:"key" validate:"required"`
	} `yaml:"jwks" validate:"len=1,dive"`
	Lifespans struct {
		Custom map[string]lifespans `yaml:"custom"`
	} `yaml:"lifespans"`
	CORS struct {
		Endpoints      []string `yaml:"endpoints" validate:"dive,oneof=authorization token revocation introspection userinfo"`
		AllowedOrigins []string `yaml:"allowed_origins" validate:"min=1,dive,url,startswith=https://"`
	} `yaml:"cors"`
	AuthorizationPolicies map[string]authorizationPolicy `yaml:"authorization_policies" validate:"dive"`
	Clients               []clientConfig                 `yaml:"clients" validate:"min=1,unique=ClientID,dive"`
}

type lifespans struct {
	AccessToken  duration `yaml:"access_token"`
	RefreshToken duration `yaml:"refresh_token"`
}

// authorizationPolicy is who may use a client: the policy of the first rule that fits a person, else the default.
type authorizationPolicy struct {
	DefaultPolicy string `yaml:"default_policy" validate:"oneof=deny one_factor two_factor"`
	Rules         []struct {
		Policy string `yaml:"policy" validate:"oneof=deny one_factor two_factor"`
		// Any of them; a list within the list, which would mean all of its members, is refused.
		Subject []string `yaml:"subject" validate:"min=1,dive,startswith=group:"`
	} `yaml:"rules" validate:"min=1,dive"`
}

type clientConfig struct {
	ClientID     string `yaml:"client_id" validate:"required,max=100"`
	ClientName   string `yaml:"client_name"`
	Public       bool   `yaml:"public"`
	ClientSecret string `yaml:"client_secret" validate:"required_unless=Public true,excluded_if=Public true"`
	Lifespan     string `yaml:"lifespan" validate:"required"`
	// Without effect: 4.39.20 asks each time whoever asks for offline_access, and here everybody is asked each time.
	ConsentMode                  string   `yaml:"consent_mode" validate:"omitempty,eq=pre-configured"`
	PreConfiguredConsentDuration duration `yaml:"pre_configured_consent_duration" validate:"excluded_without=ConsentMode"`
	AuthorizationPolicy          string   `yaml:"authorization_policy" validate:"required"`
	RequirePKCE                  bool     `yaml:"require_pkce" validate:"eq=true"`
	PKCEChallengeMethod          string   `yaml:"pkce_challenge_method" validate:"eq=S256"`
	RedirectURIs                 []string `yaml:"redirect_uris" validate:"min=1,dive,uri,contains=://"`
	Scopes                       []string `yaml:"scopes" validate:"min=1,dive,oneof=openid offline_access groups profile email"`
	ResponseTypes                []string `yaml:"response_types" validate:"len=1,dive,eq=code"`
	GrantTypes                   []string `yaml:"grant_types" validate:"dive,oneof=authorization_code refresh_token"`
	AccessTokenSignedResponseAlg string   `yaml:"access_token_signed_response_alg" validate:"oneof=none RS256"`
	UserinfoSignedResponseAlg    string   `yaml:"userinfo_signed_response_alg" validate:"eq=none"`
	TokenEndpointAuthMethod      string   `yaml:"token_endpoint_auth_method" validate:"oneof=none client_secret_basic client_secret_post"`
	AllowMultipleAuthMethods     bool     `yaml:"allow_multiple_auth_methods"`
}

// duration is written as settings.ts allows it, "2 days"; Authelia knows more forms.
type duration time.Duration

var (
	durationForm  = regexp.MustCompile(`^([1-9]\d*) (second|minute|hour|day|week|month|year)s?$`)
	durationUnits = map[string]time.Duration{
		"second": time.Second, "minute": time.Minute, "hour": time.Hour, "day": 24 * time.Hour, "week": 7 * 24 * time.Hour,
		"month": 30 * 24 * time.Hour, "year": 365 * 24 * time.Hour,
	}
)

func (d *duration) UnmarshalYAML(node *yaml.Node) error {
	parts := durationForm.FindStringSubmatch(node.Value)
	if parts == nil {
		return fmt.Errorf("line %d: %q is no duration that is known here", node.Line, node.Value)
	}
	count, err := strconv.Atoi(parts[1])
	*d = duration(time.Duration(count) * durationUnits[parts[2]])
	return err
}

// loadConfiguration merges the files of --config or X_AUTHELIA_CONFIG. Authelia would also take AUTHELIA_* variables and
// filters, which nothing here sets.
func loadConfiguration(files []string) (*configuration, error) {
	for _, variable := range os.Environ() {
		if strings.HasPrefix(variable, "AUTHELIA_") || strings.HasPrefix(variable, "X_AUTHELIA_CONFIG_FILTERS=") {
			return nil, fmt.Errorf("%s: not known to this stand-in", variable[:strings.Index(variable, "=")])
		}
	}
	if len(files) == 0 {
		files = strings.Split(cmp.Or(os.Getenv("X_AUTHELIA_CONFIG"), "configuration.yml"), ",")
	}
	config := &configuration{}
	for _, name := range files {
		file, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		defer file.Close()
		decoder := yaml.NewDecoder(file)
		decoder.KnownFields(true)
		if err := decoder.Decode(config); err != nil { // which keeps what an earlier file said
			return nil, fmt.Errorf("configuration key not expected, or not known to this stand-in: %s: %w", name, err)
		}
	}
	rules := validator.New(validator.WithRequiredStructEnabled())
	rules.RegisterTagNameFunc(func(field reflect.StructField) string { return field.Tag.Get("yaml") })
	return config, errors.Join(rules.Struct(config), config.check())
}

// check are the rules that concern more than one value, or what no tag can say.
func (c *configuration) check() error {
	var errs []error
	fail := func(format string, values ...any) { errs = append(errs, fmt.Errorf(format, values...)) }
	if c.AccessControl.DefaultPolicy == deny && len(c.AccessControl.Rules) == 0 {
		fail("access_control: 'default_policy' option 'deny' is invalid: when no rules are specified")
	}
	for _, cookie := range c.Session.Cookies {
		if suffix, _ := publicsuffix.PublicSuffix(cookie.Domain); suffix == cookie.Domain {
			fail("session: domain '%s': is part of the special public suffix list", cookie.Domain)
		}
		if parsed, err := url.Parse(cookie.AutheliaURL); err != nil || !inDomain(parsed.Hostname(), cookie.Domain) {
			fail("session: domain '%s': does not share a cookie scope with '%s'", cookie.Domain, cookie.AutheliaURL)
		}
	}
	oidc := c.IdentityProviders.OIDC
	for _, jwk := range oidc.JWKS {
		if key, err := parsePrivateKey(jwk.Key); err != nil {
			fail("identity_providers: oidc: jwks: option 'key' could not be decoded: %w", err)
		} else if key.N.BitLen() < 2048 {
			fail("identity_providers: oidc: jwks: option 'key' must at minimum be a RSA 2048 bit private key")
		}
	}
	for _, client := range oidc.Clients {
		where := fmt.Sprintf("identity_providers: oidc: clients: client '%s'", client.ClientID)
		if _, ok := oidc.Lifespans.Custom[client.Lifespan]; !ok {
			fail("%s: option 'lifespan' must be the name of a custom lifespan", where)
		}
		_, ok := oidc.AuthorizationPolicies[client.AuthorizationPolicy]
		if !ok && client.AuthorizationPolicy != oneFactor && client.AuthorizationPolicy != twoFactor {
			fail("%s: option 'authorization_policy' is configured as '%s', which is none", where, client.AuthorizationPolicy)
		}
		if client.Public != (client.TokenEndpointAuthMethod == "none") {
			fail("%s: option 'token_endpoint_auth_method' must be 'none' for a public client, and for no other", where)
		}
		if _, err := decodeDigest(client.ClientSecret); !client.Public && err != nil {
			fail("%s: option 'client_secret' could not be decoded: %w", where, err)
		}
	}
	return errors.Join(errs...)
}

// inDomain tells whether a cookie of the domain goes to the host.
func inDomain(host, domain string) bool {
	return host == domain || strings.HasSuffix(host, "."+domain)
}

// parsePrivateKey reads an RSA key, PEM, in PKCS#1 or PKCS#8 form.
func parsePrivateKey(text string) (*rsa.PrivateKey, error) {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return nil, errors.New("it is not PEM")
	}
	if block.Type == "RSA PRIVATE KEY" {
		return x509.ParsePKCS1PrivateKey(block.Bytes)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, err
	}
	key, ok := parsed.(*rsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("its type is %T", parsed)
	}
	return key, nil
}

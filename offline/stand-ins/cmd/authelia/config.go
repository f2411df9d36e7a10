package main

// The configuration: which keys exist, and how they are read from files, variables and secret files.
//
// Sources: Authelia 4.39.20, docs/content/configuration (keys), internal/configuration/{sources,helpers}.go (order and
// secrets). A key that Authelia knows and this stand-in does not know is refused like an unknown one, so that nothing
// is accepted and then ignored that a test could be about.

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-viper/mapstructure/v2"
	"github.com/knadh/koanf/parsers/yaml"
	"github.com/knadh/koanf/providers/confmap"
	"github.com/knadh/koanf/providers/rawbytes"
	"github.com/knadh/koanf/v2"
)

type configuration struct {
	Theme                 string                `koanf:"theme"`
	Default2FAMethod      string                `koanf:"default_2fa_method"`
	Server                serverConfig          `koanf:"server"`
	Log                   logConfig             `koanf:"log"`
	TOTP                  totpConfig            `koanf:"totp"`
	WebAuthn              disableConfig         `koanf:"webauthn"`
	DuoAPI                disableConfig         `koanf:"duo_api"`
	NTP                   ntpConfig             `koanf:"ntp"`
	PasswordPolicy        passwordPolicyConfig  `koanf:"password_policy"`
	IdentityValidation    identityValidation    `koanf:"identity_validation"`
	AuthenticationBackend authenticationBackend `koanf:"authentication_backend"`
	AccessControl         accessControl         `koanf:"access_control"`
	Session               sessionConfig         `koanf:"session"`
	Regulation            regulationConfig      `koanf:"regulation"`
	Storage               storageConfig         `koanf:"storage"`
	Notifier              notifierConfig        `koanf:"notifier"`
	Telemetry             telemetryConfig       `koanf:"telemetry"`
	IdentityProviders     struct {
		OIDC *oidcConfig `koanf:"oidc"`
	} `koanf:"identity_providers"`
}

type disableConfig struct {
	Disable bool `koanf:"disable"`
}

type serverConfig struct {
	Address            string `koanf:"address"`
	DisableHealthcheck bool   `koanf:"disable_healthcheck"`
	Endpoints          struct {
		RateLimits map[string]rateLimit `koanf:"rate_limits"`
	} `koanf:"endpoints"`
	Buffers struct {
		Read  int `koanf:"read"`
		Write int `koanf:"write"`
	} `koanf:"buffers"`
	Timeouts struct {
		Read  time.Duration `koanf:"read"`
		Write time.Duration `koanf:"write"`
		Idle  time.Duration `koanf:"idle"`
	} `koanf:"timeouts"`
}

type rateLimit struct {
	Enable  *bool             `koanf:"enable"`
	Buckets []rateLimitBucket `koanf:"buckets"`
}

type rateLimitBucket struct {
	Period   time.Duration `koanf:"period"`
	Requests int           `koanf:"requests"`
}

type logConfig struct {
	Level  string `koanf:"level"`
	Format string `koanf:"format"`
}

type totpConfig struct {
	Disable                    bool     `koanf:"disable"`
	Issuer                     string   `koanf:"issuer"`
	Algorithm                  string   `koanf:"algorithm"`
	Digits                     int      `koanf:"digits"`
	Period                     int      `koanf:"period"`
	Skew                       *int     `koanf:"skew"`
	SecretSize                 int      `koanf:"secret_size"`
	AllowedAlgorithms          []string `koanf:"allowed_algorithms"`
	AllowedDigits              []int    `koanf:"allowed_digits"`
	AllowedPeriods             []int    `koanf:"allowed_periods"`
	DisableReuseSecurityPolicy bool     `koanf:"disable_reuse_security_policy"`
}

type ntpConfig struct {
	Address             string        `koanf:"address"`
	Version             int           `koanf:"version"`
	MaxDesync           time.Duration `koanf:"max_desync"`
	DisableStartupCheck bool          `koanf:"disable_startup_check"`
	DisableFailure      bool          `koanf:"disable_failure"`
}

type passwordPolicyConfig struct {
	Standard struct {
		Enabled          bool `koanf:"enabled"`
		MinLength        int  `koanf:"min_length"`
		MaxLength        int  `koanf:"max_length"`
		RequireUppercase bool `koanf:"require_uppercase"`
		RequireLowercase bool `koanf:"require_lowercase"`
		RequireNumber    bool `koanf:"require_number"`
		RequireSpecial   bool `koanf:"require_special"`
	} `koanf:"standard"`
	ZXCVBN struct {
		Enabled  bool `koanf:"enabled"`
		MinScore int  `koanf:"min_score"`
	} `koanf:"zxcvbn"`
}

type identityValidation struct {
	ResetPassword struct {
		JWTLifespan  time.Duration `koanf:"jwt_lifespan"`
		JWTAlgorithm string        `koanf:"jwt_algorithm"`
		JWTSecret    string        `koanf:"jwt_secret"`
	} `koanf:"reset_password"`
	ElevatedSession struct {
		CodeLifespan        time.Duration `koanf:"code_lifespan"`
		ElevationLifespan   time.Duration `koanf:"elevation_lifespan"`
		Characters          int           `koanf:"characters"`
		RequireSecondFactor bool          `koanf:"require_second_factor"`
		SkipSecondFactor    bool          `koanf:"skip_second_factor"`
	} `koanf:"elevated_session"`
}

type authenticationBackend struct {
	PasswordReset   disableConfig `koanf:"password_reset"`
	PasswordChange  disableConfig `koanf:"password_change"`
	RefreshInterval string        `koanf:"refresh_interval"`
	File            *fileBackend  `koanf:"file"`
}

type fileBackend struct {
	Path   string `koanf:"path"`
	Watch  bool   `koanf:"watch"`
	Search struct {
		Email           bool `koanf:"email"`
		CaseInsensitive bool `koanf:"case_insensitive"`
	} `koanf:"search"`
	ExtraAttributes map[string]extraAttribute `koanf:"extra_attributes"`
}

type extraAttribute struct {
	MultiValued bool   `koanf:"multi_valued"`
	ValueType   string `koanf:"value_type"`
}

type accessControl struct {
	DefaultPolicy string              `koanf:"default_policy"`
	Rules         []accessControlRule `koanf:"rules"`
}

type accessControlRule struct {
	Domain  []string   `koanf:"domain"`
	Policy  string     `koanf:"policy"`
	Subject [][]string `koanf:"subject"`
}

type sessionConfig struct {
	Secret       string `koanf:"secret"`
	cookieCommon `koanf:",squash"`
	Cookies      []cookieConfig `koanf:"cookies"`
}

type cookieCommon struct {
	Name       string        `koanf:"name"`
	SameSite   string        `koanf:"same_site"`
	Expiration time.Duration `koanf:"expiration"`
	Inactivity time.Duration `koanf:"inactivity"`
	// -1 switches "remember me" off.
	RememberMe time.Duration `koanf:"remember_me"`
}

type cookieConfig struct {
	cookieCommon          `koanf:",squash"`
	Domain                string   `koanf:"domain"`
	AutheliaURL           *url.URL `koanf:"authelia_url"`
	DefaultRedirectionURL *url.URL `koanf:"default_redirection_url"`
}

type regulationConfig struct {
	Modes      []string      `koanf:"modes"`
	MaxRetries *int          `koanf:"max_retries"`
	FindTime   time.Duration `koanf:"find_time"`
	BanTime    time.Duration `koanf:"ban_time"`
}

type storageConfig struct {
	EncryptionKey string `koanf:"encryption_key"`
	Local         *struct {
		Path string `koanf:"path"`
	} `koanf:"local"`
}

type notifierConfig struct {
	DisableStartupCheck bool `koanf:"disable_startup_check"`
	Filesystem          *struct {
		Filename string `koanf:"filename"`
	} `koanf:"filesystem"`
	SMTP *struct {
		Address             string        `koanf:"address"`
		Username            string        `koanf:"username"`
		Password            string        `koanf:"password"`
		Sender              string        `koanf:"sender"`
		Identifier          string        `koanf:"identifier"`
		Subject             string        `koanf:"subject"`
		StartupCheckAddress string        `koanf:"startup_check_address"`
		Timeout             time.Duration `koanf:"timeout"`
	} `koanf:"smtp"`
}

type telemetryConfig struct {
	Metrics struct {
		Enabled bool `koanf:"enabled"`
	} `koanf:"metrics"`
}

type oidcConfig struct {
	HMACSecret                string                         `koanf:"hmac_secret"`
	JWKS                      []jwkConfig                    `koanf:"jwks"`
	EnableClientDebugMessages bool                           `koanf:"enable_client_debug_messages"`
	MinimumParameterEntropy   int                            `koanf:"minimum_parameter_entropy"`
	EnforcePKCE               string                         `koanf:"enforce_pkce"`
	EnablePKCEPlainChallenge  bool                           `koanf:"enable_pkce_plain_challenge"`
	AuthorizationPolicies     map[string]authorizationPolicy `koanf:"authorization_policies"`
	Lifespans                 lifespansConfig                `koanf:"lifespans"`
	CORS                      corsConfig                     `koanf:"cors"`
	ClaimsPolicies            map[string]claimsPolicy        `koanf:"claims_policies"`
	Scopes                    map[string]scopeConfig         `koanf:"scopes"`
	Clients                   []clientConfig                 `koanf:"clients"`
}

type jwkConfig struct {
	KeyID     string `koanf:"key_id"`
	Use       string `koanf:"use"`
	Algorithm string `koanf:"algorithm"`
	Key       string `koanf:"key"`
}

type authorizationPolicy struct {
	DefaultPolicy string              `koanf:"default_policy"`
	Rules         []authorizationRule `koanf:"rules"`
}

type authorizationRule struct {
	Policy   string     `koanf:"policy"`
	Subject  [][]string `koanf:"subject"`
	Networks []string   `koanf:"networks"`
}

type lifespans struct {
	AccessToken   time.Duration `koanf:"access_token"`
	AuthorizeCode time.Duration `koanf:"authorize_code"`
	IDToken       time.Duration `koanf:"id_token"`
	RefreshToken  time.Duration `koanf:"refresh_token"`
}

type lifespansConfig struct {
	lifespans `koanf:",squash"`
	Custom    map[string]lifespans `koanf:"custom"`
}

type corsConfig struct {
	Endpoints                            []string `koanf:"endpoints"`
	AllowedOrigins                       []string `koanf:"allowed_origins"`
	AllowedOriginsFromClientRedirectURIs bool     `koanf:"allowed_origins_from_client_redirect_uris"`
}

type claimsPolicy struct {
	IDToken      []string               `koanf:"id_token"`
	AccessToken  []string               `koanf:"access_token"`
	CustomClaims map[string]customClaim `koanf:"custom_claims"`
}

type customClaim struct {
	Name      string `koanf:"name"`
	Attribute string `koanf:"attribute"`
}

type scopeConfig struct {
	Claims []string `koanf:"claims"`
}

type clientConfig struct {
	ClientID                        string         `koanf:"client_id"`
	ClientName                      string         `koanf:"client_name"`
	ClientSecret                    *string        `koanf:"client_secret"`
	Public                          bool           `koanf:"public"`
	RedirectURIs                    []string       `koanf:"redirect_uris"`
	Audience                        []string       `koanf:"audience"`
	Scopes                          []string       `koanf:"scopes"`
	GrantTypes                      []string       `koanf:"grant_types"`
	ResponseTypes                   []string       `koanf:"response_types"`
	ResponseModes                   []string       `koanf:"response_modes"`
	AuthorizationPolicy             string         `koanf:"authorization_policy"`
	Lifespan                        string         `koanf:"lifespan"`
	ClaimsPolicy                    string         `koanf:"claims_policy"`
	RequestedAudienceMode           string         `koanf:"requested_audience_mode"`
	ConsentMode                     string         `koanf:"consent_mode"`
	PreConfiguredConsentDuration    *time.Duration `koanf:"pre_configured_consent_duration"`
	RequirePKCE                     bool           `koanf:"require_pkce"`
	PKCEChallengeMethod             string         `koanf:"pkce_challenge_method"`
	IDTokenSignedResponseAlg        string         `koanf:"id_token_signed_response_alg"`
	AccessTokenSignedResponseAlg    string         `koanf:"access_token_signed_response_alg"`
	UserinfoSignedResponseAlg       string         `koanf:"userinfo_signed_response_alg"`
	TokenEndpointAuthMethod         string         `koanf:"token_endpoint_auth_method"`
	RevocationEndpointAuthMethod    string         `koanf:"revocation_endpoint_auth_method"`
	IntrospectionEndpointAuthMethod string         `koanf:"introspection_endpoint_auth_method"`
	AllowMultipleAuthMethods        bool           `koanf:"allow_multiple_auth_methods"`
}

const (
	variablePrefix  = "AUTHELIA_"
	variableFiles   = "X_AUTHELIA_CONFIG"
	variableFilters = "X_AUTHELIA_CONFIG_FILTERS"
	secretSuffix    = "_FILE"
	// Read when neither --config nor the variable names one. Source: Authelia's command line reference.
	defaultFile = "configuration.yml"
)

// findings are what Authelia says about a configuration: any error keeps it from starting, warnings do not.
type findings struct {
	errors   []error
	warnings []error
}

func (f *findings) fail(format string, values ...any) {
	f.errors = append(f.errors, fmt.Errorf(format, values...))
}

func (f *findings) warn(format string, values ...any) {
	f.warnings = append(f.warnings, fmt.Errorf(format, values...))
}

// loadConfiguration reads all sources in Authelia's order (files, variables, secret files), fills in defaults and
// applies the rules. The configuration is usable only if there are no errors among the findings.
func loadConfiguration(files []string) (*configuration, *findings) {
	found := &findings{}
	merged := koanf.New(".")
	if len(files) == 0 {
		files = strings.Split(cmp.Or(os.Getenv(variableFiles), defaultFile), ",")
	}
	filters := os.Getenv(variableFilters)
	if filters != "" && filters != "template" {
		found.fail("%s: the filter %q is not known here; allowed: template", variableFilters, filters)
		return nil, found
	}
	for _, file := range files {
		if err := loadFiles(merged, file, filters == "template"); err != nil {
			found.fail("failed to load configuration from file path(%s) source: %w", file, err)
		}
	}
	loadVariables(merged, found)

	config := &configuration{}
	metadata := &mapstructure.Metadata{}
	err := merged.UnmarshalWithConf("", config, koanf.UnmarshalConf{Tag: "koanf", DecoderConfig: &mapstructure.DecoderConfig{
		Result:           config,
		Metadata:         metadata,
		WeaklyTypedInput: true,
		DecodeHook:       mapstructure.ComposeDecodeHookFunc(decodeDuration, decodeURL, decodeSubjects),
	}})
	if err != nil {
		found.fail("error occurred during unmarshaling configuration: %w", err)
	}
	for _, key := range metadata.Unused {
		if strings.HasPrefix(key, variablePrefix) {
			found.warn("configuration environment variable not expected: %s", key)
		} else {
			found.fail("configuration key not expected: %s (unknown to Authelia, or not known here)", key)
		}
	}
	if len(found.errors) == 0 {
		validate(config, found)
	}
	return config, found
}

// loadFiles merges one file, or the YAML files of one folder.
func loadFiles(into *koanf.Koanf, name string, asTemplate bool) error {
	entry, err := os.Stat(name)
	if err != nil {
		return err
	}
	names := []string{name}
	if entry.IsDir() {
		yml, _ := filepath.Glob(filepath.Join(name, "*.yml"))
		yaml, _ := filepath.Glob(filepath.Join(name, "*.yaml"))
		names = append(yml, yaml...)
		slices.Sort(names)
	}
	for _, name := range names {
		content, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		if asTemplate {
			if content, err = executeTemplate(content); err != nil {
				return err
			}
		}
		if err := into.Load(rawbytes.Provider(content), yaml.Parser()); err != nil {
			return err
		}
	}
	return nil
}

// loadVariables merges AUTHELIA_* variables and the secrets whose files AUTHELIA_*_FILE name.
func loadVariables(into *koanf.Koanf, found *findings) {
	plain, secret := map[string]any{}, map[string]any{}
	keys := map[string]string{}
	for _, key := range scalarKeys(reflect.TypeFor[configuration](), "") {
		keys[variablePrefix+strings.ToUpper(strings.ReplaceAll(key, ".", "_"))] = key
	}
	for _, variable := range os.Environ() {
		name, value, _ := strings.Cut(variable, "=")
		if !strings.HasPrefix(name, variablePrefix) {
			continue
		}
		if key, ok := keys[name]; ok {
			plain[key] = value
			continue
		}
		key, ok := keys[strings.TrimSuffix(name, secretSuffix)]
		if !ok || !strings.HasSuffix(name, secretSuffix) || !isSecret(key) {
			plain[name] = value // reported as not expected
			continue
		}
		content, err := os.ReadFile(value)
		if err != nil {
			found.fail("secrets: error loading secret path %s into key '%s': %w", value, key, err)
			continue
		}
		secret[key] = strings.TrimRight(string(content), "\n")
	}
	mustMerge(into, plain)
	for key := range secret {
		if into.String(key) != "" {
			found.fail("secrets: error loading secret into key '%s': it's already defined in other configuration sources", key)
		}
	}
	mustMerge(into, secret)
}

// mustMerge merges a map of dotted keys; confmap's reading of a map in memory has no way to fail.
func mustMerge(into *koanf.Koanf, values map[string]any) {
	if err := into.Load(confmap.Provider(values, "."), nil); err != nil {
		panic(err)
	}
}

// isSecret tells whether Authelia takes a key from a secret file. Source: internal/configuration/helpers.go IsSecretKey.
func isSecret(key string) bool {
	return slices.ContainsFunc([]string{"key", "secret", "password", "token", "certificate_chain"}, func(suffix string) bool {
		return strings.HasSuffix(key, suffix)
	})
}

// scalarKeys lists the dotted keys that a variable can set: no lists, no maps.
func scalarKeys(t reflect.Type, prefix string) []string {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() == reflect.Slice || t.Kind() == reflect.Map {
		return nil
	}
	if t.Kind() != reflect.Struct || t == reflect.TypeFor[url.URL]() {
		return []string{strings.TrimSuffix(prefix, ".")}
	}
	var keys []string
	for field := range t.Fields() {
		tag := field.Tag.Get("koanf")
		if tag == ",squash" {
			keys = append(keys, scalarKeys(field.Type, prefix)...)
		} else {
			keys = append(keys, scalarKeys(field.Type, prefix+tag+".")...)
		}
	}
	return keys
}

var (
	durationParts = regexp.MustCompile(`^(?:\d+[a-zA-Z]+)+$`)
	durationPart  = regexp.MustCompile(`(\d+)([a-zA-Z]+)`)
)

// durationUnits are the units Authelia takes. Source: docs/content/reference/common-syntax, "Duration".
var durationUnits = map[string]time.Duration{
	"ms": time.Millisecond, "millisecond": time.Millisecond, "milliseconds": time.Millisecond,
	"s": time.Second, "second": time.Second, "seconds": time.Second,
	"m": time.Minute, "minute": time.Minute, "minutes": time.Minute,
	"h": time.Hour, "hour": time.Hour, "hours": time.Hour,
	"d": 24 * time.Hour, "day": 24 * time.Hour, "days": 24 * time.Hour,
	"w": 7 * 24 * time.Hour, "week": 7 * 24 * time.Hour, "weeks": 7 * 24 * time.Hour,
	"M": 30 * 24 * time.Hour, "month": 30 * 24 * time.Hour, "months": 30 * 24 * time.Hour,
	"y": 365 * 24 * time.Hour, "year": 365 * 24 * time.Hour, "years": 365 * 24 * time.Hour,
}

// parseDuration reads "2 days", "1h30m", "1 hour and 30 minutes", or a number of seconds.
func parseDuration(text string) (time.Duration, error) {
	if seconds, err := strconv.Atoi(text); err == nil {
		return time.Duration(seconds) * time.Second, nil
	}
	compact := strings.ReplaceAll(strings.ReplaceAll(text, "and", ""), " ", "")
	if !durationParts.MatchString(compact) {
		return 0, fmt.Errorf("could not parse '%s' as a duration", text)
	}
	var sum time.Duration
	for _, part := range durationPart.FindAllStringSubmatch(compact, -1) {
		unit, ok := durationUnits[part[2]]
		if !ok {
			return 0, fmt.Errorf("could not parse '%s' as a duration: the unit '%s' is not valid", text, part[2])
		}
		count, err := strconv.Atoi(part[1])
		if err != nil {
			return 0, err
		}
		sum += time.Duration(count) * unit
	}
	return sum, nil
}

func decodeDuration(_ reflect.Type, to reflect.Type, value any) (any, error) {
	if to != reflect.TypeFor[time.Duration]() {
		return value, nil
	}
	switch value := value.(type) {
	case string:
		return parseDuration(value)
	case int:
		return time.Duration(value) * time.Second, nil
	}
	return nil, fmt.Errorf("could not decode '%v' to a duration", value)
}

func decodeURL(_ reflect.Type, to reflect.Type, value any) (any, error) {
	if to != reflect.TypeFor[url.URL]() {
		return value, nil
	}
	text, ok := value.(string)
	if !ok {
		return nil, errors.New("could not decode a value that is not a string to a URL")
	}
	return url.Parse(text)
}

// decodeSubjects reads a subject list as Authelia does: a string or a list of strings and of lists; the outer list means
// "or", an inner list means "and".
func decodeSubjects(_ reflect.Type, to reflect.Type, value any) (any, error) {
	if to != reflect.TypeFor[[][]string]() {
		return value, nil
	}
	list, ok := value.([]any)
	if !ok {
		list = []any{value}
	}
	subjects := make([][]string, 0, len(list))
	for _, item := range list {
		all, ok := item.([]any)
		if !ok {
			all = []any{item}
		}
		var subject []string
		for _, one := range all {
			text, ok := one.(string)
			if !ok {
				return nil, fmt.Errorf("could not decode '%v' to a subject", one)
			}
			subject = append(subject, text)
		}
		subjects = append(subjects, subject)
	}
	return subjects, nil
}

package main

// What oCIS reads: the environment that components/ocis/configuration.ts renders, ocis.yaml with its secrets, csp.yaml.
// Sources: owncloud/docs-ocis (variables), oCIS 7.0.0 run with each secret left out (messages). A variable of oCIS that is not
// rendered, or another value than what has its effect here, ends the start.

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/caarlos0/env/v11"
	"github.com/go-playground/validator/v10"
	"go.yaml.in/yaml/v3"
)

type config struct {
	environment
	roleMapping []roleMapping
	csp         string
	adminID     string
	secretsHash string // of what the directory's data can be read with
}

// environment are the variables, with the values that are known here.
type environment struct {
	URL       string `env:"OCIS_URL" validate:"url,startswith=https://"`
	Issuer    string `env:"OCIS_OIDC_ISSUER" validate:"url,startswith=https://"`
	ConfigDir string `env:"OCIS_CONFIG_DIR" validate:"required"`
	Data      string `env:"OCIS_BASE_DATA_PATH" validate:"required"`
	LogLevel  string `env:"OCIS_LOG_LEVEL"`
	Insecure  string `env:"OCIS_INSECURE" validate:"eq=false"`
	Excluded  string `env:"OCIS_EXCLUDE_RUN_SERVICES" validate:"eq=idp"`
	// Uploads stay within the container, as with oCIS that is told its own frontend.
	Frontend string `env:"GATEWAY_FRONTEND_PUBLIC_URL" validate:"eq=http://127.0.0.1:9140"`

	Address          string `env:"PROXY_HTTP_ADDR" validate:"hostname_port"`
	TLS              string `env:"PROXY_TLS" validate:"eq=false"`
	BasicAuth        string `env:"PROXY_ENABLE_BASIC_AUTH" validate:"eq=false"`
	ProxyIssuer      string `env:"PROXY_OIDC_ISSUER" validate:"eqfield=Issuer"`
	RewriteWellKnown string `env:"PROXY_OIDC_REWRITE_WELLKNOWN" validate:"eq=true"`
	VerifyMethod     string `env:"PROXY_OIDC_ACCESS_TOKEN_VERIFY_METHOD" validate:"oneof=jwt none"`
	SkipUserInfo     string `env:"PROXY_OIDC_SKIP_USER_INFO" validate:"eq=false"`
	CSPFile          string `env:"PROXY_CSP_CONFIG_FILE_LOCATION" validate:"required"`

	Autoprovision    string `env:"PROXY_AUTOPROVISION_ACCOUNTS" validate:"eq=true"`
	ClaimUsername    string `env:"PROXY_AUTOPROVISION_CLAIM_USERNAME" validate:"required"`
	ClaimEmail       string `env:"PROXY_AUTOPROVISION_CLAIM_EMAIL" validate:"required"`
	ClaimDisplayName string `env:"PROXY_AUTOPROVISION_CLAIM_DISPLAYNAME" validate:"required"`
	ClaimGroups      string `env:"PROXY_AUTOPROVISION_CLAIM_GROUPS"`
	UserClaim        string `env:"PROXY_USER_OIDC_CLAIM" validate:"required"`
	UserAttribute    string `env:"PROXY_USER_CS3_CLAIM" validate:"eq=username"`
	UsernameMatch    string `env:"GRAPH_USERNAME_MATCH"`
	RoleDriver       string `env:"PROXY_ROLE_ASSIGNMENT_DRIVER" validate:"oneof=default oidc"`
	RoleClaim        string `env:"PROXY_ROLE_ASSIGNMENT_OIDC_CLAIM" validate:"required_if=RoleDriver oidc"`
	// Only the filter that hides people by name: (!(|(uid=alice)(uid=bob))).
	UserFilter  string `env:"USERS_LDAP_USER_FILTER" validate:"omitempty,startswith=(!(0x7C(uid=,endswith=)))"`
	GraphFilter string `env:"GRAPH_LDAP_USER_FILTER" validate:"eqfield=UserFilter"`

	// For the web interface, which is not here.
	ReadOnlyAttributes string `env:"FRONTEND_READONLY_USER_ATTRIBUTES"`
	WebClientID        string `env:"WEB_OIDC_CLIENT_ID"`
	WebScope           string `env:"WEB_OIDC_SCOPE"`
	WebLogoutURL       string `env:"WEB_OPTION_LOGOUT_URL"`
}

// prefixes are those of the variables of oCIS's services, as far as anything here has ever set them.
var prefixes = []string{
	"AUTH_", "COLLABORATION_", "FRONTEND_", "GATEWAY_", "GRAPH_", "GROUPS_", "IDM_", "IDP_", "NOTIFICATIONS_", "OCIS_", "PROXY_",
	"SETTINGS_", "STORAGE_", "THUMBNAILS_", "USERS_", "WEB_",
}

type roleMapping struct {
	RoleName   string `yaml:"role_name" validate:"oneof=admin spaceadmin user user-light"`
	ClaimValue string `yaml:"claim_value" validate:"required"`
}

// secrets are the paths in ocis.yaml without which oCIS does not start.
var secrets = slices.Concat([]string{
	"token_manager.jwt_secret", "machine_auth_api_key", "transfer_secret", "system_user_id", "system_user_api_key",
	"graph.application.id", "idm.service_user_passwords.admin_password", "idm.service_user_passwords.idm_password",
	"idm.service_user_passwords.reva_password", "idm.service_user_passwords.idp_password", "graph.identity.ldap.bind_password",
	"idp.ldap.bind_password", "auth_basic.auth_providers.ldap.bind_password", "users.drivers.ldap.bind_password",
	"groups.drivers.ldap.bind_password", "storage_users.mount_id", "gateway.storage_registry.storage_users_mount_id",
	"thumbnails.thumbnail.transfer_secret", "collaboration.wopi.secret", "settings.service_account_ids",
}, serviceAccounts())

// serviceAccounts are the secrets of the services that act in their own name.
func serviceAccounts() []string {
	var list []string
	for _, service := range []string{
		"activitylog", "auth_service", "clientlog", "frontend", "graph", "notifications", "ocm", "proxy", "search", "storage_users",
		"userlog",
	} {
		account := service + ".service_account.service_account_"
		list = append(list, account+"id", account+"secret")
	}
	return list
}

// readConfig reads environment and files, and fails as oCIS does.
func readConfig() (*config, error) {
	variables, err := env.ParseAs[environment]()
	if err != nil {
		return nil, err
	}
	c := &config{environment: variables}
	rules := validator.New()
	if err := errors.Join(checkVariables(&variables), rules.Struct(variables)); err != nil {
		return nil, err
	}
	var parsed map[string]any
	var roles struct {
		Proxy struct {
			RoleAssignment struct {
				OIDCRoleMapper struct {
					RoleMapping []roleMapping `yaml:"role_mapping" validate:"dive"`
				} `yaml:"oidc_role_mapper"`
			} `yaml:"role_assignment"`
		} `yaml:"proxy"`
	}
	var csp struct {
		Directives map[string][]string `yaml:"directives"`
	}
	file := filepath.Join(c.ConfigDir, "ocis.yaml")
	if err := errors.Join(readYAML(file, &parsed), readYAML(file, &roles), readYAML(c.CSPFile, &csp)); err != nil {
		return nil, err
	}
	c.roleMapping = roles.Proxy.RoleAssignment.OIDCRoleMapper.RoleMapping
	c.adminID = lookUp(parsed, "admin_user_id")
	for _, directive := range slices.Sorted(maps.Keys(csp.Directives)) {
		c.csp += directive + " " + strings.Join(csp.Directives[directive], " ") + ";"
	}
	return c, errors.Join(rules.Struct(roles), c.readSecrets(parsed))
}

// checkVariables refuses variables of oCIS that are not among those known here.
func checkVariables(known *environment) error {
	fields, err := env.GetFieldParams(known)
	if err != nil {
		return err
	}
	var errs []error
	for _, variable := range os.Environ() {
		name, _, _ := strings.Cut(variable, "=")
		hasPrefix := func(prefix string) bool { return strings.HasPrefix(name, prefix) }
		isKnown := func(field env.FieldParams) bool { return field.Key == name }
		if slices.ContainsFunc(prefixes, hasPrefix) && !slices.ContainsFunc(fields, isKnown) {
			errs = append(errs, fmt.Errorf("%s: not known to this stand-in", name))
		}
	}
	return errors.Join(errs...)
}

func readYAML(file string, into any) error {
	content, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if err := yaml.Unmarshal(content, into); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return nil
}

// readSecrets makes sure that there are all.
func (c *config) readSecrets(parsed map[string]any) error {
	for _, path := range secrets {
		if lookUp(parsed, path) == "" {
			return fmt.Errorf("The %s has not been set properly in your config. Make sure your %s config contains the proper values "+
				"(e.g. by using 'ocis init --diff' and applying the patch or setting a value manually in the config).", path, c.ConfigDir)
		}
	}
	users := "idm.service_user_passwords."
	passwords := lookUp(parsed, users+"idm_password") + "\x00" + lookUp(parsed, users+"reva_password")
	c.secretsHash = fmt.Sprintf("%x", sha256.Sum256([]byte(passwords)))
	return nil
}

// lookUp finds a dotted path in parsed YAML; of a list, the first entry.
func lookUp(parsed map[string]any, path string) string {
	var value any = parsed
	for part := range strings.SplitSeq(path, ".") {
		level, ok := value.(map[string]any)
		if !ok {
			return ""
		}
		value = level[part]
	}
	if list, ok := value.([]any); ok && len(list) > 0 {
		value = list[0]
	}
	text, _ := value.(string)
	return text
}

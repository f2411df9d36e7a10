package main

// What oCIS reads: ocis.yaml with its secrets, csp.yaml, and the environment.
// Sources: owncloud/docs-ocis (variables and defaults), oCIS 7.0.0 run with each secret left out (messages).

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

type config struct {
	url, issuer       string
	configDir, data   string
	address           string
	debug             []string // addresses of the services whose health is asked for
	rewriteWellKnown  bool
	verifyMethod      string
	skipUserInfo      bool
	userInfoTTL       time.Duration
	userClaim         string // names the user in the claims
	userAttribute     string // "username", "mail" or "userid"
	autoprovision     bool
	claimUsername     string
	claimEmail        string
	claimDisplayName  string
	claimGroups       string
	roleDriver        string
	roleClaim         string
	roleMapping       []roleMapping
	csp               string
	web               webConfig
	adminID, mountID  string
	directorySecrets  []string // service users' passwords: what the directory's data can be read with
	directoryMismatch error    // why the services cannot read the directory at all
}

type roleMapping struct {
	RoleName   string `yaml:"role_name"`
	ClaimValue string `yaml:"claim_value"`
}

type webConfig struct {
	metadataURL, authority, clientID, responseType, scope, postLogoutRedirectURI string
	options                                                                      map[string]any
}

// secret is one entry that must be set before oCIS starts.
type secret struct {
	// path in ocis.yaml, and the variables that can stand in for it, the later one winning.
	path      string
	variables string
	// what is missing, in oCIS's words, and for which service.
	message, service string
}

const (
	missingPassword = "The password of service user %[2]s has not been set properly in your config for %[1]s."
	missingBind     = "The ldap bind_password has not been set properly in your config for %[1]s."
	missingMount    = "The storage users mount ID has not been configured for %[1]s."
	missingTransfer = "The transfer_secret has not been set properly in your config for %[1]s."
)

// secrets are in the order in which they are looked at.
var secrets = slices.Concat([]secret{
	{"token_manager.jwt_secret", "OCIS_JWT_SECRET", "The jwt_secret has not been set properly in your config for %[1]s.", "ocis"},
	{"machine_auth_api_key", "OCIS_MACHINE_AUTH_API_KEY", "The Machineauth API key has not been configured for %[1]s.", "ocis"},
	{"transfer_secret", "OCIS_TRANSFER_SECRET", missingTransfer, "ocis"},
	{"system_user_id", "OCIS_SYSTEM_USER_ID", "The system user ID has not been configured for %[1]s.", "ocis"},
	{"system_user_api_key", "OCIS_SYSTEM_USER_API_KEY", "The SystemUser API key has not been configured for %[1]s.", "settings"},
	{"graph.application.id", "GRAPH_APPLICATION_ID", "The application ID has not been configured for %[1]s.", "graph"},
	{"idm.service_user_passwords.admin_password", "IDM_ADMIN_PASSWORD", missingPassword, "idm\x00admin"},
	{"idm.service_user_passwords.idm_password", "IDM_SVC_PASSWORD", missingPassword, "idm\x00IDM"},
	{"idm.service_user_passwords.reva_password", "IDM_REVASVC_PASSWORD", missingPassword, "idm\x00REVA"},
	{"idm.service_user_passwords.idp_password", "IDM_IDPSVC_PASSWORD", missingPassword, "idm\x00IDP"},
	{"graph.identity.ldap.bind_password", "OCIS_LDAP_BIND_PASSWORD;GRAPH_LDAP_BIND_PASSWORD", missingBind, "graph"},
	{"idp.ldap.bind_password", "OCIS_LDAP_BIND_PASSWORD;IDP_LDAP_BIND_PASSWORD", missingBind, "idp"},
	{"auth_basic.auth_providers.ldap.bind_password", "OCIS_LDAP_BIND_PASSWORD;AUTH_BASIC_LDAP_BIND_PASSWORD",
		missingBind, "auth-basic"},
	{"users.drivers.ldap.bind_password", "OCIS_LDAP_BIND_PASSWORD;USERS_LDAP_BIND_PASSWORD", missingBind, "users"},
	{"groups.drivers.ldap.bind_password", "OCIS_LDAP_BIND_PASSWORD;GROUPS_LDAP_BIND_PASSWORD", missingBind, "groups"},
	{"storage_users.mount_id", "STORAGE_USERS_MOUNT_ID", missingMount, "storage-users"},
	{"gateway.storage_registry.storage_users_mount_id", "GATEWAY_STORAGE_USERS_MOUNT_ID", missingMount, "gateway"},
	{"thumbnails.thumbnail.transfer_secret", "THUMBNAILS_TRANSFER_TOKEN", missingTransfer, "thumbnails"},
	{"collaboration.wopi.secret", "COLLABORATION_WOPI_SECRET",
		"The WOPI secret has not been set properly in your config for %[1]s.", "collaboration"},
	{"settings.service_account_ids", "OCIS_SERVICE_ACCOUNT_ID;SETTINGS_SERVICE_ACCOUNT_IDS",
		"The service account id has not been configured for %[1]s.", "settings"},
}, serviceAccounts())

// serviceAccounts are the secrets of the services that act in their own name.
func serviceAccounts() []secret {
	var list []secret
	for _, service := range []string{
		"graph", "proxy", "frontend", "storage_users", "userlog", "auth_service", "clientlog", "search", "notifications", "ocm",
		"activitylog",
	} {
		name := strings.ReplaceAll(service, "_", "-")
		list = append(list,
			secret{service + ".service_account.service_account_id", "OCIS_SERVICE_ACCOUNT_ID",
				"The service account id has not been configured for %[1]s.", name},
			secret{service + ".service_account.service_account_secret", "OCIS_SERVICE_ACCOUNT_SECRET",
				"The service account secret has not been configured for %[1]s.", name})
	}
	return list
}

// missing is oCIS's message for a secret that is not set.
func (s secret) missing(configDir string) error {
	service, user, _ := strings.Cut(s.service, "\x00")
	return fmt.Errorf(s.message+" Make sure your %[3]s config contains the proper values (e.g. by using 'ocis init --diff' "+
		"and applying the patch or setting a value manually in the config/corresponding environment variable).",
		service, user, configDir)
}

// variable is the first of the alternatives that is set, the most specific (last) one first.
func variable(alternatives, standard string) string {
	for _, name := range slices.Backward(strings.Split(alternatives, ";")) {
		if value, ok := os.LookupEnv(name); ok {
			return value
		}
	}
	return standard
}

func flag(alternatives string, standard bool) (bool, error) {
	text := variable(alternatives, strconv.FormatBool(standard))
	value, err := strconv.ParseBool(text)
	if err != nil {
		return false, fmt.Errorf("%s: %q is neither true nor false", alternatives, text)
	}
	return value, nil
}

// unsupported are switches whose effect is not known here: another value than the one given here is refused, so that no
// test passes here for want of what it tests.
var unsupported = map[string]struct {
	standard bool
	only     bool
}{
	"PROXY_TLS":               {standard: true, only: false},
	"PROXY_ENABLE_BASIC_AUTH": {},
	"PROXY_ENABLE_APP_AUTH":   {},
	"OCIS_INSECURE":           {},
	"PROXY_OIDC_INSECURE":     {},
	"OCIS_MFA_ENABLED":        {},
	"IDM_CREATE_DEMO_USERS":   {},
}

// readConfig reads files and environment, and fails as oCIS does.
func readConfig() (*config, error) {
	c := &config{
		configDir: variable("OCIS_CONFIG_DIR", "/etc/ocis"),
		data:      variable("OCIS_BASE_DATA_PATH", "/var/lib/ocis"),
		url:       variable("OCIS_URL", "https://localhost:9200"),
		address:   variable("PROXY_HTTP_ADDR", "0.0.0.0:9200"),
		debug: []string{
			variable("GRAPH_DEBUG_ADDR", "127.0.0.1:9124"),
			variable("FRONTEND_DEBUG_ADDR", "127.0.0.1:9141"),
			variable("USERS_DEBUG_ADDR", "127.0.0.1:9145"),
			variable("STORAGE_USERS_DEBUG_ADDR", "127.0.0.1:9159"),
			variable("PROXY_DEBUG_ADDR", "127.0.0.1:9205"),
			variable("IDM_DEBUG_ADDR", "127.0.0.1:9239"),
		},
		verifyMethod:     variable("PROXY_OIDC_ACCESS_TOKEN_VERIFY_METHOD", "jwt"),
		userClaim:        variable("PROXY_USER_OIDC_CLAIM", "preferred_username"),
		userAttribute:    variable("PROXY_USER_CS3_CLAIM", "username"),
		claimUsername:    variable("PROXY_AUTOPROVISION_CLAIM_USERNAME", "preferred_username"),
		claimEmail:       variable("PROXY_AUTOPROVISION_CLAIM_EMAIL", "email"),
		claimDisplayName: variable("PROXY_AUTOPROVISION_CLAIM_DISPLAYNAME", "name"),
		claimGroups:      variable("PROXY_AUTOPROVISION_CLAIM_GROUPS", "groups"),
		roleDriver:       variable("PROXY_ROLE_ASSIGNMENT_DRIVER", "default"),
		roleClaim:        variable("PROXY_ROLE_ASSIGNMENT_OIDC_CLAIM", "roles"),
	}
	c.issuer = variable("OCIS_URL;OCIS_OIDC_ISSUER;PROXY_OIDC_ISSUER", c.url)
	if err := c.readSwitches(); err != nil {
		return nil, err
	}
	var err error
	if c.userInfoTTL, err = time.ParseDuration(variable("PROXY_OIDC_USERINFO_CACHE_TTL", "10s")); err != nil {
		return nil, fmt.Errorf("PROXY_OIDC_USERINFO_CACHE_TTL: %w", err)
	}
	for name, check := range map[string]struct {
		value   string
		allowed []string
	}{
		"PROXY_OIDC_ACCESS_TOKEN_VERIFY_METHOD": {c.verifyMethod, []string{"jwt", "none"}},
		"PROXY_USER_CS3_CLAIM":                  {c.userAttribute, []string{"username", "mail", "userid"}},
		"PROXY_ROLE_ASSIGNMENT_DRIVER":          {c.roleDriver, []string{"default", "oidc"}},
	} {
		if !slices.Contains(check.allowed, check.value) {
			return nil, fmt.Errorf("%s: %q is not one of %q", name, check.value, check.allowed)
		}
	}
	if err := c.readSecrets(); err != nil {
		return nil, err
	}
	if err := c.readRoleMapping(); err != nil {
		return nil, err
	}
	if c.csp, err = readCSP(variable("PROXY_CSP_CONFIG_FILE_LOCATION", "")); err != nil {
		return nil, err
	}
	c.readWeb()
	return c, nil
}

func (c *config) readSwitches() error {
	for name, supported := range unsupported {
		if value, err := flag(name, supported.standard); err != nil {
			return err
		} else if value != supported.only {
			return fmt.Errorf("%s=%t is not known to this stand-in; it only knows %[1]s=%[3]t", name, value, supported.only)
		}
	}
	if services := variable("OCIS_ADD_RUN_SERVICES", "") + variable("OCIS_RUN_SERVICES", ""); services != "" {
		return fmt.Errorf("OCIS_ADD_RUN_SERVICES, OCIS_RUN_SERVICES: %q is not known to this stand-in", services)
	}
	if services := variable("OCIS_EXCLUDE_RUN_SERVICES", ""); services != "idp" {
		return fmt.Errorf("OCIS_EXCLUDE_RUN_SERVICES: %q is not known to this stand-in; it only knows \"idp\"", services)
	}
	var errs [3]error
	c.rewriteWellKnown, errs[0] = flag("PROXY_OIDC_REWRITE_WELLKNOWN", false)
	c.skipUserInfo, errs[1] = flag("PROXY_OIDC_SKIP_USER_INFO", false)
	c.autoprovision, errs[2] = flag("PROXY_AUTOPROVISION_ACCOUNTS", false)
	return errors.Join(errs[:]...)
}

// readSecrets reads ocis.yaml; variables take precedence over it.
func (c *config) readSecrets() error {
	file := filepath.Join(c.configDir, "ocis.yaml")
	content, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	var parsed map[string]any
	if err := yaml.Unmarshal(content, &parsed); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	values := map[string]string{}
	for _, secret := range secrets {
		value := variable(secret.variables, lookUp(parsed, secret.path))
		if value == "" {
			return secret.missing(c.configDir)
		}
		values[secret.path] = value
	}
	// Empty means that there is no built-in administrator.
	c.adminID = variable("OCIS_ADMIN_USER_ID;IDM_ADMIN_USER_ID;SETTINGS_ADMIN_USER_ID", lookUp(parsed, "admin_user_id"))
	c.mountID = values["storage_users.mount_id"]
	for service, pair := range map[string][2]string{
		"graph":      {"graph.identity.ldap.bind_password", "idm.service_user_passwords.idm_password"},
		"users":      {"users.drivers.ldap.bind_password", "idm.service_user_passwords.reva_password"},
		"groups":     {"groups.drivers.ldap.bind_password", "idm.service_user_passwords.reva_password"},
		"auth-basic": {"auth_basic.auth_providers.ldap.bind_password", "idm.service_user_passwords.reva_password"},
	} {
		if values[pair[0]] != values[pair[1]] {
			c.directoryMismatch = fmt.Errorf("LDAP Result Code 49 \"Invalid Credentials\": %s and %s differ, so %s cannot bind",
				pair[0], pair[1], service)
		}
	}
	if values["gateway.storage_registry.storage_users_mount_id"] != c.mountID {
		c.directoryMismatch = errors.New("gateway.storage_registry.storage_users_mount_id and storage_users.mount_id differ")
	}
	for _, name := range []string{"idm", "reva"} {
		c.directorySecrets = append(c.directorySecrets, values["idm.service_user_passwords."+name+"_password"])
	}
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

// readRoleMapping reads who gets which role from ocis.yaml, or takes oCIS's own mapping.
func (c *config) readRoleMapping() error {
	c.roleMapping = []roleMapping{
		{"admin", "ocisAdmin"}, {"spaceadmin", "ocisSpaceAdmin"}, {"user", "ocisUser"}, {"user-light", "ocisGuest"},
	}
	file := filepath.Join(c.configDir, "ocis.yaml")
	content, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var parsed struct {
		Proxy struct {
			RoleAssignment struct {
				OIDCRoleMapper struct {
					RoleMapping []roleMapping `yaml:"role_mapping"`
				} `yaml:"oidc_role_mapper"`
			} `yaml:"role_assignment"`
		} `yaml:"proxy"`
	}
	if err := yaml.Unmarshal(content, &parsed); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	if mapping := parsed.Proxy.RoleAssignment.OIDCRoleMapper.RoleMapping; len(mapping) > 0 {
		c.roleMapping = mapping
	}
	for _, mapped := range c.roleMapping {
		if _, ok := roles[mapped.RoleName]; !ok {
			return fmt.Errorf("%s: role_name: %q is no role", file, mapped.RoleName)
		}
	}
	return nil
}

// readCSP renders a Content-Security-Policy file as a header; without a file, a policy as strict as oCIS's own.
func readCSP(file string) (string, error) {
	if file == "" {
		return "connect-src 'self' blob:; default-src 'none'; frame-ancestors 'self'; script-src 'self' 'unsafe-inline'; " +
			"style-src 'self' 'unsafe-inline'", nil
	}
	content, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("failed to load CSP configuration: %w", err)
	}
	var parsed struct {
		Directives map[string][]string `yaml:"directives"`
	}
	if err := yaml.Unmarshal(content, &parsed); err != nil {
		return "", fmt.Errorf("failed to load CSP configuration: %s: %w", file, err)
	}
	var policy []string
	for directive, sources := range parsed.Directives {
		policy = append(policy, directive+" "+strings.Join(sources, " "))
	}
	slices.Sort(policy)
	return strings.Join(policy, "; "), nil
}

func (c *config) readWeb() {
	authority := variable("OCIS_URL;OCIS_OIDC_ISSUER;WEB_OIDC_AUTHORITY", c.url)
	c.web = webConfig{
		authority:             authority,
		metadataURL:           variable("WEB_OIDC_METADATA_URL", strings.TrimSuffix(authority, "/")+wellKnownPath),
		clientID:              variable("OCIS_OIDC_CLIENT_ID;WEB_OIDC_CLIENT_ID", "web"),
		responseType:          variable("WEB_OIDC_RESPONSE_TYPE", "code"),
		scope:                 variable("WEB_OIDC_SCOPE", "openid profile email"),
		postLogoutRedirectURI: variable("WEB_OIDC_POST_LOGOUT_REDIRECT_URI", ""),
		options:               map[string]any{"contextHelpersReadMore": true, "tokenStorageLocal": true},
	}
	for name, option := range map[string]string{
		"WEB_OPTION_LOGOUT_URL": "logoutUrl", "WEB_OPTION_LOGIN_URL": "loginUrl",
	} {
		if value := variable(name, ""); value != "" {
			c.web.options[option] = value
		}
	}
	if link := variable("WEB_OPTION_ACCOUNT_EDIT_LINK_HREF", ""); link != "" {
		c.web.options["accountEditLink"] = map[string]any{"href": link}
	}
}

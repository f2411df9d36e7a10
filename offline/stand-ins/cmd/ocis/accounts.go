package main

// Accounts: who is known, who is made at the first sign-in, and who may do what. They lie in one JSON file.
// Source: services/proxy/pkg/middleware/account_resolver.go and services/proxy/pkg/user/backend/cs3.go of oCIS.

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/google/uuid"
)

type account struct {
	ID          string `json:"id"`
	Username    string `json:"username"`
	DisplayName string `json:"displayName"`
	Mail        string `json:"mail"`
	Role        string `json:"role"`
}

// directory is what the file holds.
type directory struct {
	// SecretsHash ties the data to the service users' passwords it was made with: others cannot bind to it.
	SecretsHash string `json:"secretsHash"`
	// Accounts by id.
	Accounts map[string]account `json:"accounts"`
}

type accounts struct {
	config *config
	file   string

	lock      sync.Mutex
	directory directory
}

func openAccounts(config *config) (*accounts, error) {
	a := &accounts{config: config, file: filepath.Join(config.Data, "idm", "accounts.json")}
	content, err := os.ReadFile(a.file)
	if errors.Is(err, os.ErrNotExist) {
		admin := account{ID: config.adminID, Username: "admin", DisplayName: "Admin", Mail: "admin@example.org", Role: "admin"}
		a.directory = directory{config.secretsHash, map[string]account{admin.ID: admin}}
		return a, a.save()
	}
	if err != nil {
		return nil, err
	}
	return a, json.Unmarshal(content, &a.directory)
}

func (a *accounts) save() error {
	content, err := json.MarshalIndent(a.directory, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(a.file), 0o700); err != nil {
		return err
	}
	unfinished := a.file + ".new"
	if err := os.WriteFile(unfinished, content, 0o600); err != nil {
		return err
	}
	return os.Rename(unfinished, a.file)
}

// resolve finds the account that claims speak of, makes it where there is none, and brings it up to date.
func (a *accounts) resolve(told claims) (account, error) {
	name, err := told.text(a.config.UserClaim)
	if err != nil {
		return account{}, err
	}
	a.lock.Lock()
	defer a.lock.Unlock()
	if a.directory.SecretsHash != a.config.secretsHash {
		return account{}, errors.New(`LDAP Result Code 49 "Invalid Credentials": the directory was made with other passwords`)
	}
	if a.hides(name) {
		return account{}, fmt.Errorf("autoprovisioning user failed: %s is there, and is not found", name)
	}
	found, known := a.find(name)
	updated := found
	if !known {
		if updated, err = a.provision(told); err != nil {
			return account{}, fmt.Errorf("autoprovisioning user failed: %w", err)
		}
	}
	if mail, err := told.text(a.config.ClaimEmail); err == nil {
		updated.Mail = mail
	}
	if displayName, err := told.text(a.config.ClaimDisplayName); err == nil {
		updated.DisplayName = displayName
	}
	if updated.Role, err = a.role(updated.Role, told); err != nil {
		return account{}, fmt.Errorf("could not get user roles: %w", err)
	}
	if updated == found {
		return found, nil
	}
	a.directory.Accounts[updated.ID] = updated
	return updated, a.save()
}

// hides says whether the filter of the directory leaves somebody out, whom oCIS then takes for a new person and fails to make an account.
func (a *accounts) hides(username string) bool {
	return strings.Contains(strings.ToLower(a.config.UserFilter), "(uid="+strings.ToLower(username)+")")
}

// find looks for an account by its user name, which oCIS compares without regard to case.
func (a *accounts) find(username string) (found account, ok bool) {
	for _, found := range a.directory.Accounts {
		if strings.EqualFold(found.Username, username) {
			return found, true
		}
	}
	return account{}, false
}

// provision makes an account of what oCIS cannot do without.
func (a *accounts) provision(told claims) (account, error) {
	username, err := told.text(a.config.ClaimUsername)
	if err != nil {
		return account{}, err
	}
	if _, err := told.text(a.config.ClaimDisplayName); err != nil {
		return account{}, err
	}
	if _, taken := a.find(username); taken {
		return account{}, fmt.Errorf("LDAP Result Code 68 \"Entry Already Exists\": %s", username)
	}
	return account{ID: uuid.NewString(), Username: username}, nil
}

// role is what the driver says: "oidc" takes the first mapping whose expression matches a value as a whole, as from oCIS 7.3 on,
// and refuses who has none.
func (a *accounts) role(present string, told claims) (string, error) {
	if a.config.RoleDriver == "default" {
		if present == "" {
			return "user", nil
		}
		return present, nil
	}
	values, _ := told[a.config.RoleClaim].([]any)
	for _, mapped := range a.config.roleMapping {
		expression, err := regexp.Compile("^(?:" + mapped.ClaimValue + ")$")
		if err != nil {
			return "", err
		}
		matches := func(value any) bool { text, isText := value.(string); return isText && expression.MatchString(text) }
		if slices.ContainsFunc(values, matches) {
			return mapped.RoleName, nil
		}
	}
	return "", errors.New("no role in claim maps to a role")
}

// list are all accounts, by name.
func (a *accounts) list() []account {
	a.lock.Lock()
	defer a.lock.Unlock()
	byName := func(x, y account) int { return strings.Compare(x.Username, y.Username) }
	return slices.SortedFunc(maps.Values(a.directory.Accounts), byName)
}

package main

// Accounts: who is known, who is made at the first sign-in, and who may do what. They lie in one JSON file.
// Source: services/proxy/pkg/middleware/account_resolver.go and services/proxy/pkg/user/backend/cs3.go of oCIS.

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
)

// roles are oCIS's built-in roles and their ids. Source: services/settings/pkg/store/defaults.
var roles = map[string]string{
	"admin":      "71881883-1768-46bd-a24d-a356a2afdf7f",
	"spaceadmin": "2aadd357-682c-406b-8874-293091995fdd",
	"user":       "d7beeea8-8ff4-406b-8fb6-ab2dd81e6b11",
	"user-light": "38071a68-456a-4553-846a-fa67bf5596cc",
}

type account struct {
	ID          string   `json:"id"`
	Username    string   `json:"username"`
	DisplayName string   `json:"displayName"`
	Mail        string   `json:"mail"`
	Role        string   `json:"role"`
	Groups      []string `json:"groups"`
}

// directory is what the file holds.
type directory struct {
	// SecretsHash ties the data to the service users' passwords it was made with: others cannot bind to it.
	SecretsHash string              `json:"secretsHash"`
	Accounts    map[string]*account `json:"accounts"`
	// Groups are the ids of groups by name.
	Groups map[string]string `json:"groups"`
}

type accounts struct {
	config *config
	file   string

	lock      sync.Mutex
	directory directory
	synced    map[string]time.Time // when a user's groups were last taken from the claims
}

// groupsSyncedFor is how long groups are not looked at again. Source: account_resolver.go.
const groupsSyncedFor = 5 * time.Minute

func openAccounts(config *config) (*accounts, error) {
	sum := sha256.Sum256([]byte(strings.Join(config.directorySecrets, "\x00")))
	secretsHash := hex.EncodeToString(sum[:])
	a := &accounts{
		config:    config,
		file:      filepath.Join(config.data, "idm", "accounts.json"),
		synced:    map[string]time.Time{},
		directory: directory{SecretsHash: secretsHash, Accounts: map[string]*account{}, Groups: map[string]string{}},
	}
	content, err := os.ReadFile(a.file)
	switch {
	case errors.Is(err, os.ErrNotExist):
	case err != nil:
		return nil, err
	default:
		if err := json.Unmarshal(content, &a.directory); err != nil {
			return nil, fmt.Errorf("%s: %w", a.file, err)
		}
	}
	if a.directory.SecretsHash != secretsHash {
		config.directoryMismatch = errors.New("LDAP Result Code 49 \"Invalid Credentials\": the directory was made with other " +
			"service users' passwords than those configured")
	}
	if id := config.adminID; id != "" && a.directory.Accounts[id] == nil {
		a.directory.Accounts[id] = &account{
			ID: id, Username: "admin", DisplayName: "Admin", Mail: "admin@example.org", Role: "admin",
		}
	} else if id != "" {
		a.directory.Accounts[id].Role = "admin"
	}
	return a, a.save()
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

// errUnknownAccount is answered with 401: somebody whom the issuer knows and oCIS does not.
var errUnknownAccount = errors.New("account not found and autoprovisioning disabled")

// resolve finds the account that claims speak of, makes it where that is allowed, and brings it up to date.
func (a *accounts) resolve(told claims) (account, error) {
	value, err := told.text(a.config.userClaim)
	if err != nil {
		return account{}, err
	}
	if err := a.config.directoryMismatch; err != nil {
		return account{}, err
	}
	a.lock.Lock()
	defer a.lock.Unlock()
	found := a.find(value)
	before, err := json.Marshal(found)
	if err != nil {
		return account{}, err
	}
	if found == nil {
		if !a.config.autoprovision {
			return account{}, errUnknownAccount
		}
		if found, err = a.provision(told); err != nil {
			return account{}, fmt.Errorf("autoprovisioning user failed: %w", err)
		}
	}
	if a.config.autoprovision {
		a.update(found, told)
	}
	if err := a.assignRole(found, told); err != nil {
		return account{}, fmt.Errorf("could not get user roles: %w", err)
	}
	if after, err := json.Marshal(found); err != nil {
		return account{}, err
	} else if string(before) != string(after) {
		if err := a.save(); err != nil {
			return account{}, err
		}
	}
	return *found, nil
}

func (a *accounts) find(value string) *account {
	for _, candidate := range a.directory.Accounts {
		attribute := map[string]string{
			"username": candidate.Username, "mail": candidate.Mail, "userid": candidate.ID,
		}[a.config.userAttribute]
		if strings.EqualFold(attribute, value) {
			return candidate
		}
	}
	return nil
}

func (a *accounts) provision(told claims) (*account, error) {
	displayName, err := told.text(a.config.claimDisplayName)
	if err != nil {
		return nil, err
	}
	username, err := told.text(a.config.claimUsername)
	if err != nil {
		return nil, err
	}
	for _, other := range a.directory.Accounts {
		if strings.EqualFold(other.Username, username) {
			return nil, fmt.Errorf("LDAP Result Code 68 \"Entry Already Exists\": %s", username)
		}
	}
	mail, _ := told[a.config.claimEmail].(string)
	made := &account{ID: uuid.NewString(), Username: username, DisplayName: displayName, Mail: mail}
	a.directory.Accounts[made.ID] = made
	return made, nil
}

// update takes name, address and, at most every five minutes, groups over from the claims. Groups that are not in the
// claims are left, also when there is no such claim at all (ocis#11435, mended in 8.2).
func (a *accounts) update(found *account, told claims) {
	if mail, _ := told[a.config.claimEmail].(string); mail != "" {
		found.Mail = mail
	}
	if name, _ := told[a.config.claimDisplayName].(string); name != "" {
		found.DisplayName = name
	}
	if a.config.claimGroups == "" || time.Since(a.synced[found.ID]) < groupsSyncedFor {
		return
	}
	a.synced[found.ID] = time.Now()
	found.Groups = nil
	groups, _ := told[a.config.claimGroups].([]any)
	for _, group := range groups {
		if name, ok := group.(string); ok {
			found.Groups = append(found.Groups, name)
			if a.directory.Groups[name] == "" {
				a.directory.Groups[name] = uuid.NewString()
			}
		}
	}
}

// assignRole gives the role that the driver says.
func (a *accounts) assignRole(found *account, told claims) error {
	if a.config.roleDriver == "default" {
		if found.Role == "" {
			found.Role = "user"
		}
		return nil
	}
	var values []string
	switch claim := told[a.config.roleClaim].(type) {
	case string:
		values = []string{claim}
	case []any:
		for _, value := range claim {
			if text, ok := value.(string); ok {
				values = append(values, text)
			}
		}
	}
	if len(values) == 0 {
		return errors.New("no roles in user claims")
	}
	for _, mapped := range a.config.roleMapping {
		if slices.Contains(values, mapped.ClaimValue) {
			found.Role = mapped.RoleName
			return nil
		}
	}
	return errors.New("no role in claim maps to a role")
}

// list are all accounts, by name.
func (a *accounts) list() []account {
	a.lock.Lock()
	defer a.lock.Unlock()
	var all []account
	for _, found := range a.directory.Accounts {
		all = append(all, *found)
	}
	slices.SortFunc(all, func(x, y account) int { return strings.Compare(x.Username, y.Username) })
	return all
}

// groupID is the id of a group that some account is in.
func (a *accounts) groupID(name string) string {
	a.lock.Lock()
	defer a.lock.Unlock()
	return a.directory.Groups[name]
}

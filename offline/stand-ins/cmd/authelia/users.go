package main

// The users file: who there is, with which password digest and which attributes.
// Source: internal/authentication/file_user_provider_database.go; digests by the library that Authelia uses.

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/fsnotify/fsnotify"
	"github.com/go-crypt/crypt"
	"github.com/go-crypt/crypt/algorithm"
	"github.com/go-crypt/crypt/algorithm/plaintext"
	"go.yaml.in/yaml/v3"
)

// user is one entry of the users file, under Authelia's names of the attributes.
type user struct {
	Username    string         `yaml:"-"`
	Password    string         `yaml:"password"`
	DisplayName string         `yaml:"displayname"`
	Email       string         `yaml:"email"`
	Groups      []string       `yaml:"groups"`
	Disabled    bool           `yaml:"disabled"`
	GivenName   string         `yaml:"given_name"`
	MiddleName  string         `yaml:"middle_name"`
	FamilyName  string         `yaml:"family_name"`
	Nickname    string         `yaml:"nickname"`
	Gender      string         `yaml:"gender"`
	Birthdate   string         `yaml:"birthdate"`
	Website     string         `yaml:"website"`
	Profile     string         `yaml:"profile"`
	Picture     string         `yaml:"picture"`
	ZoneInfo    string         `yaml:"zoneinfo"`
	Locale      string         `yaml:"locale"`
	PhoneNumber string         `yaml:"phone_number"`
	Extra       map[string]any `yaml:"extra"`

	digest algorithm.Digest
}

// userAttributes are the names under which claims can refer to a user's standard attributes.
var userAttributes = []string{
	"username", "groups", "display_name", "email", "emails", "given_name", "middle_name", "family_name", "nickname",
	"profile", "picture", "website", "gender", "birthdate", "zoneinfo", "locale", "phone_number", "phone_extension",
	"street_address", "locality", "region", "postal_code", "country",
}

// attribute is the value of a standard or extra attribute; nil where there is none.
func (u *user) attribute(name string) any {
	text := map[string]string{
		"username": u.Username, "display_name": u.DisplayName, "email": u.Email, "given_name": u.GivenName,
		"middle_name": u.MiddleName, "family_name": u.FamilyName, "nickname": u.Nickname, "profile": u.Profile,
		"picture": u.Picture, "website": u.Website, "gender": u.Gender, "birthdate": u.Birthdate, "zoneinfo": u.ZoneInfo,
		"locale": u.Locale, "phone_number": u.PhoneNumber,
	}
	switch value, ok := text[name]; {
	case ok && value != "":
		return value
	case ok:
		return nil
	case name == "groups":
		return u.Groups
	case name == "email_verified":
		return true
	case name == "updated_at":
		return time.Now().Unix()
	}
	return u.Extra[name]
}

var errUserNotFound = errors.New("user not found")

// userFile holds the users in memory and follows the file where the configuration says so.
type userFile struct {
	config  *fileBackend
	lock    sync.RWMutex
	users   map[string]*user
	aliases map[string]string
}

func openUserFile(config *fileBackend) (*userFile, error) {
	file := &userFile{config: config}
	return file, file.load()
}

func (f *userFile) load() error {
	content, err := os.ReadFile(f.config.Path)
	if err != nil {
		return fmt.Errorf("error reading the authentication database: %w", err)
	}
	var parsed struct {
		Users map[string]*user `yaml:"users"`
	}
	if err := yaml.Unmarshal(content, &parsed); err != nil {
		return fmt.Errorf("error reading the authentication database: could not parse the YAML database: %w", err)
	}
	if len(parsed.Users) == 0 {
		return errors.New("error reading the authentication database: could not validate the schema: users: required")
	}
	aliases := map[string]string{}
	for name, user := range parsed.Users {
		if user == nil || user.Password == "" || user.DisplayName == "" {
			return fmt.Errorf("error decoding the authentication database: user '%s': password and displayname are required", name)
		}
		if user.digest, err = decodeUserPassword(user.Password); err != nil {
			return fmt.Errorf("error decoding the authentication database: user '%s': password: %w", name, err)
		}
		for extra := range user.Extra {
			if _, ok := f.config.extraAttribute(extra); !ok {
				return fmt.Errorf("error decoding the authentication database: user '%s': extra attribute '%s' is unknown", name, extra)
			}
		}
		user.Username = name
		if err := f.addAliases(user, parsed.Users, aliases); err != nil {
			return fmt.Errorf("error loading authentication database: %w", err)
		}
	}
	f.lock.Lock()
	defer f.lock.Unlock()
	f.users, f.aliases = parsed.Users, aliases
	return nil
}

// addAliases notes the other names a user can sign in by: the e-mail address and any case, where that is searched.
func (f *userFile) addAliases(user *user, users map[string]*user, aliases map[string]string) error {
	if f.config.Search.CaseInsensitive {
		if strings.ToLower(user.Username) != user.Username {
			return fmt.Errorf("username '%s' is not lowercase but this is required when case-insensitive search is enabled",
				user.Username)
		}
		aliases[user.Username] = user.Username
	}
	if email := strings.ToLower(user.Email); f.config.Search.Email && email != "" {
		if _, ok := users[email]; ok && email != user.Username {
			return fmt.Errorf("email '%s' is also a username which isn't allowed when email search is enabled", email)
		}
		if other, ok := aliases[email]; ok && other != user.Username {
			return fmt.Errorf("email '%s' is configured for more than one user which isn't allowed when email search is enabled", email)
		}
		aliases[email] = user.Username
	}
	return nil
}

// find returns the user that a typed name means. Disabled users are not found.
func (f *userFile) find(name string) (*user, error) {
	f.lock.RLock()
	defer f.lock.RUnlock()
	if alias, ok := f.aliases[strings.ToLower(name)]; ok {
		name = alias
	}
	user, ok := f.users[name]
	if !ok || user.Disabled {
		return nil, errUserNotFound
	}
	return user, nil
}

// follow reads the file again whenever it changes, until the context ends. A bad file is logged and the users stay.
// The folder is watched, not the file, because an editor or a mount may put a new file in its place.
func (f *userFile) follow(ctx context.Context) error {
	watcher, err := fsnotify.NewWatcher()
	if err != nil {
		return err
	}
	if err := watcher.Add(filepath.Dir(f.config.Path)); err != nil {
		return errors.Join(err, watcher.Close())
	}
	go func() {
		defer watcher.Close()
		for {
			select {
			case <-ctx.Done():
				return
			case event := <-watcher.Events:
				if filepath.Base(event.Name) != filepath.Base(f.config.Path) || !event.Has(fsnotify.Write|fsnotify.Create) {
					continue
				}
				if err := f.load(); err != nil {
					slog.Error("Error occurred during reload", "file", f.config.Path, "error", err)
					continue
				}
				slog.Info("Reloaded successfully", "file", f.config.Path)
			case err := <-watcher.Errors:
				slog.Error("Error occurred watching the users file", "error", err)
			}
		}
	}()
	return nil
}

func (b *fileBackend) extraAttribute(name string) (extraAttribute, bool) {
	if b == nil {
		return extraAttribute{}, false
	}
	attribute, ok := b.ExtraAttributes[name]
	return attribute, ok
}

func decodeUserPassword(text string) (algorithm.Digest, error) {
	decoder, err := crypt.NewDefaultDecoder()
	if err != nil {
		return nil, err
	}
	return decoder.Decode(text)
}

// decodeClientSecret takes plain text too, which Authelia still allows for clients.
func decodeClientSecret(text string) (algorithm.Digest, error) {
	decoder, err := crypt.NewDefaultDecoder()
	if err != nil {
		return nil, err
	}
	if err := plaintext.RegisterDecoder(decoder); err != nil {
		return nil, err
	}
	return decoder.Decode(text)
}

package main

// The users file: who there is, with which password digest.
// Source: internal/authentication/file_user_provider_database.go; digests by the library that Authelia uses.

import (
	"errors"
	"fmt"
	"os"

	"github.com/go-crypt/crypt"
	"github.com/go-crypt/crypt/algorithm"
	"go.yaml.in/yaml/v3"
)

// user is one entry of the users file.
type user struct {
	Username    string   `yaml:"-"`
	Password    string   `yaml:"password"`
	DisplayName string   `yaml:"displayname"`
	Email       string   `yaml:"email"`
	Groups      []string `yaml:"groups"`
	Disabled    bool     `yaml:"disabled"`

	digest algorithm.Digest
}

var errUserNotFound = errors.New("user not found")

// userFile holds the users by name.
type userFile map[string]*user

func openUserFile(path string) (userFile, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("error reading the authentication database: %w", err)
	}
	defer file.Close()
	var parsed struct {
		Users userFile `yaml:"users"`
	}
	decoder := yaml.NewDecoder(file)
	decoder.KnownFields(true)
	if err := decoder.Decode(&parsed); err != nil {
		return nil, fmt.Errorf("error reading the authentication database: could not parse the YAML database: %w", err)
	}
	if len(parsed.Users) == 0 {
		return nil, errors.New("error reading the authentication database: could not validate the schema: users: required")
	}
	for name, user := range parsed.Users {
		if user == nil || user.Password == "" || user.DisplayName == "" {
			return nil, fmt.Errorf("error decoding the authentication database: user '%s': password and displayname are required", name)
		}
		if user.digest, err = decodeDigest(user.Password); err != nil {
			return nil, fmt.Errorf("error decoding the authentication database: user '%s': password: %w", name, err)
		}
		user.Username = name
	}
	return parsed.Users, nil
}

// find returns a user. Disabled ones are not found.
func (f userFile) find(name string) (*user, error) {
	if user, ok := f[name]; ok && !user.Disabled {
		return user, nil
	}
	return nil, errUserNotFound
}

func decodeDigest(text string) (algorithm.Digest, error) {
	decoder, err := crypt.NewDefaultDecoder()
	if err != nil {
		return nil, err
	}
	return decoder.Decode(text)
}

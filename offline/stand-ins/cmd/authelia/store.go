package main

// What outlives a container: second factors, subjects, failed logins, flows, and (in grants.go) the grants. One SQLite
// file at storage.local.path, as Authelia has; its two tables are this stand-in's own. Values are sealed with the
// encryption key, so that a changed key is noticed.

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/google/uuid"
	_ "modernc.org/sqlite"
)

const schema = `
CREATE TABLE IF NOT EXISTS entries (kind TEXT, key TEXT, value BLOB NOT NULL, PRIMARY KEY (kind, key));
CREATE TABLE IF NOT EXISTS grants (
	kind TEXT, signature TEXT, request_id TEXT NOT NULL, active INTEGER NOT NULL, request BLOB NOT NULL,
	PRIMARY KEY (kind, signature));
`

// Kinds of entries.
const (
	kindCheck   = "check"   // tells a changed encryption key
	kindDevice  = "totp"    // by user name
	kindStep    = "step"    // by user name and time step: codes that were used
	kindSubject = "subject" // by user name
	kindFailure = "failure" // by user name
	kindFlow    = "flow"    // by its id
)

var (
	errKey     = errors.New("the configured encryption key does not appear to be valid for this database")
	errNoEntry = errors.New("there is no such entry")
	errNoTOTP  = errors.New("no TOTP configuration for user")
)

type store struct {
	db   *sql.DB
	seal cipher.AEAD
}

// openStore opens or makes the database. The command line does so too while the server runs: hence WAL and the wait.
func openStore(ctx context.Context, path, encryptionKey string) (*store, error) {
	key := sha256.Sum256([]byte(encryptionKey))
	block, err := aes.NewCipher(key[:])
	if err != nil {
		return nil, err
	}
	seal, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, err
	}
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_txlock=immediate")
	if err != nil {
		return nil, err
	}
	s := &store{db, seal}
	if _, err := db.ExecContext(ctx, schema); err != nil {
		return nil, errors.Join(fmt.Errorf("error opening database '%s': %w", path, err), db.Close())
	}
	var checked bool
	if err := s.ensure(ctx, kindCheck, "", true, &checked); err != nil {
		return nil, errors.Join(errKey, err, db.Close())
	}
	return s, nil
}

func (s *store) sealed(value any) ([]byte, error) {
	plain, err := json.Marshal(value)
	return s.seal.Seal(nil, nil, plain, nil), err
}

func (s *store) open(sealed []byte, into any) error {
	plain, err := s.seal.Open(nil, nil, sealed, nil)
	if err != nil {
		return err
	}
	return json.Unmarshal(plain, into)
}

// put saves an entry in the place of an earlier one.
func (s *store) put(ctx context.Context, kind, key string, value any) error {
	sealed, err := s.sealed(value)
	if err != nil {
		return err
	}
	_, err = s.db.ExecContext(ctx, "INSERT OR REPLACE INTO entries VALUES (?, ?, ?)", kind, key, sealed)
	return err
}

// add saves an entry unless there is one, and tells whether it did.
func (s *store) add(ctx context.Context, kind, key string, value any) (added bool, err error) {
	sealed, err := s.sealed(value)
	if err != nil {
		return false, err
	}
	result, err := s.db.ExecContext(ctx, "INSERT OR IGNORE INTO entries VALUES (?, ?, ?)", kind, key, sealed)
	if err != nil {
		return false, err
	}
	rows, err := result.RowsAffected()
	return rows == 1, err
}

// get loads an entry.
func (s *store) get(ctx context.Context, kind, key string, into any) error {
	var sealed []byte
	err := s.db.QueryRowContext(ctx, "SELECT value FROM entries WHERE kind = ? AND key = ?", kind, key).Scan(&sealed)
	if errors.Is(err, sql.ErrNoRows) {
		return errNoEntry
	}
	if err != nil {
		return err
	}
	return s.open(sealed, into)
}

// ensure loads an entry, and makes it first where there is none.
func (s *store) ensure(ctx context.Context, kind, key string, fresh, into any) error {
	if _, err := s.add(ctx, kind, key, fresh); err != nil {
		return err
	}
	return s.get(ctx, kind, key, into)
}

func (s *store) delete(ctx context.Context, kind, key string) error {
	_, err := s.db.ExecContext(ctx, "DELETE FROM entries WHERE kind = ? AND key = ?", kind, key)
	return err
}

// device is the URI of a user's second factor.
func (s *store) device(ctx context.Context, username string) (uri string, err error) {
	err = s.get(ctx, kindDevice, username, &uri)
	if errors.Is(err, errNoEntry) {
		err = errNoTOTP
	}
	return uri, err
}

// devices are the users with a second factor, by name.
func (s *store) devices(ctx context.Context) (usernames []string, err error) {
	rows, err := s.db.QueryContext(ctx, "SELECT key FROM entries WHERE kind = ? ORDER BY key", kindDevice)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var username string
		if err := rows.Scan(&username); err != nil {
			return nil, err
		}
		usernames = append(usernames, username)
	}
	return usernames, rows.Err()
}

// useStep notes that a user's code of a time step was used, and fails where it was before.
func (s *store) useStep(ctx context.Context, username string, step int64) error {
	first, err := s.add(ctx, kindStep, username+"\x00"+strconv.FormatInt(step, 10), true)
	if err == nil && !first {
		err = errors.New("the code was used before")
	}
	return err
}

// subject is the user's "sub": random, and the same for ever.
func (s *store) subject(ctx context.Context, username string) (subject string, err error) {
	err = s.ensure(ctx, kindSubject, username, uuid.NewString(), &subject)
	return subject, err
}

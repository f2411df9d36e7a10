package main

// What outlives a restart: second factors, subjects, consents, bans, and (in grants.go) the grants. One SQLite file at
// storage.local.path, as Authelia has; its tables are this stand-in's own. Secrets in it are sealed with the
// encryption key, so that a changed key is noticed and a copy of the file gives nothing away.

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	_ "modernc.org/sqlite"
)

const schema = `
CREATE TABLE IF NOT EXISTS sealed_check (value BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS totp (
	username TEXT PRIMARY KEY, issuer TEXT NOT NULL, algorithm TEXT NOT NULL, digits INTEGER NOT NULL,
	period INTEGER NOT NULL, secret BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS totp_history (
	username TEXT NOT NULL, step INTEGER NOT NULL, PRIMARY KEY (username, step));
CREATE TABLE IF NOT EXISTS subjects (username TEXT PRIMARY KEY, subject TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS attempts (
	time INTEGER NOT NULL, successful INTEGER NOT NULL, username TEXT NOT NULL, ip TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS bans (mode TEXT NOT NULL, value TEXT NOT NULL, expires INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS consents (
	flow_id TEXT PRIMARY KEY, client_id TEXT NOT NULL, subject TEXT NOT NULL, form TEXT NOT NULL, scopes TEXT NOT NULL,
	requested_at INTEGER NOT NULL, expires_at INTEGER NOT NULL, responded INTEGER NOT NULL, authorized INTEGER NOT NULL,
	granted INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS remembered_consents (
	client_id TEXT NOT NULL, subject TEXT NOT NULL, scopes TEXT NOT NULL, expires_at INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS grants (
	kind TEXT NOT NULL, signature TEXT NOT NULL, request_id TEXT NOT NULL, active INTEGER NOT NULL, request BLOB NOT NULL,
	PRIMARY KEY (kind, signature));
CREATE INDEX IF NOT EXISTS grants_by_request ON grants (request_id);
`

// checkText is what sealed_check holds, to tell a changed encryption key.
const checkText = "the encryption key fits"

var errNoDevice = errors.New("no TOTP configuration for user")

type store struct {
	db   *sql.DB
	seal cipher.AEAD
}

// openStore opens or makes the database. The command line does so too while the server runs: hence WAL and the wait.
func openStore(config storageConfig) (*store, error) {
	key := sha256.Sum256([]byte(config.EncryptionKey))
	block, err := aes.NewCipher(key[:])
	if err != nil {
		return nil, err
	}
	seal, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	pragmas := url.Values{"_pragma": {"busy_timeout(10000)", "journal_mode(WAL)"}, "_txlock": {"immediate"}}
	db, err := sql.Open("sqlite", "file:"+config.Local.Path+"?"+pragmas.Encode())
	if err != nil {
		return nil, err
	}
	s := &store{db, seal}
	if _, err := db.Exec(schema); err != nil {
		return nil, errors.Join(fmt.Errorf("error opening database '%s': %w", config.Local.Path, err), db.Close())
	}
	if err := s.checkKey(); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return s, nil
}

func (s *store) checkKey() error {
	var sealed []byte
	switch err := s.db.QueryRow("SELECT value FROM sealed_check").Scan(&sealed); {
	case errors.Is(err, sql.ErrNoRows):
		_, err := s.db.Exec("INSERT INTO sealed_check VALUES (?)", s.sealed([]byte(checkText)))
		return err
	case err != nil:
		return err
	}
	if _, err := s.opened(sealed); err != nil {
		return errors.New("the configured encryption key does not appear to be valid for this database which may occur if " +
			"the encryption key was changed in the configuration without using the cli to change it in the database")
	}
	return nil
}

func (s *store) sealed(plain []byte) []byte {
	nonce := make([]byte, s.seal.NonceSize())
	rand.Read(nonce)
	return s.seal.Seal(nonce, nonce, plain, nil)
}

func (s *store) opened(sealed []byte) ([]byte, error) {
	size := s.seal.NonceSize()
	if len(sealed) < size {
		return nil, errors.New("a sealed value is too short")
	}
	return s.seal.Open(nil, sealed[:size], sealed[size:], nil)
}

// device is a user's second factor.
type device struct {
	Issuer, Algorithm, Secret string
	Digits, Period            int
}

func (s *store) device(ctx context.Context, username string) (*device, error) {
	var d device
	var sealed []byte
	err := s.db.QueryRowContext(ctx, "SELECT issuer, algorithm, digits, period, secret FROM totp WHERE username = ?", username).
		Scan(&d.Issuer, &d.Algorithm, &d.Digits, &d.Period, &sealed)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, errNoDevice
	}
	if err != nil {
		return nil, err
	}
	secret, err := s.opened(sealed)
	d.Secret = string(secret)
	return &d, err
}

// devices are those of all users, by user name.
func (s *store) devices(ctx context.Context) (map[string]*device, error) {
	rows, err := s.db.QueryContext(ctx, "SELECT username FROM totp")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	devices := map[string]*device{}
	for rows.Next() {
		var username string
		if err := rows.Scan(&username); err != nil {
			return nil, err
		}
		devices[username] = nil
	}
	for username := range devices {
		if devices[username], err = s.device(ctx, username); err != nil {
			return nil, err
		}
	}
	return devices, rows.Err()
}

func (s *store) saveDevice(ctx context.Context, username string, d device) error {
	_, err := s.db.ExecContext(ctx, "INSERT OR REPLACE INTO totp VALUES (?, ?, ?, ?, ?, ?)",
		username, d.Issuer, d.Algorithm, d.Digits, d.Period, s.sealed([]byte(d.Secret)))
	return err
}

func (s *store) deleteDevice(ctx context.Context, username string) error {
	_, err := s.db.ExecContext(ctx, "DELETE FROM totp WHERE username = ?", username)
	return err
}

// useStep notes that a user's code of a time step was used, and tells whether that is the first time.
func (s *store) useStep(ctx context.Context, username string, step int64) (first bool, err error) {
	result, err := s.db.ExecContext(ctx, "INSERT OR IGNORE INTO totp_history VALUES (?, ?)", username, step)
	if err != nil {
		return false, err
	}
	rows, err := result.RowsAffected()
	return rows == 1, err
}

// subject is the user's "sub": random, and the same for ever.
func (s *store) subject(ctx context.Context, username string) (subject string, err error) {
	if _, err := s.db.ExecContext(ctx, "INSERT OR IGNORE INTO subjects VALUES (?, ?)", username, uuid.NewString()); err != nil {
		return "", err
	}
	err = s.db.QueryRowContext(ctx, "SELECT subject FROM subjects WHERE username = ?", username).Scan(&subject)
	return subject, err
}

// username is the user whose subject this is.
func (s *store) username(ctx context.Context, subject string) (username string, err error) {
	err = s.db.QueryRowContext(ctx, "SELECT username FROM subjects WHERE subject = ?", subject).Scan(&username)
	return username, err
}

// isBanned tells whether a user or an address is banned now.
func (s *store) isBanned(ctx context.Context, username, ip string) (bool, error) {
	var count int
	err := s.db.QueryRowContext(ctx, `SELECT COUNT(*) FROM bans
		WHERE expires > ? AND (mode = 'user' AND value = ? OR mode = 'ip' AND value = ?)`,
		time.Now().UnixMilli(), username, ip).Scan(&count)
	return count > 0, err
}

// noteAttempt records a first factor's result and bans where the regulation's limit is reached.
func (s *store) noteAttempt(ctx context.Context, config regulationConfig, successful bool, username, ip string) error {
	now := time.Now()
	if _, err := s.db.ExecContext(ctx, "INSERT INTO attempts VALUES (?, ?, ?, ?)",
		now.UnixMilli(), successful, username, ip); err != nil {
		return err
	}
	if successful || *config.MaxRetries <= 0 {
		return nil
	}
	for _, mode := range config.Modes {
		column, value := "username", username
		if mode == "ip" {
			column, value = "ip", ip
		}
		// Failures since the last success, within the time in which they count.
		var failures int
		query := fmt.Sprintf(`SELECT COUNT(*) FROM attempts WHERE %[1]s = ? AND NOT successful AND time >= ? AND time >
			(SELECT COALESCE(MAX(time), 0) FROM attempts WHERE %[1]s = ? AND successful)`, column)
		if err := s.db.QueryRowContext(ctx, query, value, now.Add(-config.FindTime).UnixMilli(), value).Scan(&failures); err != nil {
			return err
		}
		if value != "" && failures >= *config.MaxRetries {
			if _, err := s.db.ExecContext(ctx, "INSERT INTO bans VALUES (?, ?, ?)",
				mode, value, now.Add(config.BanTime).UnixMilli()); err != nil {
				return err
			}
		}
	}
	return nil
}

// consent is one authorization request on its way through login and consent ("flow").
type consent struct {
	FlowID, ClientID string
	// Subject is empty until a user who may use the client answers.
	Subject     string
	Form        url.Values
	Scopes      []string
	RequestedAt time.Time
	ExpiresAt   time.Time
	Responded   bool
	Authorized  bool
	Granted     bool
}

// canGrant tells whether a code can still come of it.
func (c *consent) canGrant() bool {
	return !c.Granted && time.Now().Before(c.ExpiresAt)
}

func (s *store) saveConsent(ctx context.Context, c *consent) error {
	_, err := s.db.ExecContext(ctx, "INSERT OR REPLACE INTO consents VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
		c.FlowID, c.ClientID, c.Subject, c.Form.Encode(), strings.Join(c.Scopes, " "), c.RequestedAt.UnixMilli(),
		c.ExpiresAt.UnixMilli(), c.Responded, c.Authorized, c.Granted)
	return err
}

func (s *store) consent(ctx context.Context, flowID string) (*consent, error) {
	c := consent{FlowID: flowID}
	var form, scopes string
	var requested, expires int64
	err := s.db.QueryRowContext(ctx, `SELECT client_id, subject, form, scopes, requested_at, expires_at, responded, authorized,
		granted FROM consents WHERE flow_id = ?`, flowID).
		Scan(&c.ClientID, &c.Subject, &form, &scopes, &requested, &expires, &c.Responded, &c.Authorized, &c.Granted)
	if err != nil {
		return nil, err
	}
	c.Scopes = strings.Fields(scopes)
	c.RequestedAt, c.ExpiresAt = time.UnixMilli(requested), time.UnixMilli(expires)
	c.Form, err = url.ParseQuery(form)
	return &c, err
}

func (s *store) rememberConsent(ctx context.Context, clientID, subject string, scopes []string, lasts time.Duration) error {
	_, err := s.db.ExecContext(ctx, "INSERT INTO remembered_consents VALUES (?, ?, ?, ?)",
		clientID, subject, canonicalScopes(scopes), time.Now().Add(lasts).UnixMilli())
	return err
}

// isConsentRemembered tells whether the user has agreed to exactly these scopes for this client and said to remember it.
func (s *store) isConsentRemembered(ctx context.Context, clientID, subject string, scopes []string) (bool, error) {
	var count int
	err := s.db.QueryRowContext(ctx, `SELECT COUNT(*) FROM remembered_consents
		WHERE client_id = ? AND subject = ? AND scopes = ? AND expires_at > ?`,
		clientID, subject, canonicalScopes(scopes), time.Now().UnixMilli()).Scan(&count)
	return count > 0, err
}

// canonicalScopes is one text for one set of scopes.
func canonicalScopes(scopes []string) string {
	sorted := slices.Clone(scopes)
	slices.Sort(sorted)
	return strings.Join(slices.Compact(sorted), " ")
}

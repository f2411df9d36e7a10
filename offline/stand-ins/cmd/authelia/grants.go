package main

// Grants (codes, PKCE challenges, access and refresh tokens) in the database: fosite's storage interfaces.

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/url"
	"time"

	"github.com/ory/fosite"
	"github.com/ory/fosite/handler/oauth2"
	"github.com/ory/fosite/handler/openid"
	"github.com/ory/fosite/token/jwt"
)

const (
	kindCode    = "code"
	kindOpenID  = "openid"
	kindPKCE    = "pkce"
	kindAccess  = "access"
	kindRefresh = "refresh"
)

// grantSession is what a grant remembers of the login behind it.
type grantSession struct {
	*openid.DefaultSession
	ClientID string
	// AccessClaims go into signed access tokens besides the standard ones.
	AccessClaims map[string]any
	// KeyID names the key that signs.
	KeyID string
}

var _ oauth2.JWTSessionContainer = (*grantSession)(nil)

func newGrantSession() *grantSession {
	return &grantSession{DefaultSession: openid.NewDefaultSession()}
}

// Clone copies by way of JSON, which is how the session is stored anyway.
func (s *grantSession) Clone() fosite.Session {
	encoded, err := json.Marshal(s)
	if err != nil {
		panic(err) // a session is made of strings and times
	}
	copied := newGrantSession()
	if err := json.Unmarshal(encoded, copied); err != nil {
		panic(err)
	}
	return copied
}

// GetJWTHeader is the header of a signed access token (RFC 9068).
func (s *grantSession) GetJWTHeader() *jwt.Headers {
	return &jwt.Headers{Extra: map[string]any{"typ": "at+jwt", "kid": s.KeyID}}
}

// GetJWTClaims are the claims of a signed access token.
func (s *grantSession) GetJWTClaims() jwt.JWTClaimsContainer {
	claims := &jwt.JWTClaims{
		Issuer:    s.Claims.Issuer,
		Subject:   s.Subject,
		IssuedAt:  time.Now().UTC(),
		NotBefore: time.Now().UTC(),
		Extra:     map[string]any{"client_id": s.ClientID},
	}
	for name, value := range s.AccessClaims {
		claims.Extra[name] = value
	}
	return claims
}

// grantStore implements the storage that fosite's handlers ask for.
type grantStore struct {
	*store
	clients map[string]*client
}

// storedRequest is a fosite request as it lies, sealed, in the database.
type storedRequest struct {
	ID                string
	RequestedAt       time.Time
	ClientID          string
	RequestedScopes   []string
	GrantedScopes     []string
	RequestedAudience []string
	GrantedAudience   []string
	Form              url.Values
	Session           *grantSession
}

// hashed is what is stored of a signature, which for some kinds is the whole code.
func hashed(signature string) string {
	sum := sha256.Sum256([]byte(signature))
	return hex.EncodeToString(sum[:])
}

func (g *grantStore) create(ctx context.Context, kind, signature string, request fosite.Requester) error {
	session, ok := request.GetSession().(*grantSession)
	if !ok {
		return errors.New("a request's session is not of this server")
	}
	encoded, err := json.Marshal(storedRequest{
		request.GetID(), request.GetRequestedAt(), request.GetClient().GetID(), request.GetRequestedScopes(),
		request.GetGrantedScopes(), request.GetRequestedAudience(), request.GetGrantedAudience(),
		request.GetRequestForm(), session,
	})
	if err != nil {
		return err
	}
	_, err = g.db.ExecContext(ctx, "INSERT INTO grants VALUES (?, ?, ?, 1, ?)",
		kind, hashed(signature), request.GetID(), g.sealed(encoded))
	return err
}

// get loads a request; with it, if it is no longer active, comes the error given for that.
func (g *grantStore) get(ctx context.Context, kind, signature string, inactive error) (fosite.Requester, error) {
	var active bool
	var sealed []byte
	err := g.db.QueryRowContext(ctx, "SELECT active, request FROM grants WHERE kind = ? AND signature = ?", kind, hashed(signature)).
		Scan(&active, &sealed)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, fosite.ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	encoded, err := g.opened(sealed)
	if err != nil {
		return nil, err
	}
	stored := storedRequest{Session: newGrantSession()}
	if err := json.Unmarshal(encoded, &stored); err != nil {
		return nil, err
	}
	client, ok := g.clients[stored.ClientID]
	if !ok {
		return nil, fosite.ErrNotFound
	}
	request := &fosite.Request{
		ID: stored.ID, RequestedAt: stored.RequestedAt, Client: client, RequestedScope: stored.RequestedScopes,
		GrantedScope: stored.GrantedScopes, RequestedAudience: stored.RequestedAudience,
		GrantedAudience: stored.GrantedAudience, Form: stored.Form, Session: stored.Session,
	}
	if !active {
		return request, inactive
	}
	return request, nil
}

func (g *grantStore) deactivate(ctx context.Context, kind, signature string) error {
	_, err := g.db.ExecContext(ctx, "UPDATE grants SET active = 0 WHERE kind = ? AND signature = ?", kind, hashed(signature))
	return err
}

func (g *grantStore) revoke(ctx context.Context, kind, requestID string) error {
	_, err := g.db.ExecContext(ctx, "UPDATE grants SET active = 0 WHERE kind = ? AND request_id = ?", kind, requestID)
	return err
}

// GetClient finds a registered client.
func (g *grantStore) GetClient(_ context.Context, id string) (fosite.Client, error) {
	client, ok := g.clients[id]
	if !ok {
		return nil, fosite.ErrNotFound
	}
	return client, nil
}

// ClientAssertionJWTValid refuses: clients do not authenticate by assertions here.
func (g *grantStore) ClientAssertionJWTValid(context.Context, string) error {
	return fosite.ErrInvalidClient
}

// SetClientAssertionJWT refuses: clients do not authenticate by assertions here.
func (g *grantStore) SetClientAssertionJWT(context.Context, string, time.Time) error {
	return fosite.ErrInvalidClient
}

func (g *grantStore) CreateAuthorizeCodeSession(ctx context.Context, code string, request fosite.Requester) error {
	return g.create(ctx, kindCode, code, request)
}

func (g *grantStore) GetAuthorizeCodeSession(ctx context.Context, code string, _ fosite.Session) (fosite.Requester, error) {
	request, err := g.get(ctx, kindCode, code, fosite.ErrInvalidatedAuthorizeCode)
	if err == nil && request.GetSession().GetExpiresAt(fosite.AuthorizeCode).Before(time.Now()) {
		return nil, fosite.ErrNotFound // which answers invalid_grant; fosite's own check comes late and answers otherwise
	}
	return request, err
}

func (g *grantStore) InvalidateAuthorizeCodeSession(ctx context.Context, code string) error {
	return g.deactivate(ctx, kindCode, code)
}

func (g *grantStore) CreatePKCERequestSession(ctx context.Context, code string, request fosite.Requester) error {
	return g.create(ctx, kindPKCE, code, request)
}

func (g *grantStore) GetPKCERequestSession(ctx context.Context, code string, _ fosite.Session) (fosite.Requester, error) {
	return g.get(ctx, kindPKCE, code, fosite.ErrNotFound)
}

func (g *grantStore) DeletePKCERequestSession(ctx context.Context, code string) error {
	return g.deactivate(ctx, kindPKCE, code)
}

func (g *grantStore) CreateOpenIDConnectSession(ctx context.Context, code string, request fosite.Requester) error {
	return g.create(ctx, kindOpenID, code, request)
}

func (g *grantStore) GetOpenIDConnectSession(
	ctx context.Context, code string, _ fosite.Requester,
) (fosite.Requester, error) {
	return g.get(ctx, kindOpenID, code, openid.ErrNoSessionFound)
}

func (g *grantStore) DeleteOpenIDConnectSession(ctx context.Context, code string) error {
	return g.deactivate(ctx, kindOpenID, code)
}

func (g *grantStore) CreateAccessTokenSession(ctx context.Context, signature string, request fosite.Requester) error {
	return g.create(ctx, kindAccess, signature, request)
}

func (g *grantStore) GetAccessTokenSession(
	ctx context.Context, signature string, _ fosite.Session,
) (fosite.Requester, error) {
	return g.get(ctx, kindAccess, signature, fosite.ErrInactiveToken)
}

func (g *grantStore) DeleteAccessTokenSession(ctx context.Context, signature string) error {
	return g.deactivate(ctx, kindAccess, signature)
}

func (g *grantStore) RevokeAccessToken(ctx context.Context, requestID string) error {
	return g.revoke(ctx, kindAccess, requestID)
}

func (g *grantStore) CreateRefreshTokenSession(
	ctx context.Context, signature, _ string, request fosite.Requester,
) error {
	return g.create(ctx, kindRefresh, signature, request)
}

func (g *grantStore) GetRefreshTokenSession(
	ctx context.Context, signature string, _ fosite.Session,
) (fosite.Requester, error) {
	return g.get(ctx, kindRefresh, signature, fosite.ErrInactiveToken)
}

func (g *grantStore) DeleteRefreshTokenSession(ctx context.Context, signature string) error {
	return g.deactivate(ctx, kindRefresh, signature)
}

func (g *grantStore) RevokeRefreshToken(ctx context.Context, requestID string) error {
	return g.revoke(ctx, kindRefresh, requestID)
}

// RotateRefreshToken ends what came before of the same login: its refresh token and its access token.
func (g *grantStore) RotateRefreshToken(ctx context.Context, requestID, _ string) error {
	return errors.Join(g.revoke(ctx, kindRefresh, requestID), g.revoke(ctx, kindAccess, requestID))
}

package main

// Grants (codes, PKCE challenges, access and refresh tokens) in the database: fosite's storage interfaces.

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"time"

	"github.com/mohae/deepcopy"
	"github.com/ory/fosite"
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
}

func emptyGrantSession() *grantSession {
	return &grantSession{openid.NewDefaultSession()}
}

// newGrantSession is what a code remembers of the login it came from. Since 4.39 an ID token carries no attributes of a user
// unless the client has a claims policy, which ours have not.
func (s *server) newGrantSession(subject string, f *flow, l login) *grantSession {
	session := emptyGrantSession()
	session.Subject, session.Username = subject, l.Username
	session.Claims = &jwt.IDTokenClaims{
		Issuer: s.issuer.String(), Subject: subject, Nonce: f.Form.Get("nonce"), RequestedAt: f.RequestedAt,
		AuthTime: l.authenticated().UTC(), AuthenticationMethodsReferences: l.methods(),
		Extra: map[string]any{"azp": f.ClientID},
	}
	session.Headers.Add("kid", s.provider.key.KeyID)
	return session
}

// Clone makes a copy that shares nothing.
func (s *grantSession) Clone() fosite.Session {
	return deepcopy.Copy(s).(*grantSession)
}

// GetJWTHeader is the header of a signed access token (RFC 9068).
func (s *grantSession) GetJWTHeader() *jwt.Headers {
	return &jwt.Headers{Extra: map[string]any{"typ": "at+jwt", "kid": s.Headers.Get("kid")}}
}

// GetJWTClaims are the claims of a signed access token.
func (s *grantSession) GetJWTClaims() jwt.JWTClaimsContainer {
	now := time.Now().UTC()
	return &jwt.JWTClaims{
		Issuer: s.Claims.Issuer, Subject: s.Subject, IssuedAt: now, NotBefore: now,
		Extra: map[string]any{"client_id": s.Claims.Extra["azp"]},
	}
}

// grantStore implements the storage that fosite's handlers ask for.
type grantStore struct {
	*store
	clients map[string]*client
}

// hashed is what is stored of a signature, which for some kinds is the whole code.
func hashed(signature string) string {
	sum := sha256.Sum256([]byte(signature))
	return hex.EncodeToString(sum[:])
}

func (g *grantStore) create(ctx context.Context, kind, signature string, request fosite.Requester) error {
	sealed, err := g.sealed(request)
	if err != nil {
		return err
	}
	_, err = g.db.ExecContext(ctx, "INSERT INTO grants VALUES (?, ?, ?, 1, ?)", kind, hashed(signature), request.GetID(), sealed)
	return err
}

// find loads a request; with it, if it is no longer active, comes the error given for that.
func (g *grantStore) find(ctx context.Context, kind, signature string, inactive error) (fosite.Requester, error) {
	var active bool
	var sealed []byte
	const query = "SELECT active, request FROM grants WHERE kind = ? AND signature = ?"
	err := g.db.QueryRowContext(ctx, query, kind, hashed(signature)).Scan(&active, &sealed)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, fosite.ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	// Of the client only the id is of interest: what it may do stands in the configuration.
	request := &fosite.Request{Client: &fosite.DefaultClient{}, Session: emptyGrantSession()}
	if err := g.open(sealed, request); err != nil {
		return nil, err
	}
	if request.Client, err = g.GetClient(ctx, request.Client.GetID()); err != nil {
		return nil, err
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
	if client, ok := g.clients[id]; ok {
		return client, nil
	}
	return nil, fosite.ErrNotFound
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
	request, err := g.find(ctx, kindCode, code, fosite.ErrInvalidatedAuthorizeCode)
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
	return g.find(ctx, kindPKCE, code, fosite.ErrNotFound)
}

func (g *grantStore) DeletePKCERequestSession(ctx context.Context, code string) error {
	return g.deactivate(ctx, kindPKCE, code)
}

func (g *grantStore) CreateOpenIDConnectSession(ctx context.Context, code string, request fosite.Requester) error {
	return g.create(ctx, kindOpenID, code, request)
}

func (g *grantStore) GetOpenIDConnectSession(ctx context.Context, code string, _ fosite.Requester) (fosite.Requester, error) {
	return g.find(ctx, kindOpenID, code, openid.ErrNoSessionFound)
}

func (g *grantStore) DeleteOpenIDConnectSession(ctx context.Context, code string) error {
	return g.deactivate(ctx, kindOpenID, code)
}

func (g *grantStore) CreateAccessTokenSession(ctx context.Context, signature string, request fosite.Requester) error {
	return g.create(ctx, kindAccess, signature, request)
}

func (g *grantStore) GetAccessTokenSession(ctx context.Context, signature string, _ fosite.Session) (fosite.Requester, error) {
	return g.find(ctx, kindAccess, signature, fosite.ErrInactiveToken)
}

func (g *grantStore) DeleteAccessTokenSession(ctx context.Context, signature string) error {
	return g.deactivate(ctx, kindAccess, signature)
}

func (g *grantStore) RevokeAccessToken(ctx context.Context, requestID string) error {
	return g.revoke(ctx, kindAccess, requestID)
}

func (g *grantStore) CreateRefreshTokenSession(ctx context.Context, signature, _ string, request fosite.Requester) error {
	return g.create(ctx, kindRefresh, signature, request)
}

func (g *grantStore) GetRefreshTokenSession(ctx context.Context, signature string, _ fosite.Session) (fosite.Requester, error) {
	return g.find(ctx, kindRefresh, signature, fosite.ErrInactiveToken)
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

package main

// The authorization endpoint and consent: from a relying party's request over login and consent to a code.
// Source: internal/handlers/handler_oauth2_authorization*.go and handler_oauth2_consent.go of 4.39.20.

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/google/uuid"
	"github.com/ory/fosite"
)

const (
	pathLogin         = "/"
	pathDecision      = "/consent/openid/decision"
	pathAuthorization = "/api/oidc/authorization"

	// How long a flow may take.
	flowLasts = 10 * time.Minute
)

var (
	errDenied     = fosite.ErrAccessDenied.WithHint("The user was denied access to this client.")
	errFlowLookup = fosite.ErrServerError.WithHint("Failed to lookup the consent session.")
)

// flow is one authorization request on its way through login and consent.
type flow struct {
	ID, ClientID string
	// Username is empty until somebody who may use the client answers.
	Username    string
	Form        url.Values
	Scopes      []string
	RequestedAt time.Time
	Authorized  bool
	// Granted is set once a code came of it; there is only one.
	Granted bool
}

func (f *flow) responded() bool { return f.Username != "" }

// openFlow finds a flow that still waits for an answer.
func (s *server) openFlow(ctx context.Context, id string) (*flow, error) {
	found, err := s.usableFlow(ctx, id)
	if err == nil && found.responded() {
		err = errors.New("the flow has been answered")
	}
	return found, err
}

// usableFlow finds a flow of which a code can still come.
func (s *server) usableFlow(ctx context.Context, id string) (*flow, error) {
	var found flow
	err := s.store.get(ctx, kindFlow, id, &found)
	if err == nil && (found.Granted || time.Since(found.RequestedAt) > flowLasts || s.provider.clients[found.ClientID] == nil) {
		err = errors.New("the flow is over")
	}
	return &found, err
}

func (s *server) saveFlow(ctx context.Context, f *flow) error {
	return s.store.put(ctx, kindFlow, f.ID, f)
}

// policy is what a flow's client wants of somebody who has signed in.
func (s *server) policy(f *flow, l login) string {
	user, err := s.users.find(l.Username)
	if err != nil {
		return deny
	}
	return s.provider.clients[f.ClientID].requiredPolicy(user.Groups)
}

// pageFor is the portal's page for what a flow still needs.
func (s *server) pageFor(path string, f *flow) string {
	target := s.issuer.JoinPath(path)
	target.RawQuery = url.Values{"flow": {"openid_connect"}, "flow_id": {f.ID}}.Encode()
	return target.String()
}

// resumption is the original request's URL with the flow's id.
func (s *server) resumption(f *flow) string {
	target := s.issuer.JoinPath(pathAuthorization)
	f.Form.Set("consent_id", f.ID)
	target.RawQuery = f.Form.Encode()
	return target.String()
}

func (s *server) authorization(w http.ResponseWriter, r *http.Request) {
	marked := &issuerMark{w, s.issuer.String()}
	request, err := s.provider.NewAuthorizeRequest(r.Context(), r)
	if err == nil {
		err = s.proceed(marked, r, request)
	}
	if err != nil {
		logFailure("Authorization Request failed", err)
		s.provider.WriteAuthorizeError(r.Context(), marked, request, err)
	}
}

func logFailure(what string, err error) {
	slog.Error(what, "error", fosite.ErrorToRFC6749Error(err).WithExposeDebug(true).GetDescription())
}

// issuerMark adds the issuer to every redirect to a relying party (RFC 9207); parameters go into the query here.
type issuerMark struct {
	http.ResponseWriter
	issuer string
}

func (m *issuerMark) WriteHeader(status int) {
	if target, err := url.Parse(m.Header().Get("Location")); err == nil && status == http.StatusSeeOther {
		values := target.Query()
		values.Set("iss", m.issuer)
		target.RawQuery = values.Encode()
		m.Header().Set("Location", target.String())
	}
	m.ResponseWriter.WriteHeader(status)
}

// proceed takes the request one step on: to the login, to the consent, or to the code.
func (s *server) proceed(w http.ResponseWriter, r *http.Request, request fosite.AuthorizeRequester) error {
	l := s.login(r)
	if id := r.URL.Query().Get("consent_id"); id != "" {
		return s.resume(w, r, request, l, id)
	}
	fresh := &flow{
		ID: uuid.NewString(), ClientID: request.GetClient().GetID(), Form: request.GetRequestForm(),
		Scopes: request.GetRequestedScopes(), RequestedAt: time.Now().UTC(),
	}
	page := pathLogin
	if l.level() > 0 {
		policy := s.policy(fresh, l)
		if policy == deny {
			return errDenied
		}
		if l.suffices(policy) {
			page = pathDecision
		}
	}
	if request.GetRequestForm().Get("prompt") == "none" {
		return fosite.ErrLoginRequired // consent is asked for each time
	}
	if err := s.saveFlow(r.Context(), fresh); err != nil {
		return fosite.ErrServerError.WithWrap(err)
	}
	http.Redirect(w, r, s.pageFor(page, fresh), http.StatusFound)
	return nil
}

// resume goes on where login or consent sent the browser back with the flow's id.
func (s *server) resume(w http.ResponseWriter, r *http.Request, request fosite.AuthorizeRequester, l login, id string) error {
	found, err := s.usableFlow(r.Context(), id)
	if err != nil || found.ClientID != request.GetClient().GetID() || found.responded() && found.Username != l.Username {
		return errFlowLookup.WithWrap(err)
	}
	switch policy := s.policy(found, l); {
	case policy == deny && l.level() > 0:
		return errDenied
	case !l.suffices(policy):
		http.Redirect(w, r, s.pageFor(pathLogin, found), http.StatusFound)
		return nil
	case !found.responded():
		http.Redirect(w, r, s.pageFor(pathDecision, found), http.StatusFound)
		return nil
	case !found.Authorized:
		return fosite.ErrAccessDenied
	}
	return s.issueCode(w, r, request, found, l)
}

// issueCode ends a flow: the relying party gets its code.
func (s *server) issueCode(w http.ResponseWriter, r *http.Request, request fosite.AuthorizeRequester, f *flow, l login) error {
	for _, scope := range f.Scopes {
		request.GrantScope(scope)
	}
	subject, err := s.store.subject(r.Context(), l.Username)
	if err != nil {
		return fosite.ErrServerError.WithWrap(err)
	}
	response, err := s.provider.NewAuthorizeResponse(r.Context(), request, s.newGrantSession(subject, f, l))
	if err != nil {
		return err
	}
	f.Granted = true
	if err := s.saveFlow(r.Context(), f); err != nil {
		return fosite.ErrServerError.WithWrap(err)
	}
	s.provider.WriteAuthorizeResponse(r.Context(), w, request, response)
	return nil
}

// consentFlow is a flow that waits for an answer, for somebody who may answer it.
func (s *server) consentFlow(r *http.Request, id string) (*flow, error) {
	found, err := s.openFlow(r.Context(), id)
	if l := s.login(r); err == nil && !l.suffices(s.policy(found, l)) {
		err = errors.New("the user is not sufficiently authenticated")
	}
	return found, err
}

func (s *server) showConsent(w http.ResponseWriter, r *http.Request) {
	found, err := s.consentFlow(r, r.URL.Query().Get("flow_id"))
	if err != nil {
		fail(w, "Error occurred performing consent", err)
		return
	}
	replyBody(w, map[string]any{
		"client_id": found.ClientID, "client_description": s.provider.clients[found.ClientID].name, "scopes": found.Scopes,
		"pre_configuration": false,
	})
}

func (s *server) answerConsent(w http.ResponseWriter, r *http.Request) {
	var body struct {
		FlowID   string `json:"flow_id"`
		ClientID string `json:"client_id"`
		Consent  bool   `json:"consent"`
	}
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		fail(w, "Error occurred unmarshaling consent request body", err)
		return
	}
	found, err := s.consentFlow(r, body.FlowID)
	if err == nil && found.ClientID != body.ClientID {
		err = errors.New("the client id of the form and of the consent session do not match")
	}
	if err == nil {
		found.Username, found.Authorized = s.login(r).Username, body.Consent
		err = s.saveFlow(r.Context(), found)
	}
	if err != nil {
		fail(w, "Error occurred performing consent", err)
		return
	}
	replyBody(w, map[string]any{"redirect_uri": s.resumption(found)})
}

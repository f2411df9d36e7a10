package main

// The authorization endpoint and consent: from a relying party's request over login and consent to a code.
// Source: internal/handlers/handler_oauth2_authorization*.go and handler_oauth2_consent.go of 4.39.20.

import (
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/ory/fosite"
)

const (
	flowOpenIDConnect = "openid_connect"
	pathDecision      = "/consent/openid/decision"
	pathAuthorization = "/api/oidc/authorization"

	// How long a flow may take.
	flowLasts = 10 * time.Minute
)

var (
	errDenied        = fosite.ErrAccessDenied.WithHint("The user was denied access to this client.")
	errConsentLookup = fosite.ErrServerError.WithHint("Failed to lookup the consent session.")
	errConsentCannot = fosite.ErrServerError.WithHint("Could not perform consent.")
)

// authorization is the handling of one request.
type authorization struct {
	*server
	w       http.ResponseWriter
	r       *http.Request
	issuer  *url.URL
	request fosite.AuthorizeRequester
	client  *client
	login   login
	user    *user // nil without a login
}

func (s *server) authorization(w http.ResponseWriter, r *http.Request) {
	issuer, err := s.issuer(r)
	if err != nil {
		slog.Error("Authorization Request could not be processed", "error", err)
		http.Error(w, "500 Internal Server Error", http.StatusInternalServerError)
		return
	}
	if r.Method == http.MethodPost {
		// A GET carries the session cookie, which SameSite keeps from a POST of another site.
		if err := r.ParseForm(); err != nil {
			replyError(w, fosite.ErrInvalidRequest)
			return
		}
		target := issuer.JoinPath(pathAuthorization)
		target.RawQuery = r.Form.Encode()
		http.Redirect(w, r, target.String(), http.StatusFound)
		return
	}
	marked := &issuerMark{ResponseWriter: w, issuer: issuer.String()}
	a := &authorization{server: s, w: marked, r: r, issuer: issuer}
	a.request, err = s.provider.NewAuthorizeRequest(r.Context(), r)
	if err != nil {
		a.fail(err)
		return
	}
	a.client = a.request.GetClient().(*client)
	if a.login = s.login(r); a.login.username != "" {
		if a.user, err = s.users.find(a.login.username); err != nil {
			a.fail(fosite.ErrServerError.WithWrap(err))
			return
		}
	}
	if err := a.proceed(); err != nil {
		a.fail(err)
	}
}

// issuerMark adds the issuer to every redirect to a relying party (RFC 9207).
type issuerMark struct {
	http.ResponseWriter
	issuer string
}

func (m *issuerMark) WriteHeader(status int) {
	if location := m.Header().Get("Location"); status == http.StatusSeeOther && location != "" {
		if target, err := url.Parse(location); err == nil {
			parameters := &target.RawQuery
			if target.Fragment != "" {
				parameters = &target.Fragment
			}
			if values, err := url.ParseQuery(*parameters); err == nil {
				values.Set("iss", m.issuer)
				*parameters = values.Encode()
				m.Header().Set("Location", target.String())
			}
		}
	}
	m.ResponseWriter.WriteHeader(status)
}

// fail tells the relying party; where there is no valid redirect URI to tell it by, the portal's page tells the person.
func (a *authorization) fail(err error) {
	failure := fosite.ErrorToRFC6749Error(err)
	slog.Error("Authorization Request failed", "error", failure.WithExposeDebug(true).GetDescription())
	if !a.request.IsRedirectURIValid() {
		target := a.issuer.JoinPath("/consent/completion")
		target.RawQuery = url.Values{
			"error": {failure.ErrorField}, "error_description": {failure.DescriptionField}, "error_hint": {failure.HintField},
			"error_status_code": {strconv.Itoa(failure.CodeField)},
		}.Encode()
		http.Redirect(a.w, a.r, target.String(), http.StatusFound)
		return
	}
	a.provider.WriteAuthorizeError(a.r.Context(), a.w, a.request, err)
}

// proceed takes the request one step on: to the login, to the consent, or to the code.
func (a *authorization) proceed() error {
	prompts := spaced(a.request.GetRequestForm(), "prompt")
	if a.user == nil {
		if slices.Equal(prompts, []string{"none"}) {
			return fosite.ErrLoginRequired
		}
		return a.startFlow()
	}
	policy := a.client.requiredPolicy(a.user.Username, a.user.Groups, remoteIP(a.r))
	if policy == deny {
		return errDenied
	}
	if !a.login.level().suffices(policy) {
		return a.startFlow()
	}
	subject, err := a.store.subject(a.r.Context(), a.user.Username)
	if err != nil {
		return fosite.ErrServerError.WithWrap(err)
	}
	mode := a.client.ConsentMode
	if requiresExplicitConsent(a.request.GetRequestedScopes(), prompts) {
		mode = consentExplicit
	}
	if id := a.r.URL.Query().Get("consent_id"); id != "" {
		return a.resumeFlow(id, mode, subject)
	}
	agreed, err := a.isAgreed(mode, subject)
	switch {
	case err != nil:
		return err
	case agreed:
		flow := a.newFlow()
		flow.Subject, flow.Responded, flow.Authorized = subject, true, true
		if requiresLogin(flow.Form, flow.RequestedAt, a.login.authenticated()) {
			return a.askFor(flow)
		}
		return a.issueCode(flow)
	case mode == consentPreConfigured && slices.Contains(prompts, "none"):
		return fosite.ErrConsentRequired
	}
	return a.startFlow()
}

// isAgreed tells whether no consent has to be asked for.
func (a *authorization) isAgreed(mode, subject string) (bool, error) {
	switch mode {
	case consentImplicit:
		return true, nil
	case consentPreConfigured:
		agreed, err := a.store.isConsentRemembered(a.r.Context(), a.client.ClientID, subject, a.request.GetRequestedScopes())
		if err != nil {
			return false, errConsentLookup.WithWrap(err)
		}
		return agreed, nil
	}
	return false, nil
}

func (a *authorization) newFlow() *consent {
	now := time.Now()
	return &consent{
		FlowID: uuid.NewString(), ClientID: a.client.ClientID, Form: a.request.GetRequestForm(),
		Scopes: a.request.GetRequestedScopes(), RequestedAt: now, ExpiresAt: now.Add(flowLasts),
	}
}

// startFlow remembers the request and sends the browser to the login or the consent page.
func (a *authorization) startFlow() error {
	if a.r.URL.Query().Get("consent_id") != "" {
		return fosite.ErrServerError.WithHint("Could not generate the consent session.")
	}
	return a.askFor(a.newFlow())
}

// askFor sends the browser to the page for what a flow still needs.
func (a *authorization) askFor(flow *consent) error {
	if err := a.store.saveConsent(a.r.Context(), flow); err != nil {
		return fosite.ErrServerError.WithHint("Could not save the consent session.").WithWrap(err)
	}
	target := a.issuer.JoinPath("/")
	if a.user != nil {
		policy := a.client.requiredPolicy(a.user.Username, a.user.Groups, remoteIP(a.r))
		if a.login.level().suffices(policy) {
			target = a.issuer.JoinPath(pathDecision)
		}
	}
	target.RawQuery = url.Values{"flow": {flowOpenIDConnect}, "flow_id": {flow.FlowID}}.Encode()
	http.Redirect(a.w, a.r, target.String(), http.StatusFound)
	return nil
}

// resumeFlow goes on where login or consent sent the browser back with the flow's id.
func (a *authorization) resumeFlow(id, mode, subject string) error {
	flow, err := a.store.consent(a.r.Context(), id)
	if err != nil || flow.ClientID != a.client.ClientID {
		return errConsentLookup.WithWrap(err)
	}
	if flow.Subject != "" && flow.Subject != subject {
		return errConsentLookup
	}
	if requiresLogin(flow.Form, flow.RequestedAt, a.login.authenticated()) {
		return a.askFor(flow)
	}
	if !flow.canGrant() {
		return errConsentCannot
	}
	if !flow.Responded {
		agreed, err := a.isAgreed(mode, subject)
		if err != nil {
			return err
		}
		if !agreed {
			return a.askFor(flow)
		}
		flow.Subject, flow.Responded, flow.Authorized = subject, true, true
	}
	if !flow.Authorized {
		return fosite.ErrAccessDenied
	}
	return a.issueCode(flow)
}

// issueCode ends a flow: the relying party gets its code.
func (a *authorization) issueCode(flow *consent) error {
	for _, scope := range flow.Scopes {
		a.request.GrantScope(scope)
	}
	for _, audience := range a.request.GetRequestedAudience() {
		a.request.GrantAudience(audience)
	}
	if a.client.RequestedAudienceMode == "implicit" {
		for _, audience := range a.client.Audience {
			a.request.GrantAudience(audience)
		}
	}
	session := a.provider.newSession(a.issuer, a.client, flow, a.user, a.login)
	response, err := a.provider.NewAuthorizeResponse(a.r.Context(), a.request, session)
	if err != nil {
		return err
	}
	flow.Granted = true
	if err := a.store.saveConsent(a.r.Context(), flow); err != nil {
		return fosite.ErrServerError.WithHint("Could not save the consent session.").WithWrap(err)
	}
	a.provider.WriteAuthorizeResponse(a.r.Context(), a.w, a.request, response)
	return nil
}

// requiresExplicitConsent tells when a user is asked whatever the client's consent mode. Since 4.39.11 that is so for
// prompt=consent, prompt=login and offline access.
func requiresExplicitConsent(scopes, prompts []string) bool {
	return slices.Contains(prompts, "consent") || slices.Contains(prompts, "login") ||
		slices.Contains(scopes, "offline_access") || slices.Contains(scopes, "offline")
}

// requiresLogin tells whether a request wants a newer login than there is.
func requiresLogin(form url.Values, requested, authenticated time.Time) bool {
	if slices.Contains(spaced(form, "prompt"), "login") && authenticated.Before(requested) {
		return true
	}
	age, err := strconv.ParseInt(form.Get("max_age"), 10, 64)
	return err == nil && age >= 0 && authenticated.Add(time.Duration(age)*time.Second).Before(requested)
}

func spaced(form url.Values, parameter string) []string {
	return strings.Fields(form.Get(parameter))
}

// continueOpenIDConnect answers a factor that was given for a flow: with where to go, or that more is needed.
func (s *server) continueOpenIDConnect(w http.ResponseWriter, r *http.Request, l login, flowID string) {
	flow, client, user, err := s.flow(r, flowID, l)
	if err != nil {
		slog.Error("Failed to process the consent session", "flow_id", flowID, "error", err)
		replyKO(w, http.StatusOK, messageAuthentication)
		return
	}
	issuer, err := s.issuer(r)
	if err != nil {
		slog.Error("Error occurred determining the issuer", "error", err)
		replyKO(w, http.StatusOK, messageAuthentication)
		return
	}
	if requiresLogin(flow.Form, flow.RequestedAt, l.authenticated()) {
		target := issuer.JoinPath(pathDecision)
		target.RawQuery = url.Values{"flow": {flowOpenIDConnect}, "flow_id": {flow.FlowID}}.Encode()
		replyRedirect(w, target)
		return
	}
	policy := client.requiredPolicy(user.Username, user.Groups, remoteIP(r))
	if policy != deny && !l.level().suffices(policy) {
		replyOK(w)
		return
	}
	replyRedirect(w, resumption(issuer, flow))
}

// resumption is the original request's URL with the flow's id.
func resumption(issuer *url.URL, flow *consent) *url.URL {
	target := issuer.JoinPath(pathAuthorization)
	query := url.Values{}
	for name, values := range flow.Form {
		query[name] = values
	}
	query.Set("consent_id", flow.FlowID)
	target.RawQuery = query.Encode()
	return target
}

// flow finds a flow that still waits for an answer, its client, and the user who is signed in.
func (s *server) flow(r *http.Request, flowID string, l login) (*consent, *client, *user, error) {
	if _, err := uuid.Parse(flowID); err != nil {
		return nil, nil, nil, err
	}
	flow, err := s.store.consent(r.Context(), flowID)
	if err != nil {
		return nil, nil, nil, err
	}
	if flow.Responded || !flow.canGrant() {
		return nil, nil, nil, errors.New("the flow has been answered or has expired")
	}
	client, ok := s.provider.clients[flow.ClientID]
	if !ok {
		return nil, nil, nil, errors.New("the flow's client is not registered")
	}
	user, err := s.users.find(l.username)
	return flow, client, user, err
}

// consentFlow is flow for somebody who may answer it.
func (s *server) consentFlow(r *http.Request, flowID string) (*consent, *client, *user, login, error) {
	l := s.login(r)
	flow, client, user, err := s.flow(r, flowID, l)
	if err == nil && !l.level().suffices(client.requiredPolicy(user.Username, user.Groups, remoteIP(r))) {
		err = errors.New("the user is not sufficiently authenticated")
	}
	return flow, client, user, l, err
}

func (s *server) showConsent(w http.ResponseWriter, r *http.Request) {
	flow, client, _, l, err := s.consentFlow(r, r.URL.Query().Get("flow_id"))
	if err != nil {
		s.fail(w, "Error occurred performing consent", err)
		return
	}
	explicit := requiresExplicitConsent(flow.Scopes, spaced(flow.Form, "prompt"))
	replyBody(w, map[string]any{
		"client_id": client.ClientID, "client_description": client.ClientName, "scopes": flow.Scopes,
		"audience": spaced(flow.Form, "audience"), "claims": nil, "essential_claims": nil,
		"pre_configuration": client.ConsentMode == consentPreConfigured && !explicit,
		"require_login":     requiresLogin(flow.Form, flow.RequestedAt, l.authenticated()),
	})
}

func (s *server) answerConsent(w http.ResponseWriter, r *http.Request) {
	var body struct {
		FlowID       string `json:"flow_id"`
		ClientID     string `json:"client_id"`
		Consent      bool   `json:"consent"`
		PreConfigure bool   `json:"pre_configure"`
	}
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		s.fail(w, "Error occurred unmarshaling consent request body", err)
		return
	}
	flow, client, user, l, err := s.consentFlow(r, body.FlowID)
	if err == nil && client.ClientID != body.ClientID {
		err = errors.New("the client id of the form and of the consent session do not match")
	}
	if err == nil && requiresLogin(flow.Form, flow.RequestedAt, l.authenticated()) {
		err = errors.New("the request requires a login even prior to consent")
	}
	if err == nil {
		err = s.saveAnswer(r, flow, client, user, body.Consent, body.PreConfigure)
	}
	if err != nil {
		s.fail(w, "Error occurred performing consent", err)
		return
	}
	issuer, err := s.issuer(r)
	if err != nil {
		s.fail(w, "Error occurred trying to determine the issuer URL", err)
		return
	}
	replyBody(w, map[string]any{"redirect_uri": resumption(issuer, flow).String()})
}

func (s *server) saveAnswer(r *http.Request, flow *consent, client *client, user *user, agreed, remember bool) error {
	subject, err := s.store.subject(r.Context(), user.Username)
	if err != nil {
		return err
	}
	flow.Subject, flow.Responded, flow.Authorized = subject, true, agreed
	explicit := requiresExplicitConsent(flow.Scopes, spaced(flow.Form, "prompt"))
	if agreed && remember && !explicit && client.ConsentMode == consentPreConfigured {
		lasts := *client.PreConfiguredConsentDuration
		if err := s.store.rememberConsent(r.Context(), client.ClientID, subject, flow.Scopes, lasts); err != nil {
			return err
		}
	}
	return s.store.saveConsent(r.Context(), flow)
}

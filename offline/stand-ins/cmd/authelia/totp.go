package main

// Second factors by time-based codes, with Authelia's defaults: SHA1, six digits, 30 seconds, one step of skew.

import (
	"context"
	"errors"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/totp"
)

const (
	totpPeriod = 30 * time.Second
	// Authelia's default of 32 bytes.
	totpSecretSize = 32
)

// newDevice makes a second factor: the URI that an authenticator app scans is all that is kept of it.
func newDevice(issuer, username string) (uri string, err error) {
	key, err := totp.Generate(totp.GenerateOpts{Issuer: issuer, AccountName: username, SecretSize: totpSecretSize})
	if err != nil {
		return "", err
	}
	return key.URL(), nil
}

// timeStep finds the step, at most one from now, whose code this is.
func timeStep(uri, code string, now time.Time) (step int64, err error) {
	key, err := otp.NewKeyFromURL(uri)
	if err != nil {
		return 0, err
	}
	options := totp.ValidateOpts{Period: uint(totpPeriod.Seconds()), Digits: otp.DigitsSix}
	for _, at := range []time.Time{now, now.Add(-totpPeriod), now.Add(totpPeriod)} {
		if valid, err := totp.ValidateCustom(code, key.Secret(), at, options); err == nil && valid {
			return at.Unix() / int64(totpPeriod.Seconds()), nil
		}
	}
	return 0, errors.New("the code is wrong")
}

// checkCode is the second factor. A code serves once.
func (s *server) checkCode(ctx context.Context, username, code string) error {
	uri, err := s.store.device(ctx, username)
	if err != nil {
		return err
	}
	step, err := timeStep(uri, code, time.Now())
	if err != nil {
		return err
	}
	return s.store.useStep(ctx, username, step)
}

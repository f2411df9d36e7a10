package main

// Second factors by time-based codes.

import (
	"encoding/base32"
	"fmt"
	"net/url"
	"strconv"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/totp"
)

var otpAlgorithms = map[string]otp.Algorithm{
	"SHA1": otp.AlgorithmSHA1, "SHA256": otp.AlgorithmSHA256, "SHA512": otp.AlgorithmSHA512,
}

// newDevice makes a device as configured. Without a secret (base32, no padding) one is generated.
func newDevice(config totpConfig, username, secret string) (device, error) {
	decoded, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(secret)
	if err != nil {
		return device{}, fmt.Errorf("totp generate failed: error decoding base32 string: %w", err)
	}
	key, err := totp.Generate(totp.GenerateOpts{
		Issuer: config.Issuer, AccountName: username, Period: uint(config.Period), Secret: decoded,
		SecretSize: uint(config.SecretSize), Digits: otp.Digits(config.Digits), Algorithm: otpAlgorithms[config.Algorithm],
	})
	if err != nil {
		return device{}, fmt.Errorf("error generating totp: %w", err)
	}
	return device{config.Issuer, config.Algorithm, key.Secret(), config.Digits, config.Period}, nil
}

// uri is what an authenticator application scans.
func (d device) uri(username string) string {
	query := url.Values{
		"secret": {d.Secret}, "issuer": {d.Issuer}, "period": {strconv.Itoa(d.Period)}, "algorithm": {d.Algorithm},
		"digits": {strconv.Itoa(d.Digits)},
	}
	address := url.URL{Scheme: "otpauth", Host: "totp", Path: d.Issuer + ":" + username, RawQuery: query.Encode()}
	return address.String()
}

// step finds the time step, at most skew steps from now, whose code this is.
func (d device) step(code string, now time.Time, skew int) (step int64, ok bool) {
	options := totp.ValidateOpts{
		Period: uint(d.Period), Digits: otp.Digits(d.Digits), Algorithm: otpAlgorithms[d.Algorithm], Skew: 0,
	}
	for offset := -skew; offset <= skew; offset++ {
		at := now.Add(time.Duration(offset*d.Period) * time.Second)
		if valid, err := totp.ValidateCustom(code, d.Secret, at, options); err == nil && valid {
			return at.Unix() / int64(d.Period), true
		}
	}
	return 0, false
}

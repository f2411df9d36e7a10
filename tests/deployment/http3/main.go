// Command http3 sends one GET request by HTTP/3 and prints the protocol and the status of the answer: Node has no client for it.
//
//	http3 <file with the root certificates> <address:port to connect to> <URL>
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"os"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
)

func main() {
	if len(os.Args) != 4 {
		fail(fmt.Errorf("usage: http3 <root certificates> <address:port> <URL>"))
	}
	if err := get(os.Args[1], os.Args[2], os.Args[3]); err != nil {
		fail(err)
	}
}

func get(rootsFile, address, url string) error {
	pem, err := os.ReadFile(rootsFile)
	if err != nil {
		return err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return fmt.Errorf("%s holds no certificate", rootsFile)
	}
	transport := &http3.Transport{
		TLSClientConfig: &tls.Config{RootCAs: roots},
		Dial: func(ctx context.Context, _ string, conf *tls.Config, quicConf *quic.Config) (*quic.Conn, error) {
			return quic.DialAddrEarly(ctx, address, conf, quicConf)
		},
	}
	defer transport.Close()
	answer, err := (&http.Client{Transport: transport}).Get(url)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	fmt.Println(answer.Proto, answer.StatusCode)
	return nil
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// Package standin is what both stand-ins share: the mark on every answer and a server that stops when it is told to.
package standin

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// Header names the server that an answer stands in for; the real servers never send it.
const Header = "X-Stand-In"

// Mark puts the name of the server on every answer of a handler.
func Mark(server string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set(Header, server)
		next.ServeHTTP(w, r)
	})
}

// Endpoint is an address and what answers there.
type Endpoint struct {
	Address string
	Handler http.Handler
}

// Serve answers on all endpoints until the context ends, then lets running requests finish for at most five seconds.
// An address that cannot be listened on is an error before anything is answered.
func Serve(ctx context.Context, endpoints ...Endpoint) error {
	servers := make([]*http.Server, len(endpoints))
	failed := make(chan error, len(endpoints))
	for i, endpoint := range endpoints {
		listener, err := net.Listen("tcp", endpoint.Address)
		if err != nil {
			return err
		}
		servers[i] = &http.Server{Handler: endpoint.Handler, ReadHeaderTimeout: 10 * time.Second}
		go func() { failed <- servers[i].Serve(listener) }()
	}
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	var errs []error
	for _, server := range servers {
		errs = append(errs, server.Shutdown(grace))
	}
	return errors.Join(errs...)
}

// LogLevel reads a level as both servers write it; what is none of them is "info".
func LogLevel(name string) slog.Level {
	return map[string]slog.Level{
		"trace": slog.LevelDebug, "debug": slog.LevelDebug, "warn": slog.LevelWarn, "error": slog.LevelError,
	}[name]
}

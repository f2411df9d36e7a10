// Command ocis stands in for ownCloud Infinite Scale on machines that can reach no image registry. See ../../README.md.
package main

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"ocis-authelia/offline/stand-ins/internal/standin"
)

// version is that of the oCIS that this stands in for; the build sets it.
var version = "untagged"

// debugAddresses are those of the services whose health a stack asks for: graph, frontend, users, storage-users, proxy, idm.
var debugAddresses = []string{
	"127.0.0.1:9124", "127.0.0.1:9141", "127.0.0.1:9145", "127.0.0.1:9159", "127.0.0.1:9205", "127.0.0.1:9239",
}

func main() {
	root := &cobra.Command{Use: "ocis", Short: "a stand-in for ownCloud Infinite Scale " + version, SilenceUsage: true}
	root.AddCommand(&cobra.Command{
		Use: "server", Short: "start all services", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGTERM, syscall.SIGINT)
			defer stop()
			return serve(ctx)
		},
	})
	if err := root.Execute(); err != nil {
		os.Exit(1)
	}
}

func serve(ctx context.Context) error {
	config, err := readConfig()
	if err != nil {
		return err
	}
	options := &slog.HandlerOptions{Level: standin.LogLevel(config.LogLevel)}
	slog.SetDefault(slog.New(slog.NewJSONHandler(os.Stderr, options)))
	server, err := newServer(config)
	if err != nil {
		return err
	}
	health := http.NewServeMux()
	health.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "OK") })
	endpoints := []standin.Endpoint{{Address: config.Address, Handler: server.handler()}}
	for _, address := range debugAddresses {
		endpoints = append(endpoints, standin.Endpoint{Address: address, Handler: standin.Mark("ocis", health)})
	}
	slog.Info("a stand-in, for oCIS, is listening", "address", config.Address)
	return standin.Serve(ctx, endpoints...)
}

// Command ocis stands in for ownCloud Infinite Scale on machines that can reach no image registry. See ../../README.md.
package main

import (
	"context"
	"errors"
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

func main() {
	root := &cobra.Command{Use: "ocis", Short: "a stand-in for ownCloud Infinite Scale " + version, SilenceUsage: true}
	root.AddCommand(&cobra.Command{
		Use: "server", Short: "start all services", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGTERM, syscall.SIGINT)
			defer stop()
			return serve(ctx)
		},
	}, &cobra.Command{
		Use: "version", Short: "print the version", Args: cobra.NoArgs,
		Run: func(cmd *cobra.Command, _ []string) { cmd.Println("Version: " + version + " (stand-in)") },
	})
	root.SetOut(os.Stdout)
	if err := root.Execute(); err != nil {
		os.Exit(1)
	}
}

func serve(ctx context.Context) error {
	setLogger(variable("OCIS_LOG_LEVEL", "error"))
	config, err := readConfig()
	if err != nil {
		return err
	}
	if err := errors.Join(checkURL("OCIS_URL", config.url), checkURL("OCIS_OIDC_ISSUER", config.issuer)); err != nil {
		return err
	}
	accounts, err := openAccounts(config)
	if err != nil {
		return err
	}
	server := &server{config, accounts, newTokenVerifier(config), newFiles(config)}
	health := http.NewServeMux()
	health.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "OK") })
	endpoints := []standin.Endpoint{{Address: config.address, Handler: server.handler()}}
	for _, address := range config.debug {
		endpoints = append(endpoints, standin.Endpoint{Address: address, Handler: standin.Mark("ocis", health)})
	}
	slog.Info("a stand-in, for oCIS, is listening", "address", config.address)
	return standin.Serve(ctx, endpoints...)
}

func setLogger(level string) {
	levels := map[string]slog.Level{
		"trace": slog.LevelDebug, "debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn,
		"error": slog.LevelError,
	}
	chosen, ok := levels[level]
	if !ok {
		chosen = slog.LevelError
	}
	slog.SetDefault(slog.New(slog.NewJSONHandler(os.Stderr, &slog.HandlerOptions{Level: chosen})))
}

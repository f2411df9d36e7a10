// Command authelia stands in for Authelia on machines that can reach no image registry. See ../../README.md.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/url"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"ocis-authelia/offline/stand-ins/internal/standin"
)

// version is that of the Authelia that this stands in for; the build sets it.
var version = "untagged"

func main() {
	root := commands()
	root.SetOut(os.Stdout)
	if err := root.Execute(); err != nil {
		os.Exit(1)
	}
}

func commands() *cobra.Command {
	var files []string
	root := &cobra.Command{
		Use:          "authelia",
		Short:        "a stand-in for Authelia " + version,
		Version:      version + " (stand-in)",
		SilenceUsage: true,
		Args:         cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGTERM, syscall.SIGINT)
			defer stop()
			return serve(ctx, files)
		},
	}
	root.PersistentFlags().StringSliceVarP(&files, "config", "c", nil, "configuration files or directories to load")
	group := func(parent *cobra.Command, use, short string) *cobra.Command {
		command := &cobra.Command{Use: use, Short: short}
		parent.AddCommand(command)
		return command
	}
	config := group(root, "config", "perform config related actions")
	config.AddCommand(&cobra.Command{
		Use: "validate", Short: "check a configuration", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return validateFiles(cmd, files) },
	})
	totp := group(group(group(root, "storage", "manage the storage"), "user", "manage users"), "totp", "manage TOTP devices")
	totp.AddCommand(generateCommand(&files), deleteCommand(&files))
	group(totp, "export", "export TOTP devices").AddCommand(exportCommand(&files))
	return root
}

func generateCommand(files *[]string) *cobra.Command {
	var secret string
	var force bool
	command := &cobra.Command{
		Use: "generate <username>", Short: "generate a TOTP configuration for a user", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			config, store, err := openFor(*files)
			if err != nil {
				return err
			}
			defer store.db.Close()
			username := args[0]
			if _, err := store.device(cmd.Context(), username); err == nil && !force {
				return fmt.Errorf("%s already has a TOTP configuration, use --force to overwrite", username)
			} else if err != nil && !errors.Is(err, errNoDevice) {
				return err
			}
			device, err := newDevice(config.TOTP, username, secret)
			if err != nil {
				return err
			}
			if err := store.saveDevice(cmd.Context(), username, device); err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "Successfully generated TOTP configuration for user '%s' with URI '%s'\n",
				username, device.uri(username))
			return err
		},
	}
	command.Flags().StringVar(&secret, "secret", "", "set the shared secret as base32 encoded bytes (no padding)")
	command.Flags().BoolVarP(&force, "force", "f", false, "overwrite an existing configuration")
	return command
}

func exportCommand(files *[]string) *cobra.Command {
	return &cobra.Command{
		Use: "uri", Short: "print the URIs of all TOTP configurations", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, store, err := openFor(*files)
			if err != nil {
				return err
			}
			defer store.db.Close()
			devices, err := store.devices(cmd.Context())
			if err != nil {
				return err
			}
			for _, username := range slices.Sorted(maps.Keys(devices)) {
				if _, err := fmt.Fprintln(cmd.OutOrStdout(), devices[username].uri(username)); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

func deleteCommand(files *[]string) *cobra.Command {
	return &cobra.Command{
		Use: "delete <username>", Short: "delete a TOTP configuration for a user", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			_, store, err := openFor(*files)
			if err != nil {
				return err
			}
			defer store.db.Close()
			if _, err := store.device(cmd.Context(), args[0]); err != nil {
				return fmt.Errorf("failed to delete TOTP configuration for user '%s': %w", args[0], err)
			}
			return store.deleteDevice(cmd.Context(), args[0])
		},
	}
}

// openFor opens the database for a command; the server must have made it before.
func openFor(files []string) (*configuration, *store, error) {
	config, found := loadConfiguration(files)
	if len(found.errors) > 0 {
		return nil, nil, errors.Join(found.errors...)
	}
	if _, err := os.Stat(config.Storage.Local.Path); err != nil {
		return nil, nil, fmt.Errorf("command requires the use of a up to date schema version: %w", err)
	}
	store, err := openStore(config.Storage)
	return config, store, err
}

// validateFiles prints errors and warnings; only errors make it fail.
func validateFiles(cmd *cobra.Command, files []string) error {
	_, found := loadConfiguration(files)
	for title, list := range map[string][]error{"errors": found.errors, "warnings": found.warnings} {
		if len(list) == 0 {
			continue
		}
		cmd.Printf("Configuration parsed and loaded with %s:\n\n", title)
		for _, err := range list {
			cmd.Printf("\t- %v\n", err)
		}
		cmd.Println()
	}
	if len(found.errors) > 0 {
		return errors.New("the configuration has errors")
	}
	if len(found.warnings) == 0 {
		cmd.Println("Configuration parsed and loaded successfully without errors.")
	}
	return nil
}

func serve(ctx context.Context, files []string) error {
	config, found := loadConfiguration(files)
	setLogger(config)
	slog.Info("Authelia " + version + " is starting (a stand-in)")
	for _, warning := range found.warnings {
		slog.Warn("Configuration: " + warning.Error())
	}
	for _, err := range found.errors {
		slog.Error("Configuration: " + err.Error())
	}
	if len(found.errors) > 0 {
		return errors.New("can't continue due to the errors loading the configuration")
	}
	if err := startupChecks(config); err != nil {
		slog.Error("Startup check failed", "error", err)
		return err
	}
	users, err := openUserFile(config.AuthenticationBackend.File)
	if err != nil {
		slog.Error("Failure running the user provider startup check", "error", err)
		return err
	}
	if config.AuthenticationBackend.File.Watch {
		if err := users.follow(ctx); err != nil {
			return err
		}
	}
	store, err := openStore(config.Storage)
	if err != nil {
		slog.Error("Failure running the storage provider startup check", "error", err)
		return err
	}
	defer store.db.Close()
	server, err := newServer(config, users, store)
	if err != nil {
		return err
	}
	address, err := url.Parse(config.Server.Address)
	if err != nil {
		return err
	}
	slog.Info("Startup complete")
	slog.Info("Listening for non-TLS connections", "address", address.Host)
	err = standin.Serve(ctx, standin.Endpoint{Address: listenAddress(address), Handler: server.handler()})
	slog.Info("Shutdown complete")
	return err
}

// listenAddress fills in Authelia's port.
func listenAddress(address *url.URL) string {
	if address.Port() == "" {
		return net.JoinHostPort(address.Hostname(), "9091")
	}
	return address.Host
}

func setLogger(config *configuration) {
	options := &slog.HandlerOptions{Level: slog.LevelInfo}
	var handler slog.Handler = slog.NewTextHandler(os.Stdout, options)
	if config != nil {
		switch config.Log.Level {
		case "trace", "debug":
			options.Level = slog.LevelDebug
		case "warn":
			options.Level = slog.LevelWarn
		case "error":
			options.Level = slog.LevelError
		}
		if config.Log.Format == "json" {
			handler = slog.NewJSONHandler(os.Stdout, options)
		}
	}
	slog.SetDefault(slog.New(handler))
}

// healthcheckFile is rewritten at each start by the official image's health check, which a read-only root does not allow.
const healthcheckFile = "/app/.healthcheck.env"

// startupChecks fail where Authelia's do: an unwritable notification file or health check file, an unreachable mail server.
func startupChecks(config *configuration) error {
	if _, err := os.Stat(healthcheckFile); err == nil && !config.Server.DisableHealthcheck {
		if err := os.WriteFile(healthcheckFile, []byte("X_AUTHELIA_HEALTHCHECK=1\n"), 0o755); err != nil {
			return fmt.Errorf("error occurred writing the health check file: %w", err)
		}
	}
	switch notifier := config.Notifier; {
	case notifier.Filesystem != nil:
		if err := os.MkdirAll(filepath.Dir(notifier.Filesystem.Filename), 0o700); err != nil {
			return err
		}
		return os.WriteFile(notifier.Filesystem.Filename, nil, 0o600)
	case notifier.DisableStartupCheck:
		return nil
	default:
		address, err := url.Parse(notifier.SMTP.Address)
		if err != nil {
			return err
		}
		conn, err := net.DialTimeout("tcp", address.Host, 5*time.Second)
		if err != nil {
			return fmt.Errorf("the mail server cannot be reached: %w", err)
		}
		return conn.Close()
	}
}

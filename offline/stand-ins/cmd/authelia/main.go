// Command authelia stands in for Authelia on machines that can reach no image registry. See ../../README.md.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

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
		Use: "authelia", Short: "a stand-in for Authelia " + version, Version: version + " (stand-in)",
		SilenceUsage: true, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGTERM, syscall.SIGINT)
			defer stop()
			return serve(ctx, files)
		},
	}
	root.PersistentFlags().StringSliceVarP(&files, "config", "c", nil, "configuration files to load")
	group := func(parent *cobra.Command, use, short string) *cobra.Command {
		command := &cobra.Command{Use: use, Short: short}
		parent.AddCommand(command)
		return command
	}
	group(root, "config", "perform config related actions").AddCommand(&cobra.Command{
		Use: "validate", Short: "check a configuration", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if _, err := loadConfiguration(files); err != nil {
				return err
			}
			cmd.Println("Configuration parsed and loaded successfully without errors.")
			return nil
		},
	})
	totp := group(group(group(root, "storage", "manage the storage"), "user", "manage users"), "totp", "manage TOTP devices")
	generate := onStore(&files, "generate <username>", "generate a TOTP configuration for a user", 1, generateDevice)
	generate.Flags().BoolP("force", "f", false, "overwrite an existing configuration")
	totp.AddCommand(generate, onStore(&files, "delete <username>", "delete a TOTP configuration for a user", 1, deleteDevice))
	group(totp, "export", "export TOTP devices").AddCommand(
		onStore(&files, "uri", "print the URIs of all TOTP configurations", 0, exportDevices))
	return root
}

// onStore makes a command that works on the database beside the server, which has made it.
func onStore(
	files *[]string, use, short string, count int, run func(*cobra.Command, *configuration, *store, []string) error,
) *cobra.Command {
	act := func(cmd *cobra.Command, args []string) error {
		config, err := loadConfiguration(*files)
		if err != nil {
			return err
		}
		path := config.Storage.Local.Path
		if _, err := os.Stat(path); err != nil {
			return fmt.Errorf("command requires the use of a up to date schema version: %w", err)
		}
		store, err := openStore(cmd.Context(), path, config.Storage.EncryptionKey)
		if err != nil {
			return err
		}
		defer store.db.Close()
		return run(cmd, config, store, args)
	}
	return &cobra.Command{Use: use, Short: short, Args: cobra.ExactArgs(count), RunE: act}
}

func generateDevice(cmd *cobra.Command, config *configuration, store *store, args []string) error {
	username := args[0]
	force, err := cmd.Flags().GetBool("force")
	if err != nil {
		return err
	}
	if _, err := store.device(cmd.Context(), username); err == nil && !force {
		return fmt.Errorf("%s already has a TOTP configuration, use --force to overwrite", username)
	} else if err != nil && !errors.Is(err, errNoTOTP) {
		return err
	}
	uri, err := newDevice(config.TOTP.Issuer, username)
	if err != nil {
		return err
	}
	if err := store.put(cmd.Context(), kindDevice, username, uri); err != nil {
		return err
	}
	cmd.Printf("Successfully generated TOTP configuration for user '%s' with URI '%s'\n", username, uri)
	return nil
}

func deleteDevice(cmd *cobra.Command, _ *configuration, store *store, args []string) error {
	if _, err := store.device(cmd.Context(), args[0]); err != nil {
		return fmt.Errorf("failed to delete TOTP configuration for user '%s': %w", args[0], err)
	}
	return store.delete(cmd.Context(), kindDevice, args[0])
}

func exportDevices(cmd *cobra.Command, _ *configuration, store *store, _ []string) error {
	usernames, err := store.devices(cmd.Context())
	if err != nil {
		return err
	}
	for _, username := range usernames {
		uri, err := store.device(cmd.Context(), username)
		if err != nil {
			return err
		}
		cmd.Println(uri)
	}
	return nil
}

func serve(ctx context.Context, files []string) error {
	config, err := loadConfiguration(files)
	if err != nil {
		return err
	}
	setLogger(config.Log.Level, config.Log.Format)
	slog.Info("Authelia " + version + " is starting (a stand-in)")
	if err := makeNotificationFile(config.Notifier.Filesystem.Filename); err != nil {
		return err
	}
	users, err := openUserFile(config.AuthenticationBackend.File.Path)
	if err != nil {
		return err
	}
	store, err := openStore(ctx, config.Storage.Local.Path, config.Storage.EncryptionKey)
	if err != nil {
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
	slog.Info("Startup complete. Listening for non-TLS connections", "address", address.Host)
	return standin.Serve(ctx, standin.Endpoint{Address: address.Host, Handler: server.handler()})
}

// makeNotificationFile is Authelia's startup check of the notifier: the file can be written.
func makeNotificationFile(name string) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return err
	}
	return os.WriteFile(name, nil, 0o600)
}

func setLogger(level, format string) {
	options := &slog.HandlerOptions{Level: standin.LogLevel(level)}
	if format == "json" {
		slog.SetDefault(slog.New(slog.NewJSONHandler(os.Stdout, options)))
		return
	}
	slog.SetDefault(slog.New(slog.NewTextHandler(os.Stdout, options)))
}

package main

// Files: every user's personal space as a WebDAV tree on disk, by golang.org/x/net/webdav.

import (
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/net/webdav"
)

const (
	davPrefix = "/remote.php/webdav"

	// processedAfter is how long a file cannot be read after its upload: oCIS answers 425 until its post-processing is over.
	processedAfter = 100 * time.Millisecond
)

type files struct {
	config *config
	locks  webdav.LockSystem

	lock     sync.Mutex
	uploaded map[string]time.Time // by user and path
}

func newFiles(config *config) *files {
	return &files{config: config, locks: webdav.NewMemLS(), uploaded: map[string]time.Time{}}
}

// serve answers one WebDAV request of a user.
func (f *files) serve(w http.ResponseWriter, r *http.Request, user account) {
	root := filepath.Join(f.config.Data, "storage", "users", user.ID)
	if err := os.MkdirAll(root, 0o700); err != nil {
		slog.Error("The personal space cannot be used", "user", user.Username, "error", err)
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	file := user.ID + r.URL.Path
	switch r.Method {
	case "PROPFIND":
		switch r.Header.Get("Depth") {
		case "":
			r.Header.Set("Depth", "1") // the library would take it for infinity
		case "infinity":
			http.Error(w, "Invalid Depth header value: infinity", http.StatusBadRequest)
			return
		}
	case http.MethodPut:
		defer f.note(file)
	case http.MethodGet, http.MethodHead:
		if f.isProcessed(file) {
			w.WriteHeader(http.StatusTooEarly)
			return
		}
	}
	handler := webdav.Handler{Prefix: davPrefix, FileSystem: webdav.Dir(root), LockSystem: f.locks}
	handler.ServeHTTP(w, r)
}

// note starts the time in which a file that was uploaded cannot be read.
func (f *files) note(file string) {
	f.lock.Lock()
	defer f.lock.Unlock()
	f.uploaded[file] = time.Now()
}

func (f *files) isProcessed(file string) bool {
	f.lock.Lock()
	defer f.lock.Unlock()
	return time.Since(f.uploaded[file]) < processedAfter
}

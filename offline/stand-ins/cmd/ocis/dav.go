package main

// Files: every user's personal space as a WebDAV tree on disk, by golang.org/x/net/webdav, with oCIS's statuses and ids.

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/google/uuid"
	"golang.org/x/net/webdav"
)

// processedAfter is how long a file cannot be read after its upload: oCIS answers 425 until its post-processing is over.
const processedAfter = 100 * time.Millisecond

type files struct {
	config *config
	locks  webdav.LockSystem
	// public asks oCIS's own public URL, where uploads go.
	public *http.Client

	lock     sync.Mutex
	uploaded map[string]time.Time
}

func newFiles(config *config) *files {
	return &files{
		config: config, locks: webdav.NewMemLS(), public: &http.Client{Timeout: 10 * time.Second},
		uploaded: map[string]time.Time{},
	}
}

// spaceID is the id of a user's personal space.
func (f *files) spaceID(user account) string {
	return f.config.mountID + "$" + user.ID
}

// root is the folder of a user's personal space, made at the first use.
func (f *files) root(user account) (string, error) {
	root := filepath.Join(f.config.data, "storage", "users", user.ID)
	return root, os.MkdirAll(root, 0o700)
}

// prefix is the part of a path that names the user's space; false for the spaces of others and what is none.
func (f *files) prefix(path string, user account) (string, bool) {
	for _, base := range []string{"/remote.php", ""} {
		for _, prefix := range []string{
			base + "/webdav", base + "/dav/files/" + user.Username, base + "/dav/spaces/" + f.spaceID(user),
		} {
			if rest, ok := strings.CutPrefix(path, prefix); ok && (rest == "" || rest[0] == '/') {
				return prefix, true
			}
		}
	}
	return "", false
}

// serve answers one WebDAV request of a user.
func (f *files) serve(w http.ResponseWriter, r *http.Request, user account) {
	prefix, ok := f.prefix(r.URL.Path, user)
	if !ok {
		davError(w, http.StatusNotFound, "NotFound", "Resource not found")
		return
	}
	root, err := f.root(user)
	if err != nil {
		slog.Error("The personal space cannot be used", "user", user.Username, "error", err)
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	name := strings.TrimPrefix(r.URL.Path, prefix)
	target := filepath.Join(root, filepath.FromSlash(path.Clean("/"+name)))
	answer := &davAnswer{ResponseWriter: w, method: r.Method, existed: exists(target), headers: func(header http.Header) {
		f.describe(header, target, user)
	}}
	if done := f.before(answer, r, target); done {
		return
	}
	handler := &webdav.Handler{
		Prefix: prefix, FileSystem: &space{webdav.Dir(root), f, user}, LockSystem: f.locks,
		Logger: func(r *http.Request, err error) {
			if err != nil && !errors.Is(err, os.ErrNotExist) {
				slog.Warn("WebDAV", "method", r.Method, "path", r.URL.Path, "error", err)
			}
		},
	}
	if r.URL.Path == prefix {
		r.URL.Path += "/"
	}
	handler.ServeHTTP(answer, r)
	if r.Method == http.MethodPut {
		f.lock.Lock()
		defer f.lock.Unlock()
		f.uploaded[target] = time.Now()
	}
}

// before answers what oCIS answers in another way than the library does; true if there is nothing left to do.
func (f *files) before(w http.ResponseWriter, r *http.Request, target string) bool {
	switch r.Method {
	case "PROPFIND":
		switch r.Header.Get("Depth") {
		case "":
			r.Header.Set("Depth", "1")
		case "infinity":
			davError(w, http.StatusBadRequest, "BadRequest", "Invalid Depth header value: infinity")
			return true
		}
		if !exists(target) {
			davError(w, http.StatusNotFound, "NotFound", "Resource not found")
			return true
		}
	case http.MethodPut:
		if !exists(filepath.Dir(target)) {
			w.WriteHeader(http.StatusConflict)
			return true
		}
		if err := f.reachPublicURL(r.Context()); err != nil {
			slog.Error("An upload goes through the public URL, which cannot be reached", "error", err)
			w.WriteHeader(http.StatusInternalServerError)
			return true
		}
	case http.MethodGet, http.MethodHead:
		if info, err := os.Stat(target); err == nil && info.IsDir() {
			w.WriteHeader(http.StatusOK)
			return true
		}
		f.lock.Lock()
		uploaded := f.uploaded[target]
		f.lock.Unlock()
		if time.Since(uploaded) < processedAfter {
			w.WriteHeader(http.StatusTooEarly)
			return true
		}
	}
	return false
}

// reachPublicURL asks oCIS by its public URL, as its upload service does: by name, over verified TLS, through the edge.
func (f *files) reachPublicURL(ctx context.Context) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, f.config.url+"/status.php", nil)
	if err != nil {
		return err
	}
	response, err := f.public.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s/status.php: %s", f.config.url, response.Status)
	}
	_, err = io.Copy(io.Discard, response.Body)
	return err
}

// describe sets the headers that tell a file's id and version.
func (f *files) describe(header http.Header, target string, user account) {
	info, err := os.Stat(target)
	if err != nil {
		return
	}
	header.Set("OC-FileId", f.fileID(info, user))
	header.Set("OC-ETag", etag(info))
	header.Set("ETag", etag(info))
}

func etag(info os.FileInfo) string {
	return fmt.Sprintf(`"%x%x"`, info.ModTime().UnixNano(), info.Size())
}

// fileID names a file whatever it is called: by its inode.
func (f *files) fileID(info os.FileInfo, user account) string {
	inode := info.Sys().(*syscall.Stat_t).Ino
	node := uuid.NewSHA1(uuid.NameSpaceOID, []byte(user.ID+strconv.FormatUint(inode, 10)))
	return f.spaceID(user) + "!" + node.String()
}

func exists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}

// davAnswer turns the library's statuses into oCIS's and adds its headers.
type davAnswer struct {
	http.ResponseWriter
	method  string
	existed bool
	headers func(http.Header)
}

func (a *davAnswer) WriteHeader(status int) {
	switch a.method {
	case http.MethodPut:
		if status == http.StatusCreated && a.existed {
			status = http.StatusNoContent
		}
		a.headers(a.Header())
	case http.MethodGet, http.MethodHead:
		a.headers(a.Header())
	}
	a.ResponseWriter.WriteHeader(status)
}

func davError(w http.ResponseWriter, status int, exception, message string) {
	w.Header().Set("Content-Type", "text/xml; charset=utf-8")
	w.WriteHeader(status)
	fmt.Fprintf(w, `<?xml version="1.0" encoding="UTF-8"?>
<d:error xmlns:d="DAV:" xmlns:s="http://sabredav.org/ns"><s:exception>Sabre\DAV\Exception\%s</s:exception>`+
		`<s:message>%s</s:message></d:error>`, exception, message)
}

// space is a user's tree; its files know ownCloud's properties.
type space struct {
	webdav.Dir
	files *files
	user  account
}

func (s *space) OpenFile(ctx context.Context, name string, flag int, perm os.FileMode) (webdav.File, error) {
	file, err := s.Dir.OpenFile(ctx, name, flag, perm)
	if err != nil {
		return nil, err
	}
	return &ownCloudFile{file, s}, nil
}

func (s *space) Stat(ctx context.Context, name string) (os.FileInfo, error) {
	info, err := s.Dir.Stat(ctx, name)
	if err != nil {
		return nil, err
	}
	return taggedInfo{info}, nil
}

// taggedInfo gives the same version in properties as in headers.
type taggedInfo struct {
	os.FileInfo
}

func (i taggedInfo) ETag(context.Context) (string, error) {
	return etag(i.FileInfo), nil
}

type ownCloudFile struct {
	webdav.File
	space *space
}

func (f *ownCloudFile) Stat() (os.FileInfo, error) {
	info, err := f.File.Stat()
	if err != nil {
		return nil, err
	}
	return taggedInfo{info}, nil
}

// DeadProps are the properties in ownCloud's namespace.
func (f *ownCloudFile) DeadProps() (map[xml.Name]webdav.Property, error) {
	info, err := f.File.Stat()
	if err != nil {
		return nil, err
	}
	properties := map[xml.Name]webdav.Property{} // ids and numbers, which are XML as they are
	set := func(name, value string) {
		xmlName := xml.Name{Space: "http://owncloud.org/ns", Local: name}
		properties[xmlName] = webdav.Property{XMLName: xmlName, InnerXML: []byte(value)}
	}
	id := f.space.files.fileID(info, f.space.user)
	set("id", id)
	set("fileid", id)
	set("size", strconv.FormatInt(info.Size(), 10))
	if info.IsDir() {
		set("permissions", "RDNVCKZP")
	} else {
		set("permissions", "RDNVWZP")
	}
	return properties, nil
}

// Patch takes no properties.
func (f *ownCloudFile) Patch(patches []webdav.Proppatch) ([]webdav.Propstat, error) {
	refused := webdav.Propstat{Status: http.StatusForbidden}
	for _, patch := range patches {
		refused.Props = append(refused.Props, patch.Props...)
	}
	return []webdav.Propstat{refused}, nil
}

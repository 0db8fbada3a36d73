package local

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// lock makes the state folder and takes it for this process until the file
// returned is closed or the process ends, however it ends.
func lock(dir string) (*os.File, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("making state folder: %w: choose another with --state", err)
	}
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, fmt.Errorf("writing to state folder: %w: choose another with --state", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		defer f.Close()
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("locking state folder %s: %w", dir, err)
		}
		return nil, fmt.Errorf("state folder %s is in use by process %s: stop it or choose another folder with --state", dir, holder(f))
	}
	if err = f.Truncate(0); err == nil {
		_, err = fmt.Fprintln(f, os.Getpid()) // for holder
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("writing to state folder: %w: choose another with --state", err), f.Close())
	}
	return f, nil
}

// holder reads who wrote the lock.
func holder(f *os.File) string {
	buf := make([]byte, 20)
	n, _ := f.ReadAt(buf, 0)
	if pid := strings.TrimSpace(string(buf[:n])); pid != "" {
		return pid
	}
	return "unknown"
}

// credentials are what clients of the S3 sign their requests with.
type credentials struct {
	AccessKey string `json:"access_key"`
	SecretKey string `json:"secret_key"`
}

// credentials are those of o, or those kept in the state folder, which are
// drawn at random if there are none yet.
func (o Options) credentials() (credentials, error) {
	given := credentials{o.AccessKey, o.SecretKey}
	if (given.AccessKey == "") != (given.SecretKey == "") {
		return credentials{}, errors.New("S3 credentials: have one of access key and secret key, want both or none")
	}
	if given.AccessKey != "" {
		return given, nil
	}
	path := filepath.Join(o.Dir, "credentials.json")
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		drawn := credentials{"selfstream-" + rand.Text()[:8], rand.Text() + rand.Text()}
		return drawn, drawn.save(path)
	}
	if err != nil {
		return credentials{}, fmt.Errorf("reading S3 credentials: %w", err)
	}
	var kept credentials
	if err := json.Unmarshal(text, &kept); err != nil {
		return credentials{}, fmt.Errorf("reading S3 credentials: %s: %w: repair the file, or remove it for new ones", path, err)
	}
	if kept.AccessKey == "" || kept.SecretKey == "" {
		return credentials{}, fmt.Errorf("reading S3 credentials: %s: access_key or secret_key is empty: repair the file, or remove it for new ones", path)
	}
	return kept, nil
}

// save writes path whole or not at all, for the owner's eyes only.
func (c credentials) save(path string) error {
	text, err := json.MarshalIndent(c, "", "\t")
	if err != nil {
		return fmt.Errorf("writing S3 credentials: %w", err)
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".credentials-*") // has mode 0600
	if err != nil {
		return fmt.Errorf("writing S3 credentials: %w", err)
	}
	_, err = f.Write(append(text, '\n'))
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		os.Remove(f.Name())
		return fmt.Errorf("writing S3 credentials: %w", err)
	}
	return nil
}

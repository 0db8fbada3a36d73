// Package accesstest runs a versitygw with accounts, as compose.yaml does, for
// tests.
package accesstest

import (
	"context"
	"os"
	"path/filepath"

	"github.com/versity/versitygw/backend/meta"
	"github.com/versity/versitygw/backend/posix"
	"github.com/versity/versitygw/embedgw"
	"github.com/versity/versitygw/s3api"

	"selfstream/stages/bucket"
)

// Options say how to run the server.
type Options struct {
	Dir         string        // of the buckets and of the accounts
	Config      bucket.Config // the address, host:port, and to whom the server belongs
	Certificate string        // file; empty: no TLS
	Key         string        // file of the certificate's key
	Single      bool          // no accounts but the owner's
	Listening   func()        // called when clients can connect; may be nil
}

// Serve runs the server until ctx ends. There can be one in a process, whose
// working directory is elsewhere meanwhile.
func Serve(ctx context.Context, o Options) error {
	before, err := os.Getwd()
	if err != nil {
		return err
	}
	defer func() { _ = os.Chdir(before) }()
	root, accounts := filepath.Join(o.Dir, "s3"), filepath.Join(o.Dir, "accounts")
	for _, dir := range []string{root, accounts} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	files, err := posix.New(root, meta.XattrMeta{}, posix.PosixOpts{})
	if err != nil {
		return err
	}
	config := &embedgw.Config{
		RootUserAccess: o.Config.AccessKey, RootUserSecret: o.Config.SecretKey, Region: o.Config.Region, Ports: []string{o.Config.Endpoint},
		MaxConnections: 1024, MaxRequests: 1024, MultipartMaxParts: 10_000, KeepAlive: true, Quiet: true,
		CertFile: o.Certificate, KeyFile: o.Key, IAMDir: accounts, IAMCacheTTL: 120, IAMCachePrune: 3600,
	}
	if o.Single {
		config.IAMDir = ""
	}
	if o.Listening != nil {
		config.S3Options = []s3api.Option{s3api.WithOnListen(o.Listening)}
	}
	return embedgw.RunVersityGW(ctx, files, config)
}

// Package local turns a folder into a running NATS and S3: the state of a
// whole system below one path, with nothing to install.
//
//	<Dir>/lock              held while a process uses the folder
//	<Dir>/credentials.json  access key and secret key of the S3
//	<Dir>/nats/             what JetStream keeps
//	<Dir>/s3/<bucket>/      objects as plain files: copying a file here uploads it
//	<Dir>/s3-metadata/      only where the file system has no extended attributes
package local

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
)

// Options say where the servers keep their state and where they listen.
type Options struct {
	Dir  string // state folder; made if missing
	Host string // address to listen on; "127.0.0.1" if empty, so that nobody else reaches the servers

	NATSPort    int // 0: any free one
	MonitorPort int // of NATS's own pages, such as /healthz and /jsz; 0: any free one; MonitorOff: none
	S3Port      int // 0: any free one

	// AccessKey and SecretKey of the S3, both or none. If empty, those of
	// credentials.json, which the first start draws at random.
	AccessKey, SecretKey string

	Log *slog.Logger // warnings and errors of the servers; nil: none

	noAttributes bool // for tests: as if the file system had no extended attributes
}

// MonitorOff as a MonitorPort leaves NATS's monitoring pages out.
const MonitorOff = -1

// withDefaults makes Dir absolute: the S3 changes the working directory.
func (o Options) withDefaults() (Options, error) {
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return o, fmt.Errorf("resolving state folder %s: %w", o.Dir, err)
	}
	o.Dir = dir
	if o.Host == "" {
		o.Host = "127.0.0.1"
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o, nil
}

// Local is a running pair of servers.
type Local struct {
	NATS *NATS
	S3   *S3

	dir   string
	lock  *os.File
	close func() error
}

// Start starts both servers and returns when they answer. One process at a
// time can use a state folder, and one process can run one S3.
//
// While the S3 runs, the working directory of the process is <Dir>/s3; see
// StartS3.
func Start(ctx context.Context, o Options) (*Local, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	l := &Local{dir: o.Dir}
	l.close = sync.OnceValue(l.stop)
	if l.lock, err = lock(o.Dir); err != nil {
		return nil, err
	}
	if l.NATS, err = StartNATS(ctx, o); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	if l.S3, err = StartS3(ctx, o); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

// Close stops both servers, which takes seconds at most, and gives the state
// folder free. Start may follow. It can be called again.
func (l *Local) Close() error { return l.close() }

func (l *Local) stop() error {
	var err error
	if l.S3 != nil {
		err = l.S3.Close()
	}
	if l.NATS != nil {
		l.NATS.Close()
	}
	return errors.Join(err, l.lock.Close())
}

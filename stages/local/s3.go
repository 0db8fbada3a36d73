//go:build !noservers

package local

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/versity/versitygw/auth"
	"github.com/versity/versitygw/backend/meta"
	"github.com/versity/versitygw/backend/posix"
	"github.com/versity/versitygw/embedgw"
	"github.com/versity/versitygw/s3api"

	"selfstream/stages/bucket"
)

// region is what clients of the S3 that insist on a region have to say.
const region = "us-east-1"

// S3 is a running S3 server over a plain folder: <Dir>/s3/<bucket>/<key>.
type S3 struct {
	Config bucket.Config // how to reach it
	Dir    string        // folder of the buckets, absolute

	stop  context.CancelFunc
	ended chan struct{}
	err   error // of the server, once it ended
}

// last is the S3 that this process started last: there can be one at a time.
var last struct {
	sync.Mutex
	stopped <-chan struct{} // closed by Close
	ended   <-chan struct{}
}

// StartS3 starts an S3 (versitygw, posix backend) that keeps its buckets as
// folders in <Dir>/s3. There can be one in a process.
//
// The server looks its files up relative to the working directory of the
// process, which therefore is <Dir>/s3 until the server has ended. Whoever
// shares the process resolves paths of users before StartS3 and uses absolute
// ones after it.
func StartS3(ctx context.Context, o Options) (*S3, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	last.Lock()
	defer last.Unlock()
	if err := waitForLast(ctx); err != nil {
		return nil, fmt.Errorf("starting S3: %w", err)
	}
	root := filepath.Join(o.Dir, "s3")
	if err := os.MkdirAll(root, 0o755); err != nil {
		return nil, fmt.Errorf("starting S3: %w", err)
	}
	keys, err := o.credentials()
	if err != nil {
		return nil, err
	}
	if err := checkPort(o.Host, o.S3Port, "S3", "--s3-port"); err != nil {
		return nil, err
	}
	for {
		s, err := serve(ctx, o, root, keys)
		// A free port that was found can be gone before the server takes it.
		if errors.Is(err, syscall.EADDRINUSE) && o.S3Port == 0 {
			continue
		}
		return s, err
	}
}

// waitForLast waits for a stopped S3 to end. While one runs, another would
// move its working directory away.
func waitForLast(ctx context.Context) error {
	if last.ended == nil {
		return nil
	}
	select {
	case <-last.stopped:
	default:
		return errors.New("this process runs one already, and there can be no more")
	}
	select {
	case <-last.ended:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// serve runs the server on o.S3Port, or on a port that was free just now, and
// returns when it listens.
func serve(ctx context.Context, o Options, root string, keys credentials) (*S3, error) {
	addr, err := address(o.Host, o.S3Port)
	if err != nil {
		return nil, err
	}
	before, err := os.Getwd()
	if err != nil {
		return nil, fmt.Errorf("starting S3: %w", err)
	}
	attributes, err := o.attributeStore(root)
	if err != nil {
		return nil, err
	}
	files, err := posix.New(root, attributes, posix.PosixOpts{CopyObjectThreshold: 5 << 30}) // S3's; 0 would refuse copies
	if err != nil {
		return nil, fmt.Errorf("starting S3: %w", err)
	}

	owner := auth.Account{Access: keys.AccessKey, Secret: keys.SecretKey, Role: auth.RoleAdmin}
	listening := make(chan struct{})
	config := &embedgw.Config{
		RootUserAccess:    keys.AccessKey,
		RootUserSecret:    keys.SecretKey,
		IAMService:        single{auth.NewIAMServiceSingle(owner), owner},
		Region:            region,
		Ports:             []string{addr},
		MaxConnections:    4096,
		MaxRequests:       4096,
		MultipartMaxParts: 10_000,
		KeepAlive:         true,
		Quiet:             true,
		S3Options:         []s3api.Option{s3api.WithOnListen(sync.OnceFunc(func() { close(listening) }))},
	}
	run, stop := context.WithCancel(context.Background())
	s := &S3{
		Config: bucket.Config{Endpoint: reachable(addr), AccessKey: keys.AccessKey, SecretKey: keys.SecretKey, Region: region},
		Dir:    root,
		stop:   stop,
		ended:  make(chan struct{}),
	}
	last.stopped, last.ended = run.Done(), s.ended
	go func() {
		defer close(s.ended)
		s.err = errors.Join(embedgw.RunVersityGW(run, listing{files, &memory{large: 5000}}, config), os.Chdir(before))
	}()
	select {
	case <-listening:
		return s, nil
	case <-s.ended:
		stop()
		return nil, fmt.Errorf("starting S3 on %s: %w", addr, s.err)
	case <-ctx.Done():
		return nil, fmt.Errorf("starting S3: %w", errors.Join(ctx.Err(), s.Close()))
	}
}

// single knows one account. It is embedgw's default, but for two things: it
// does not announce itself on stdout, and to a wrong access key the server
// answers as S3 does.
type single struct {
	auth.IAMService
	owner auth.Account
}

func (s single) GetUserAccount(access string) (auth.Account, error) {
	if access != s.owner.Access {
		return auth.Account{}, auth.ErrNoSuchUser
	}
	return s.owner, nil
}

// Close stops the server and puts the working directory back. It can be called
// again.
//
// The server waits up to ten seconds for a client that has connected and says
// nothing. Close does not: after two it leaves the rest to the background, and
// only the next StartS3 waits for it.
func (s *S3) Close() error {
	s.stop()
	select {
	case <-s.ended:
		return s.err
	case <-time.After(2 * time.Second):
		return nil
	}
}

// address is host and port to listen on, with a free port for 0: the server
// would not tell which one it got.
func address(host string, port int) (string, error) {
	ln, err := net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(port)))
	if err != nil {
		return "", fmt.Errorf("looking for a free port for S3: %w", err)
	}
	return ln.Addr().String(), ln.Close()
}

// attributeStore is where the server keeps the ETags of objects and the like:
// in extended attributes of their files, or beside root where the file system
// has none (some network file systems, some mounts in containers).
func (o Options) attributeStore(root string) (meta.MetadataStorer, error) {
	probe, err := os.CreateTemp(o.Dir, ".probe-*")
	if err != nil {
		return nil, fmt.Errorf("starting S3: %w", err)
	}
	defer os.Remove(probe.Name())
	defer probe.Close()
	if !o.noAttributes && (meta.XattrMeta{}).StoreAttribute(probe, "", "", "probe", []byte("1")) == nil {
		return meta.XattrMeta{}, nil
	}
	beside := root + "-metadata"
	if err := os.MkdirAll(beside, 0o755); err != nil {
		return nil, fmt.Errorf("starting S3: %w", err)
	}
	return meta.NewSideCar(beside)
}

//go:build noservers

package local

import (
	"context"
	"errors"

	"github.com/nats-io/nats.go"

	"selfstream/stages/bucket"
)

// errNoServers is what is left of the servers in a program for the images of
// the services, which is half as large without them.
var errNoServers = errors.New("this program was built without NATS and S3 of its own (tag noservers): name running ones with --nats and --s3, or use the whole program")

// NATS stands for a server that this program has not.
type NATS struct{}

// StartNATS returns an error.
func StartNATS(context.Context, Options) (*NATS, error) { return nil, errNoServers }

// URL, MonitorURL, InProcess and Close are never reached.
func (*NATS) URL() string            { return "" }
func (*NATS) MonitorURL() string     { return "" }
func (*NATS) InProcess() nats.Option { return nil }
func (*NATS) Close()                 {}

// S3 stands for a server that this program has not.
type S3 struct {
	Config bucket.Config
	Dir    string
}

// StartS3 returns an error.
func StartS3(context.Context, Options) (*S3, error) { return nil, errNoServers }

// Close is never reached.
func (*S3) Close() error { return nil }

package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"

	"selfstream/stages/bucket"
	"selfstream/stages/flow"
)

// addresses say where a running system is, and by which right somebody comes.
type addresses struct {
	nats natsFlags
	s3   bucket.Config
}

// natsFlags are the address of NATS and the credentials.
type natsFlags struct {
	url                             string
	user, password, creds, nkey     string
	ca, certificate, certificateKey string
}

// addressFlags binds the addresses of a running system.
func (o *options) addressFlags() *addresses {
	a := &addresses{}
	n := &a.nats
	o.StringVar(&n.url, "nats", "nats://127.0.0.1:4222", "`URL` of NATS; several of a cluster with commas between them")
	o.StringVar(&n.user, "nats-user", "", "`name` of a user of NATS")
	o.StringVar(&n.password, "nats-password", "", "`password` of that user; better as SELFSTREAM_NATS_PASSWORD")
	o.StringVar(&n.creds, "nats-creds", "", "`file` with the credentials of a user of NATS, instead of name and password")
	o.StringVar(&n.nkey, "nats-nkey", "", "`file` with the nkey seed of a user of NATS, instead of name and password")
	o.StringVar(&n.ca, "nats-ca", "", "`file` with the authority, in PEM, that has signed the certificate of NATS; makes TLS a must")
	o.StringVar(&n.certificate, "nats-cert", "", "`file` with a certificate to show to NATS, in PEM")
	o.StringVar(&n.certificateKey, "nats-cert-key", "", "`file` with its key")
	o.s3At(&a.s3)
	return a
}

// s3At binds the address of a running S3.
func (o *options) s3At(c *bucket.Config) {
	o.StringVar(&c.Endpoint, "s3", "http://127.0.0.1:7070", "`URL` of the S3")
	o.s3Flags(c)
}

// s3Flags binds what an S3 wants to know besides its address.
func (o *options) s3Flags(c *bucket.Config) {
	o.StringVar(&c.AccessKey, "s3-access-key", "", "access `key` of the S3")
	o.StringVar(&c.SecretKey, "s3-secret-key", "", "secret `key` of the S3; better as SELFSTREAM_S3_SECRET_KEY")
	o.StringVar(&c.Region, "s3-region", "us-east-1", "`region` of the S3")
	o.StringVar(&c.CAFile, "s3-ca", "", "`file` with the authority, in PEM, that has signed the certificate of the S3")
}

// connect returns a connection to NATS.
func (n *natsFlags) connect(ctx context.Context, cfg flow.Config) (*flow.Flow, error) {
	options, err := n.options()
	if err != nil {
		return nil, usageError{err}
	}
	cfg.URL, cfg.Options = n.url, append(cfg.Options, options...)
	return flow.Connect(ctx, cfg)
}

// options are what the flags mean to the client. Files are read now, so that a
// wrong name is told as such.
func (n *natsFlags) options() (all []nats.Option, err error) {
	ways := 0
	for _, set := range []bool{n.user != "" || n.password != "", n.creds != "", n.nkey != ""} {
		if set {
			ways++
		}
	}
	if ways > 1 {
		return nil, errors.New("have several of --nats-user, --nats-creds and --nats-nkey, want one")
	}
	switch {
	case n.user != "":
		all = append(all, nats.UserInfo(n.user, n.password))
	case n.password != "":
		return nil, errors.New("have a --nats-password and no --nats-user")
	case n.creds != "":
		all = append(all, nats.UserCredentials(n.creds))
	case n.nkey != "":
		key, err := nats.NkeyOptionFromSeed(n.nkey)
		if err != nil {
			return nil, fmt.Errorf("--nats-nkey: %w", err)
		}
		all = append(all, key)
	}
	if n.ca != "" {
		all = append(all, nats.RootCAs(n.ca))
	}
	if (n.certificate == "") != (n.certificateKey == "") {
		return nil, errors.New("have one of --nats-cert and --nats-cert-key, want both or none")
	}
	if n.certificate != "" {
		all = append(all, nats.ClientCert(n.certificate, n.certificateKey))
	}
	return all, nil
}

// Names of the buckets.
const (
	datasetsBucket = "datasets"
	runsBucket     = "runs"
)

// buckets are where everything lies.
type buckets struct{ datasets, runs *bucket.S3 }

func openBuckets(ctx context.Context, cfg bucket.Config) (b buckets, err error) {
	if b.datasets, err = bucket.Open(ctx, cfg, datasetsBucket); err != nil {
		return b, err
	}
	if b.runs, err = bucket.Open(ctx, cfg, runsBucket); err != nil {
		b.datasets.Close()
	}
	return b, err
}

// close lets go of idle connections, which an embedded S3 would wait for.
func (b buckets) close() {
	for _, one := range []*bucket.S3{b.datasets, b.runs} {
		if one != nil {
			one.Close()
		}
	}
}

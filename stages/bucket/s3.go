package bucket

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"selfstream/schemas/digest"
)

// Config says how to reach an S3 server.
type Config struct {
	Endpoint             string // host:port, or a URL of http or https without a path
	AccessKey, SecretKey string // both empty: anonymous
	Region               string // empty: asked of the server
	Secure               bool   // HTTPS, where Endpoint is no URL
	CAFile               string // PEM of authorities that are trusted besides the system's; may be empty
}

// S3 is a Bucket on an S3 server.
type S3 struct {
	core      minio.Core
	transport *http.Transport
	name      string
	config    Config
	policy    policy
}

// Client is a client of the server, and the transport that it uses.
func (c Config) Client() (*minio.Client, *http.Transport, error) {
	endpoint, secure := c.Endpoint, c.Secure
	if scheme, rest, ok := strings.Cut(endpoint, "://"); ok {
		endpoint, secure = strings.TrimSuffix(rest, "/"), scheme == "https"
	}
	transport, err := newTransport(c.CAFile)
	if err != nil {
		return nil, nil, err
	}
	client, err := minio.New(endpoint, &minio.Options{
		Creds:      credentials.NewStaticV4(c.AccessKey, c.SecretKey, ""),
		Secure:     secure,
		Region:     c.Region,
		Transport:  transport,
		MaxRetries: 1, // policy retries
	})
	if err != nil {
		return nil, nil, fmt.Errorf("endpoint %q: %w: want host:port", c.Endpoint, err)
	}
	return client, transport, nil
}

// Open connects to the bucket called name and makes it if it is missing. A
// server that cannot be reached is an error within seconds, without retries.
func Open(ctx context.Context, c Config, name string) (*S3, error) {
	client, transport, err := c.Client()
	if err != nil {
		return nil, fmt.Errorf("opening bucket %s: %w", name, err)
	}
	s := &S3{minio.Core{Client: client}, transport, name, c, defaultPolicy}
	if err := s.ensure(ctx); err != nil {
		return nil, fmt.Errorf("opening bucket %s: %w", name, s.explain(err))
	}
	return s, nil
}

// ensure makes the bucket if it is missing. A server that answers is asked
// again: versitygw has only errors of its own for a bucket that somebody else is
// just making. One that does not answer is not waited for: its address may be
// wrong.
func (s *S3) ensure(ctx context.Context) error {
	p := s.policy
	p.patience = min(p.patience, 10*time.Second)
	for n := 1; ; n++ {
		err := s.ensureOnce(ctx, p)
		if answer := (minio.ErrorResponse{}); err == nil || !errors.As(err, &answer) || !p.again(ctx, n, err) {
			return err
		}
	}
}

// ensureOnce looks by listing: the answer to a HEAD request has no room for the
// reason of a refusal.
func (s *S3) ensureOnce(ctx context.Context, p policy) error {
	return p.try(ctx, func(a *attempt) error {
		for o := range s.core.ListObjectsIter(a.ctx, s.name, minio.ListObjectsOptions{MaxKeys: 1}) {
			if minio.ToErrorResponse(o.Err).Code == minio.NoSuchBucket {
				err := s.core.MakeBucket(a.ctx, s.name, minio.MakeBucketOptions{Region: s.config.Region})
				if minio.ToErrorResponse(err).Code == minio.BucketAlreadyOwnedByYou {
					return nil // another process was faster
				}
				return err
			}
			return o.Err
		}
		return a.ctx.Err() // the bucket is empty, or time is up
	})
}

func newTransport(caFile string) (*http.Transport, error) {
	// A new connection for every small image would cost more than the image.
	const idle = 128
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.DialContext = (&net.Dialer{Timeout: 5 * time.Second}).DialContext
	t.MaxIdleConns, t.MaxIdleConnsPerHost = idle, idle
	t.DisableCompression = true // the bytes are wanted as they are
	t.ForceAttemptHTTP2 = false // one connection for all would be the bottleneck
	if caFile == "" {
		return t, nil
	}
	pem, err := os.ReadFile(caFile)
	if err != nil {
		return nil, fmt.Errorf("reading the authorities to trust: %w", err)
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("reading the authorities to trust: no certificate in PEM in %s", caFile)
	}
	t.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	return t, nil
}

// Name of the bucket.
func (s *S3) Name() string { return s.name }

// Close gives the idle connections back. A server that is about to stop may
// wait for them.
func (s *S3) Close() { s.transport.CloseIdleConnections() }

func (s *S3) Get(ctx context.Context, key string, limit int64) ([]byte, Info, error) {
	var data []byte
	var info Info
	err := s.retry(ctx, "reading", key, func(a *attempt) error {
		body, o, _, err := s.core.GetObject(a.ctx, s.name, key, minio.GetObjectOptions{})
		if err != nil {
			return err
		}
		defer body.Close()
		if info = infoOf(o); info.Size > limit {
			return fmt.Errorf("%w: have %d bytes, want at most %d", ErrTooLarge, info.Size, limit)
		}
		a.expect(info.Size)
		data = make([]byte, info.Size)
		_, err = io.ReadFull(body, data)
		return err
	})
	if err != nil {
		return nil, info, err
	}
	return data, info, nil
}

func (s *S3) GetRange(ctx context.Context, key string, offset, n int64) ([]byte, Info, error) {
	var data []byte
	var info Info
	err := s.retry(ctx, "reading", key, func(a *attempt) error {
		var opts minio.GetObjectOptions
		if err := opts.SetRange(offset, offset+max(n, 1)-1); err != nil {
			return err
		}
		a.expect(n)
		body, o, header, err := s.core.GetObject(a.ctx, s.name, key, opts)
		if minio.ToErrorResponse(err).StatusCode == http.StatusRequestedRangeNotSatisfiable {
			return nil // there is no byte after the last
		}
		if err != nil {
			return err
		}
		defer body.Close()
		info = infoOf(o)
		if _, total, ok := strings.Cut(header.Get("Content-Range"), "/"); ok {
			if info.Size, err = strconv.ParseInt(total, 10, 64); err != nil {
				return fmt.Errorf("reading the size of the object: %w", err)
			}
		} else if _, err := io.CopyN(io.Discard, body, min(offset, o.Size)); err != nil {
			return err // of a server that does not know ranges, and sends the whole object
		}
		data = make([]byte, min(max(n, 0), max(info.Size-offset, 0)))
		_, err = io.ReadFull(body, data)
		return err
	})
	if err != nil {
		return nil, info, err
	}
	return data, info, nil
}

func (s *S3) Stat(ctx context.Context, key string) (Info, error) {
	var info Info
	err := s.retry(ctx, "looking for", key, func(a *attempt) error {
		o, err := s.core.StatObject(a.ctx, s.name, key, minio.StatObjectOptions{})
		info = infoOf(o)
		return err
	})
	return info, err
}

func (s *S3) Put(ctx context.Context, key string, data []byte) error {
	_, _, err := s.put(ctx, key, data, minio.PutObjectOptions{})
	return err
}

func (s *S3) Replace(ctx context.Context, key, etag string, data []byte) (string, error) {
	var opts minio.PutObjectOptions
	if etag == "" {
		opts.SetMatchETagExcept("*")
	} else {
		opts.SetMatchETag(etag)
	}
	written, tries, err := s.put(ctx, key, data, opts)
	if errors.Is(err, fs.ErrNotExist) { // what the server says of an object to be replaced
		return "", fmt.Errorf("writing %s in bucket %s: %w: it is gone", key, s.name, ErrChanged)
	}
	if !errors.Is(err, ErrChanged) || tries == 1 {
		return written, err
	}
	// It may have been changed by this call, with the answer lost.
	have, info, readErr := s.Get(ctx, key, int64(len(data)))
	switch {
	case readErr == nil && info.ETag != etag && bytes.Equal(have, data):
		return info.ETag, nil
	case readErr == nil, errors.Is(readErr, ErrTooLarge), errors.Is(readErr, fs.ErrNotExist):
		return "", err
	}
	return "", readErr
}

// put writes an object and returns its ETag, and how many tries it took.
func (s *S3) put(ctx context.Context, key string, data []byte, opts minio.PutObjectOptions) (etag string, tries int, err error) {
	if err := CheckKey(key); err != nil {
		return "", 0, fmt.Errorf("writing: %w", err)
	}
	// One request whose signature covers the digest, however large: servers
	// replace an object at the end of a request, and refuse one that was cut
	// off. Chunk signatures, the other way, make versitygw forget a chunk of
	// length 0 on the connection, where it spoils the next request.
	opts.DisableContentSha256 = true
	sum := digest.Sum(data)
	err = s.retry(ctx, "writing", key, func(a *attempt) error {
		tries++
		size := int64(len(data))
		a.expect(size)
		o, err := s.core.PutObject(a.ctx, s.name, key, bytes.NewReader(data), size, "", hex.EncodeToString(sum[:]), opts)
		etag = o.ETag
		return err
	})
	return etag, tries, err
}

func (s *S3) Delete(ctx context.Context, key string) error {
	err := s.retry(ctx, "deleting", key, func(a *attempt) error {
		return s.core.RemoveObject(a.ctx, s.name, key, minio.RemoveObjectOptions{})
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// List asks for a page at a time, so the loop may take as long as it likes.
func (s *S3) List(ctx context.Context, prefix string) iter.Seq2[Info, error] {
	return func(yield func(Info, error) bool) {
		last := ""
		for tries := 1; ; tries++ {
			opts := minio.ListObjectsOptions{Prefix: prefix, Recursive: true, StartAfter: last, FetchOwner: new(bool)}
			var err error
			for o := range s.core.ListObjectsIter(ctx, s.name, opts) {
				if err = o.Err; err != nil {
					break
				}
				if !yield(infoOf(o), nil) {
					return
				}
				last, tries = o.Key, 1
			}
			if err == nil {
				err = ctx.Err() // at which the iterator ends in silence
			}
			if err == nil {
				return
			}
			if !s.policy.again(ctx, tries, err) {
				yield(Info{}, fmt.Errorf("listing %s in bucket %s: %w", prefix, s.name, s.explain(err)))
				return
			}
		}
	}
}

func (s *S3) Folders(ctx context.Context, prefix string) ([]string, error) {
	var names []string
	err := s.retry(ctx, "listing folders of", prefix, func(a *attempt) error {
		names = names[:0]
		for o := range s.core.ListObjectsIter(a.ctx, s.name, minio.ListObjectsOptions{Prefix: prefix, FetchOwner: new(bool)}) {
			if o.Err != nil {
				return o.Err
			}
			if name, ok := strings.CutSuffix(strings.TrimPrefix(o.Key, prefix), "/"); ok && name != "" {
				names = append(names, name)
			}
		}
		return a.ctx.Err() // at which the iterator ends in silence
	})
	slices.Sort(names) // S3 sorts them with their slashes
	return names, err
}

// Health asks once whether the server answers for the bucket.
func (s *S3) Health(ctx context.Context) error {
	opts := minio.ListObjectsOptions{MaxKeys: 1, FetchOwner: new(bool)}
	for o := range s.core.ListObjectsIter(ctx, s.name, opts) {
		if o.Err != nil {
			return fmt.Errorf("bucket %s: %w", s.name, s.explain(o.Err))
		}
		break
	}
	return ctx.Err()
}

func infoOf(o minio.ObjectInfo) Info {
	return Info{Key: o.Key, Size: o.Size, ETag: o.ETag, Modified: o.LastModified}
}

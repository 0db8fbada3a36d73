package bucket

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"slices"
	"syscall"
	"time"

	"github.com/minio/minio-go/v7"
)

// policy says how long to wait for a server and how often to ask again.
type policy struct {
	tries    int           // at one object, in all
	pause    time.Duration // before the second try; it doubles from there, up to maxPause
	maxPause time.Duration
	patience time.Duration // for one try at an object of no size
	slowest  int64         // bytes that a second longer is waited for
}

// With defaultPolicy a server may be away for about nine seconds.
var defaultPolicy = policy{
	tries:    8,
	pause:    100 * time.Millisecond,
	maxPause: 3 * time.Second,
	patience: 30 * time.Second,
	slowest:  256 << 10,
}

// attempt is one try at an object.
type attempt struct {
	ctx    context.Context // ends when patience does
	policy policy
	timer  *time.Timer
}

// expect gives the attempt the time that size bytes take.
func (a *attempt) expect(size int64) {
	a.timer.Reset(a.policy.patience + time.Duration(size/a.policy.slowest)*time.Second)
}

var errSlow = errors.New("server takes too long")

// retry calls do until it succeeds, fails for good, or has been called often
// enough. The error says what was done to which object.
func (s *S3) retry(ctx context.Context, doing, key string, do func(*attempt) error) error {
	for n := 1; ; n++ {
		err := s.policy.try(ctx, do)
		if err == nil {
			return nil
		}
		if !s.policy.again(ctx, n, err) {
			why := s.explain(err)
			if ctx.Err() == nil && canPass(err) {
				why = fmt.Errorf("%w: %w", ErrUnavailable, why)
			}
			return fmt.Errorf("%s %s in bucket %s: %w", doing, key, s.name, why)
		}
	}
}

func (p policy) try(ctx context.Context, do func(*attempt) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	timer := time.AfterFunc(p.patience, func() { cancel(errSlow) })
	defer timer.Stop()
	err := do(&attempt{ctx, p, timer})
	if err != nil && errors.Is(context.Cause(ctx), errSlow) {
		return errSlow
	}
	return err
}

// again waits, and tells whether to try again after the n-th try ended in err.
func (p policy) again(ctx context.Context, n int, err error) bool {
	if n >= p.tries || ctx.Err() != nil || !canPass(err) {
		return false
	}
	pause := min(p.pause<<(n-1), p.maxPause)
	select {
	case <-time.After(pause/2 + rand.N(pause/2+1)): // so that a crowd does not come back at once
		return true
	case <-ctx.Done():
		return false
	}
}

// canPass tells whether the same request may succeed later.
func canPass(err error) bool {
	var cert *tls.CertificateVerificationError
	switch {
	case errors.Is(err, ErrTooLarge), errors.As(err, &cert), errors.Is(err, http.ErrSchemeMismatch):
		return false
	case errors.Is(err, io.ErrUnexpectedEOF):
		return true // the body was cut off
	}
	var answer minio.ErrorResponse
	if !errors.As(err, &answer) {
		return true // no answer at all
	}
	switch answer.Code {
	case "RequestTimeout", "SlowDown", "IncompleteBody", "BadDigest", "XAmzContentSHA256Mismatch", "NoSuchUpload":
		return true
	case "InsufficientStorage":
		return false
	}
	return answer.StatusCode >= 500 && answer.StatusCode != http.StatusNotImplemented ||
		answer.StatusCode == http.StatusRequestTimeout || answer.StatusCode == http.StatusTooManyRequests
}

// explain says in words of the pipeline what the server meant, and what to do
// about it.
func (s *S3) explain(err error) error {
	var answer minio.ErrorResponse
	var cert *tls.CertificateVerificationError
	server := s.core.EndpointURL()
	switch {
	case errors.Is(err, ErrTooLarge), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.Is(err, http.ErrSchemeMismatch):
		return fmt.Errorf("%w: the server at %s does not speak HTTPS: write its endpoint with http://", err, server)
	case errors.As(err, &cert):
		return fmt.Errorf("%w: let this machine trust the certificate of %s", err, server)
	case !errors.As(err, &answer):
		return fmt.Errorf("S3 does not answer at %s: %w: is it running there, and is the endpoint right (http or https)?", server, err)
	}

	has := func(codes ...string) bool { return slices.Contains(codes, answer.Code) }
	switch {
	case answer.StatusCode == http.StatusPreconditionFailed, has("ConditionalRequestConflict"):
		return ErrChanged
	case has("NoSuchKey", "NoSuchVersion"):
		return fs.ErrNotExist
	case has("NoSuchBucket"):
		return fmt.Errorf("%s has no such bucket: make it again, or check its name", server)
	case has("XMinioInvalidObjectName", "KeyTooLongError", "InvalidURI"):
		return fmt.Errorf("%w: %s", fs.ErrInvalid, answer.Message)
	case has("RequestTimeTooSkewed"):
		return fmt.Errorf("%s at %s: set this machine's clock right", answer.Message, server)
	case has("AuthorizationHeaderMalformed", "InvalidRegion", "IllegalLocationConstraintException"):
		return fmt.Errorf("%s at %s: set the region to the bucket's", answer.Message, server)
	case answer.StatusCode == http.StatusForbidden || answer.StatusCode == http.StatusUnauthorized:
		return fmt.Errorf("%w: %s refuses access key %q (%s): check access key and secret key, and what they may do", fs.ErrPermission, server, s.config.AccessKey, answer.Code)
	case has("InsufficientStorage", "XMinioStorageFull"):
		return fmt.Errorf("%w: make room on the disk of the S3 at %s", syscall.ENOSPC, server)
	}
	return fmt.Errorf("S3 at %s: %s: %w", server, answer.Code, answer)
}

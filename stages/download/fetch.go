package download

import (
	"context"
	"crypto/md5"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"
)

const (
	tries = 6 // of all addresses, without a byte of progress in between
	stall = time.Minute
)

// pause is how long to wait before the second try; it doubles from there.
var pause = time.Second

// errGone marks an address that need not be tried again.
var errGone = errors.New("no use in trying again")

// fetch downloads the archive to the file archive, unless it is there, and
// checks it. What has come so far is in archive+".part".
func (s Set) fetch(ctx context.Context, archive string, progress func(done, total int64)) error {
	if _, err := os.Stat(archive); err == nil {
		return nil // it was checked before it got this name
	}
	part, err := os.OpenFile(archive+".part", os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return err
	}
	defer part.Close()
	if err := s.download(ctx, part, progress); err != nil {
		return err
	}
	if err := s.check(part); err != nil {
		return errors.Join(err, os.Remove(part.Name()))
	}
	return os.Rename(part.Name(), archive)
}

// download brings part to its full length, from whichever address answers, in
// as many requests as it takes.
func (s Set) download(ctx context.Context, part *os.File, progress func(done, total int64)) error {
	addresses := slices.Clone(s.Addresses)
	var gone []error
	var longest int64
	for n := 1; ; n++ {
		var last error
		for _, address := range slices.Clone(addresses) {
			before, err := part.Seek(0, io.SeekEnd)
			if err != nil {
				return err
			}
			err = request(ctx, address, part, before, progress)
			var disk *fs.PathError
			if err == nil || ctx.Err() != nil || errors.As(err, &disk) {
				return err
			}
			if errors.Is(err, errGone) {
				gone = append(gone, err)
				addresses = slices.DeleteFunc(addresses, func(a string) bool { return a == address })
				continue
			}
			if after, _ := part.Seek(0, io.SeekEnd); after > max(before, longest) {
				n, longest = 1, after
			}
			last = err
		}
		if len(addresses) == 0 {
			return errors.Join(gone...)
		}
		if n == tries {
			return fmt.Errorf("%w: check the network and run it again: it goes on where it ended", last)
		}
		select {
		case <-time.After(pause << (n - 1)):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// request asks for what is missing of address after the first have bytes, and
// appends it to part.
func request(ctx context.Context, address string, part *os.File, have int64, progress func(done, total int64)) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watchdog := time.AfterFunc(stall, func() { cancel(fmt.Errorf("%s sends nothing for %v", address, stall)) })
	defer watchdog.Stop()

	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return fmt.Errorf("%w: %w", errGone, err)
	}
	if have > 0 {
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", have))
	}
	// Some servers label a .gz as compressed for the way, which net/http would
	// undo.
	req.Header.Set("Accept-Encoding", "identity")
	resp, err := http.DefaultClient.Do(req)
	var cert *tls.CertificateVerificationError
	if errors.As(err, &cert) {
		return fmt.Errorf("%w: %w", err, errGone)
	}
	if err != nil {
		return errors.Join(err, context.Cause(ctx))
	}
	defer resp.Body.Close()
	switch code := resp.StatusCode; {
	case code == http.StatusPartialContent && strings.HasPrefix(resp.Header.Get("Content-Range"), fmt.Sprintf("bytes %d-", have)):
	case code == http.StatusOK: // all of it, also where only the rest was asked for
		have = 0
		if err := part.Truncate(0); err != nil {
			return err
		}
	case code == http.StatusRequestedRangeNotSatisfiable:
		return nil // there is no more; the checksum will tell whether there is too much
	case code >= 500 || code == http.StatusTooManyRequests || code == http.StatusRequestTimeout:
		return fmt.Errorf("%s answers %s", address, resp.Status)
	default:
		return fmt.Errorf("%s answers %s: %w", address, resp.Status, errGone)
	}
	if _, err := part.Seek(have, io.SeekStart); err != nil {
		return err
	}
	total := int64(-1)
	if resp.ContentLength >= 0 {
		total = have + resp.ContentLength
	}
	body := &counter{r: resp.Body, n: have, tell: func(n int64) {
		watchdog.Reset(stall)
		progress(n, total)
	}}
	if _, err := io.Copy(part, body); err != nil {
		return errors.Join(fmt.Errorf("reading %s: %w", address, err), context.Cause(ctx))
	}
	return nil
}

// check compares the file with the checksum.
func (s Set) check(f *os.File) error {
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	sum := md5.New()
	n, err := io.Copy(sum, f)
	if err != nil {
		return err
	}
	if have := hex.EncodeToString(sum.Sum(nil)); have != s.MD5 {
		return fmt.Errorf("the archive of %d bytes is not the one that was published: have MD5 %s, want %s: it has been removed; run it again, and if that does not help, the owner has changed it", n, have, s.MD5)
	}
	return nil
}

// counter tells how many bytes have been read, starting from n.
type counter struct {
	r    io.Reader
	n    int64
	tell func(n int64)
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	c.tell(c.n)
	return n, err
}

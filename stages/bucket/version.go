package bucket

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"
)

// Version tells what a dataset is made of, without a look into its files.
type Version struct {
	Files  int    // visible ones
	SHA256 string // lower-case hex of a digest over them
}

// ReadVersion lists the dataset called name. Its digest is over the key, size
// and ETag of every file that is not hidden, in the order of the keys, or over
// the time of its last change where the server knows no ETag.
func ReadVersion(ctx context.Context, b Bucket, name string) (Version, error) {
	if err := CheckKey(name); err != nil {
		return Version{}, fmt.Errorf("listing dataset: name: %w", err)
	}
	prefix, digest, v := name+"/", sha256.New(), Version{}
	for info, err := range b.List(ctx, prefix) {
		if err != nil {
			return Version{}, fmt.Errorf("listing dataset %s: %w", name, err)
		}
		if unseen(info.Key[len(prefix):]) {
			continue
		}
		is := info.ETag
		if is == "" {
			is = info.Modified.UTC().Format(time.RFC3339Nano)
		}
		v.Files++
		fmt.Fprintf(digest, "%q %d %q\n", info.Key[len(prefix):], info.Size, is)
	}
	v.SHA256 = hex.EncodeToString(digest.Sum(nil))
	return v, nil
}

package bucket_test

import (
	"context"
	"fmt"
	"os"
	"sync/atomic"
	"testing"

	"selfstream/stages/bucket"
	"selfstream/stages/bucket/buckettest"
	"selfstream/stages/local"
)

// server is the embedded S3, of which a process can have one.
var server *local.S3

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "selfstream-bucket-*")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	server, err = local.StartS3(context.Background(), local.Options{Dir: dir})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer server.Close()
	return m.Run()
}

var buckets atomic.Int32

func openS3(t *testing.T) *bucket.S3 {
	t.Helper()
	b, err := bucket.Open(t.Context(), server.Config, fmt.Sprintf("test-%d", buckets.Add(1)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return b
}

func TestMemory(t *testing.T) {
	buckettest.Run(t, func(*testing.T) bucket.Bucket { return new(bucket.Memory) })
}

func TestS3(t *testing.T) {
	buckettest.Run(t, func(t *testing.T) bucket.Bucket { return openS3(t) })
}

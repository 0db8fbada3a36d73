package local

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awskeys "github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/minio/minio-go/v7"
	miniokeys "github.com/minio/minio-go/v7/pkg/credentials"
)

// noise is n bytes that are not alike.
func noise(n int) []byte {
	b := make([]byte, n)
	for i, r := 0, rand.New(rand.NewPCG(1, 2)); i < n; i++ {
		b[i] = byte(r.Uint32())
	}
	return b
}

// TestMinioClient does what mc does: whole and multipart uploads, ranges,
// copies, signed links.
func TestMinioClient(t *testing.T) {
	l := start(t, Options{Dir: t.TempDir()})
	c := l.S3.Config
	client, err := minio.New(c.Endpoint, &minio.Options{Creds: miniokeys.NewStaticV4(c.AccessKey, c.SecretKey, "")})
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	if err := client.MakeBucket(ctx, "datasets", minio.MakeBucketOptions{}); err != nil {
		t.Fatal(err)
	}
	if buckets, err := client.ListBuckets(ctx); err != nil || len(buckets) != 1 || buckets[0].Name != "datasets" {
		t.Fatalf("ListBuckets: have %v, %v, want datasets", buckets, err)
	}

	data := noise(12 << 20)
	up, err := client.PutObject(ctx, "datasets", "big/in parts", bytes.NewReader(data), int64(len(data)), minio.PutObjectOptions{PartSize: 5 << 20})
	if err != nil {
		t.Fatal(err)
	}
	onDisk, err := os.ReadFile(filepath.Join(l.S3.Dir, "datasets", "big", "in parts"))
	if err != nil || !bytes.Equal(onDisk, data) {
		t.Errorf("file on disk: have %d bytes, %v, want the %d of the upload", len(onDisk), err, len(data))
	}
	object, err := client.GetObject(ctx, "datasets", "big/in parts", minio.GetObjectOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer object.Close()
	part := make([]byte, 1000)
	if _, err := object.ReadAt(part, 7<<20); err != nil || !bytes.Equal(part, data[7<<20:][:1000]) {
		t.Errorf("range: have error %v, want 1000 bytes from 7 MiB", err)
	}
	copied, err := client.CopyObject(ctx, minio.CopyDestOptions{Bucket: "datasets", Object: "copy"}, minio.CopySrcOptions{Bucket: "datasets", Object: "big/in parts"})
	if err != nil || copied.Key != "copy" {
		t.Errorf("CopyObject: %v", err)
	}
	if stat, err := client.StatObject(ctx, "datasets", "big/in parts", minio.StatObjectOptions{}); err != nil || stat.Size != int64(len(data)) || stat.ETag != up.ETag {
		t.Errorf("StatObject: have %+v, %v, want size %d, ETag %s", stat, err, len(data), up.ETag)
	}

	link, err := client.PresignedGetObject(ctx, "datasets", "copy", time.Minute, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.Get(link.String())
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, err := io.ReadAll(resp.Body); err != nil || !bytes.Equal(body, data) {
		t.Errorf("signed link: have %s, %d bytes, %v", resp.Status, len(body), err)
	}
	if err := client.RemoveObject(ctx, "datasets", "copy", minio.RemoveObjectOptions{}); err != nil {
		t.Error(err)
	}
	if _, err := client.StatObject(ctx, "datasets", "copy", minio.StatObjectOptions{}); minio.ToErrorResponse(err).StatusCode != http.StatusNotFound {
		t.Errorf("StatObject of what was removed: have error %v, want 404", err)
	}
}

// TestAWSClient does what boto3 and the aws command do, which share their
// signatures, their checksums in trailers and their parts with this library.
func TestAWSClient(t *testing.T) {
	l := start(t, Options{Dir: t.TempDir()})
	c := l.S3.Config
	client := s3.New(s3.Options{
		BaseEndpoint: aws.String("http://" + c.Endpoint),
		Region:       c.Region,
		Credentials:  awskeys.NewStaticCredentialsProvider(c.AccessKey, c.SecretKey, ""),
		UsePathStyle: true,
	})
	ctx, name := t.Context(), aws.String("datasets")

	// A bucket may be a folder that somebody made, with files that somebody
	// copied.
	byHand := filepath.Join(l.S3.Dir, "datasets", "photos", "a b")
	if err := os.MkdirAll(byHand, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(byHand, "ü.jpg"), []byte("by hand"), 0o644); err != nil {
		t.Fatal(err)
	}
	for key, data := range map[string][]byte{"photos/c.jpg": []byte("uploaded"), "photos/empty": nil, "marker/": nil} {
		if _, err := client.PutObject(ctx, &s3.PutObjectInput{Bucket: name, Key: &key, Body: bytes.NewReader(data)}); err != nil {
			t.Fatalf("PutObject(%q): %v", key, err)
		}
	}
	list, err := client.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: name})
	if err != nil {
		t.Fatal(err)
	}
	var keys []string
	for _, o := range list.Contents {
		keys = append(keys, *o.Key)
	}
	if want := []string{"marker/", "photos/a b/ü.jpg", "photos/c.jpg", "photos/empty"}; !slices.Equal(keys, want) {
		t.Errorf("ListObjectsV2: have %q, want %q", keys, want)
	}
	folders, err := client.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: name, Delimiter: aws.String("/")})
	if err != nil || len(folders.CommonPrefixes) != 2 || *folders.CommonPrefixes[1].Prefix != "photos/" {
		t.Errorf("ListObjectsV2 of folders: have %+v, %v, want marker/ and photos/", folders, err)
	}
	get := func(key, bytes string) string {
		in := &s3.GetObjectInput{Bucket: name, Key: &key}
		if bytes != "" {
			in.Range = aws.String("bytes=" + bytes)
		}
		out, err := client.GetObject(ctx, in)
		if err != nil {
			t.Fatalf("GetObject(%q): %v", key, err)
		}
		defer out.Body.Close()
		data, err := io.ReadAll(out.Body)
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	for _, tc := range []struct{ key, bytes, want string }{
		{"photos/a b/ü.jpg", "", "by hand"},
		{"photos/c.jpg", "2-4", "loa"},
		{"photos/c.jpg", "-3", "ded"},
		{"photos/empty", "", ""},
	} {
		if have := get(tc.key, tc.bytes); have != tc.want {
			t.Errorf("%s, bytes %q: have %q, want %q", tc.key, tc.bytes, have, tc.want)
		}
	}

	data := noise(11 << 20)
	upload(ctx, t, client, "datasets", "in parts", data, 5<<20)
	if have := get("in parts", ""); have != string(data) {
		t.Errorf("multipart: have %d bytes, want the %d of the upload", len(have), len(data))
	}

	_, err = client.GetObject(ctx, &s3.GetObjectInput{Bucket: name, Key: aws.String("missing")})
	var missing *types.NoSuchKey
	if !errors.As(err, &missing) {
		t.Errorf("GetObject(missing): have error %v, want NoSuchKey", err)
	}
	removed, err := client.DeleteObjects(ctx, &s3.DeleteObjectsInput{Bucket: name, Delete: &types.Delete{
		Objects: []types.ObjectIdentifier{{Key: aws.String("in parts")}, {Key: aws.String("photos/c.jpg")}},
	}})
	if err != nil || len(removed.Errors) > 0 {
		t.Errorf("DeleteObjects: have %+v, %v", removed, err)
	}
	if files, err := os.ReadDir(filepath.Join(l.S3.Dir, "datasets", "photos")); err != nil || len(files) != 2 {
		t.Errorf("folder photos: have %v, %v, want 2 entries", files, err)
	}
}

func upload(ctx context.Context, t *testing.T, client *s3.Client, name, key string, data []byte, size int) {
	t.Helper()
	up, err := client.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: &name, Key: &key})
	if err != nil {
		t.Fatal(err)
	}
	var parts []types.CompletedPart
	for part := range slices.Chunk(data, size) {
		n := aws.Int32(int32(len(parts) + 1))
		out, err := client.UploadPart(ctx, &s3.UploadPartInput{Bucket: &name, Key: &key, UploadId: up.UploadId, PartNumber: n, Body: bytes.NewReader(part)})
		if err != nil {
			t.Fatal(err)
		}
		parts = append(parts, types.CompletedPart{ETag: out.ETag, PartNumber: n, ChecksumCRC32: out.ChecksumCRC32})
	}
	if _, err := client.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{
		Bucket: &name, Key: &key, UploadId: up.UploadId, MultipartUpload: &types.CompletedMultipartUpload{Parts: parts},
	}); err != nil {
		t.Fatal(err)
	}
}

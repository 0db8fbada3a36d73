package access

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"

	"selfstream/schemas"
	"selfstream/stages/access/accesstest"
	"selfstream/stages/bucket"
)

var names = Buckets{Datasets: "datasets", Runs: "runs"}

// start starts a server that ends with the test.
func start(t *testing.T, single bool) (root bucket.Config) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	root = bucket.Config{Endpoint: ln.Addr().String(), AccessKey: "root", SecretKey: "secret-of-root", Region: "us-east-1"}
	if err := ln.Close(); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	listening, ended := make(chan struct{}), make(chan error, 1)
	o := accesstest.Options{Dir: t.TempDir(), Config: root, Single: single, Listening: sync.OnceFunc(func() { close(listening) })}
	go func() { ended <- accesstest.Serve(ctx, o) }()
	select {
	case <-listening:
	case err := <-ended:
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return root
}

func secrets() map[string]string {
	all := map[string]string{}
	for _, service := range Services() {
		all[service] = "secret-of-" + service
	}
	return all
}

// client is a client of root's server for somebody.
func client(t *testing.T, root bucket.Config, who, secret string) *minio.Client {
	t.Helper()
	root.AccessKey, root.SecretKey = who, secret
	c, transport, err := root.Client()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(transport.CloseIdleConnections)
	return c
}

// attempt is something that somebody could want to do with an S3.
type attempt struct {
	name string
	who  []string // may do it
	do   func(context.Context, *minio.Client) error
}

func list(bucket, prefix string) func(context.Context, *minio.Client) error {
	return func(ctx context.Context, c *minio.Client) error {
		for o := range c.ListObjectsIter(ctx, bucket, minio.ListObjectsOptions{Prefix: prefix, Recursive: true}) {
			if o.Err != nil {
				return o.Err
			}
		}
		return nil
	}
}

func get(bucket, key string) func(context.Context, *minio.Client) error {
	return func(ctx context.Context, c *minio.Client) error {
		o, err := c.GetObject(ctx, bucket, key, minio.GetObjectOptions{})
		if err == nil {
			_, err = o.Stat() // which is when the request is made
		}
		return err
	}
}

func put(bucket, key string) func(context.Context, *minio.Client) error {
	return func(ctx context.Context, c *minio.Client) error {
		_, err := c.PutObject(ctx, bucket, key, strings.NewReader("x"), 1, minio.PutObjectOptions{})
		return err
	}
}

func remove(bucket, key string) func(context.Context, *minio.Client) error {
	return func(ctx context.Context, c *minio.Client) error {
		return c.RemoveObject(ctx, bucket, key, minio.RemoveObjectOptions{})
	}
}

// attempts are the cases of TestForbidden, in the order in which they are made.
func attempts() []attempt {
	trainer, evaluator, person := schemas.TrainerService, schemas.EvaluatorService, schemas.PersonService
	readers := []string{trainer, evaluator, person}
	all := []attempt{
		{"list datasets", Services(), list("datasets", "")},
		{"read a photo", Services(), get("datasets", "photos/1.png")},
		{"write a photo", []string{person}, put("datasets", "photos/2.png")},
		{"delete a photo", []string{person}, remove("datasets", "photos/2.png")},
		{"list runs", readers, list("runs", "")},
		{"read a run", readers, get("runs", "old/status.json")},
		{"write outside of runs", nil, put("runs", "stray.txt")},
		{"write what is nothing of a run", nil, put("runs", "r/stray.txt")},
		{"copy a run", nil, func(ctx context.Context, c *minio.Client) error {
			_, err := c.CopyObject(ctx, minio.CopyDestOptions{Bucket: "runs", Object: "mine/copy.txt"}, minio.CopySrcOptions{Bucket: "runs", Object: "old/status.json"})
			return err
		}},
		{"upload a large photo", []string{person}, func(ctx context.Context, c *minio.Client) error {
			_, err := c.PutObject(ctx, "datasets", "photos/large.tif", bytes.NewReader(make([]byte, 6<<20)), -1, minio.PutObjectOptions{PartSize: 5 << 20})
			return err
		}},
	}
	for who, keys := range map[string][]string{
		trainer: {
			"_drops/photos.json", "_tars/0.json", "r/request.json", "r/manifest.json", "r/status.json", "r/curve.json", "r/rejects.json",
			"r/lease.json", "r/snapshots/00000001/card.json",
		},
		evaluator: {"r/probe-images.json", "r/reports/00000001-linear.json", "r/exhibits/00000001.safetensors", "r/features/00000001.safetensors"},
		person:    {"r/evaluations/00000001-sgd-0.json"},
	} {
		for _, key := range keys {
			all = append(all, attempt{"write " + key, []string{who}, put("runs", key)}, attempt{"delete " + key, []string{who}, remove("runs", key)})
		}
	}
	for _, b := range []string{"datasets", "runs"} {
		all = append(all,
			attempt{"read the policy of " + b, nil, func(ctx context.Context, c *minio.Client) error {
				_, err := c.GetBucketPolicy(ctx, b)
				return err
			}},
			attempt{"write the policy of " + b, nil, func(ctx context.Context, c *minio.Client) error {
				return c.SetBucketPolicy(ctx, b, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":["arn:aws:s3:::`+b+`","arn:aws:s3:::`+b+`/*"]}]}`)
			}},
			attempt{"remove the policy of " + b, nil, func(ctx context.Context, c *minio.Client) error { return c.SetBucketPolicy(ctx, b, "") }},
			attempt{"have versions in " + b, nil, func(ctx context.Context, c *minio.Client) error { return c.EnableVersioning(ctx, b) }},
			attempt{"tag " + b, nil, func(ctx context.Context, c *minio.Client) error { return c.RemoveBucketTagging(ctx, b) }},
			attempt{"remove " + b, nil, func(ctx context.Context, c *minio.Client) error { return c.RemoveBucket(ctx, b) }},
		)
	}
	return append(all, attempt{"make a bucket", nil, func(ctx context.Context, c *minio.Client) error {
		return c.MakeBucket(ctx, "mine", minio.MakeBucketOptions{})
	}})
}

// TestForbidden has every account try everything, and somebody without one.
func TestForbidden(t *testing.T) {
	root := start(t, false)
	if err := Setup(t.Context(), root, names, secrets()); err != nil {
		t.Fatal(err)
	}
	owner := client(t, root, root.AccessKey, root.SecretKey)
	for _, o := range []struct{ bucket, key string }{{"datasets", "photos/1.png"}, {"runs", "old/status.json"}} {
		if err := put(o.bucket, o.key)(t.Context(), owner); err != nil {
			t.Fatal(err)
		}
	}
	secrets := secrets()
	secrets[""] = "" // without an account
	for who, secret := range secrets {
		c := client(t, root, who, secret)
		for _, a := range attempts() {
			err := a.do(t.Context(), c)
			if refused := minio.ToErrorResponse(err).Code == minio.AccessDenied; refused != !slices.Contains(a.who, who) || err != nil && !refused {
				t.Errorf("%q: %s: have %v, want it refused: %v", who, a.name, err, !slices.Contains(a.who, who))
			}
		}
	}
}

// TestForbiddenAdministration: accounts cannot make themselves more than they are.
func TestForbiddenAdministration(t *testing.T) {
	root := start(t, false)
	if err := Setup(t.Context(), root, names, secrets()); err != nil {
		t.Fatal(err)
	}
	for who, secret := range secrets() {
		config := root
		config.AccessKey, config.SecretKey = who, secret
		err := Setup(t.Context(), config, names, secrets())
		if err == nil || !strings.Contains(err.Error(), "AccessDenied") && !strings.Contains(err.Error(), "denied") {
			t.Errorf("%s: have %v, want a refusal to make accounts", who, err)
		}
		c, transport, err := config.Client()
		if err != nil {
			t.Fatal(err)
		}
		a := admin{config, c.EndpointURL(), &http.Client{Transport: transport}}
		for _, path := range []string{"/list-users", "/list-buckets", "/delete-user?access=trainer", "/change-bucket-owner?bucket=runs&owner=" + who, "/update-user?access=" + who} {
			path, query, _ := strings.Cut(path, "?")
			values, err := url.ParseQuery(query)
			if err != nil {
				t.Fatal(err)
			}
			var body any
			if path == "/update-user" {
				body = account{Role: "admin"}
			}
			var r *refusal
			if err := a.do(t.Context(), path, values, body); !errors.As(err, &r) || r.Code != "XAdminAccessDenied" {
				t.Errorf("%s: %s: have %v, want a refusal", who, path, err)
			}
		}
		transport.CloseIdleConnections()
	}
}

// TestSetupAgain: whoever does something notices nothing of another setup, but
// for the secret key that has changed.
func TestSetupAgain(t *testing.T) {
	root := start(t, false)
	if err := Setup(t.Context(), root, names, secrets()); err != nil {
		t.Fatal(err)
	}
	c := client(t, root, schemas.TrainerService, secrets()[schemas.TrainerService])
	enough, stop := context.WithCancel(t.Context())
	failed := make(chan error)
	go func() {
		var err error
		for enough.Err() == nil && err == nil {
			err = put("runs", "r/status.json")(context.Background(), c)
		}
		failed <- err
	}()
	changed := secrets()
	changed[schemas.AugmenterService] = "another-secret"
	for range 3 {
		if err := Setup(t.Context(), root, names, changed); err != nil {
			t.Error(err)
		}
	}
	stop()
	if err := <-failed; err != nil {
		t.Errorf("writing meanwhile: %v", err)
	}
	for secret, want := range map[string]string{"another-secret": "", secrets()[schemas.AugmenterService]: minio.SignatureDoesNotMatch} {
		err := list("datasets", "")(t.Context(), client(t, root, schemas.AugmenterService, secret))
		if have := minio.ToErrorResponse(err).Code; err != nil && have != want || err == nil && want != "" {
			t.Errorf("augmenter with %s: have %v, want code %q", secret, err, want)
		}
	}
	own, err := client(t, root, schemas.PersonService, changed[schemas.PersonService]).ListBuckets(t.Context())
	if err != nil || len(own) != 1 || own[0].Name != "datasets" {
		t.Errorf("a person sees %v (%v), want the bucket datasets", own, err)
	}
}

// TestSetupWithoutAccounts: a server that keeps none says what it lacks.
func TestSetupWithoutAccounts(t *testing.T) {
	root := start(t, true)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := Setup(ctx, root, names, secrets()); err == nil || !strings.Contains(err.Error(), "--iam-dir") {
		t.Errorf("have %v, want an error that names --iam-dir", err)
	}
}

package access

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/signer"

	"selfstream/schemas"
	"selfstream/stages/bucket"
)

// Setup makes the buckets, an account for each service with the secret key that
// secrets has for it, and the policies. root is who the server belongs to. What
// is there already is brought up to date: nobody who may do something is kept
// from it meanwhile.
func Setup(ctx context.Context, root bucket.Config, b Buckets, secrets map[string]string) error {
	for _, name := range []string{b.Datasets, b.Runs} {
		made, err := bucket.Open(ctx, root, name)
		if err != nil {
			return err
		}
		made.Close()
	}
	client, transport, err := root.Client()
	if err != nil {
		return err
	}
	defer transport.CloseIdleConnections()
	a := admin{root, client.EndpointURL(), &http.Client{Transport: transport}}
	for _, service := range Services() {
		if err := a.account(ctx, service, secrets[service]); err != nil {
			return fmt.Errorf("making the account %s: %w", service, err)
		}
	}
	if err := a.give(ctx, b.Datasets, schemas.PersonService, secrets[schemas.PersonService]); err != nil {
		return fmt.Errorf("giving bucket %s to %s: %w", b.Datasets, schemas.PersonService, err)
	}
	for name, rights := range map[string][]right{b.Datasets: datasetsRights(), b.Runs: runsRights()} {
		text, err := policy(name, rights)
		if err == nil {
			err = client.SetBucketPolicy(ctx, name, text)
		}
		if err != nil {
			return fmt.Errorf("writing the policy of bucket %s: %w", name, err)
		}
	}
	return nil
}

// admin is the administration of versitygw.
type admin struct {
	root     bucket.Config
	endpoint *url.URL
	http     *http.Client
}

// user is the role of an account that may do what policies say.
const user = "user"

// account is what the administration is told of one; of one that is there, only
// what changes.
type account struct {
	Access string `xml:",omitempty"`
	Secret string `xml:",omitempty"`
	Role   string
}

// account makes an account, or gives one that is there its secret key.
func (a admin) account(ctx context.Context, access, secret string) error {
	err := a.do(ctx, "/create-user", nil, account{access, secret, user})
	if !exists(err) {
		return err
	}
	return a.do(ctx, "/update-user", url.Values{"access": {access}}, account{Secret: secret, Role: user})
}

// give makes an account the owner of a bucket, so that a client that lists
// buckets shows it: the server lists nobody a bucket of others. A change takes
// the policy away, so there is none without need.
func (a admin) give(ctx context.Context, name, access, secret string) error {
	owner := a.root
	owner.AccessKey, owner.SecretKey = access, secret
	client, transport, err := owner.Client()
	if err != nil {
		return err
	}
	defer transport.CloseIdleConnections()
	own, err := client.ListBuckets(ctx)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(own, func(b minio.BucketInfo) bool { return b.Name == name }) {
		return nil
	}
	return a.do(ctx, "/change-bucket-owner", url.Values{"bucket": {name}, "owner": {access}}, nil)
}

// do sends a request of the administration. The body may be nil.
func (a admin) do(ctx context.Context, path string, query url.Values, body any) error {
	var text []byte
	if body != nil {
		var err error
		if text, err = xml.Marshal(body); err != nil {
			return err
		}
	}
	u := a.endpoint.JoinPath(path)
	u.RawQuery = query.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodPatch, u.String(), bytes.NewReader(text))
	if err != nil {
		return err
	}
	sum := sha256.Sum256(text)
	req.Header.Set("X-Amz-Content-Sha256", hex.EncodeToString(sum[:]))
	resp, err := a.http.Do(signer.SignV4(*req, a.root.AccessKey, a.root.SecretKey, "", a.root.Region))
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, 1<<16))
	if err != nil || resp.StatusCode < 300 {
		return err
	}
	refused := &refusal{status: resp.Status}
	_ = xml.Unmarshal(answer, refused) // of another server it may be anything
	return refused
}

// refusal is the answer of the administration that says no.
type refusal struct {
	status        string
	Code, Message string
}

func (r *refusal) Error() string {
	if r.Code == "" {
		return r.status + ": is it a versitygw? Other servers have their own ways of making accounts, see docs/deploy.md"
	}
	if r.Code == "XAdminMethodNotSupported" {
		return r.Message + ": start versitygw with a folder for accounts, --iam-dir"
	}
	return r.Code + ": " + r.Message
}

// exists tells whether there is an account of that name already.
func exists(err error) bool {
	var r *refusal
	return errors.As(err, &r) && r.Code == "XAdminUserExists"
}

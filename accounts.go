package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"selfstream/stages/access"
	"selfstream/stages/bucket"
)

func runAccounts(ctx context.Context, e *env, args []string) error {
	o := newOptions("accounts", "", "Makes the buckets of a versitygw and an account for each service and for people, who may do there\n"+
		"what their work needs. It comes with the keys of the server's owner, and can be repeated: secret keys\n"+
		"become what they are now. Access keys are the names "+strings.Join(access.Services(), ", ")+".")
	var root bucket.Config
	o.s3At(&root)
	secrets := map[string]*string{}
	for _, service := range access.Services() {
		secrets[service] = o.String(service+"-secret-key", "", "secret `key` of "+service+"; better as SELFSTREAM_"+strings.ToUpper(service)+"_SECRET_KEY")
	}
	if err := o.parse(e, args, 0); err != nil {
		return err
	}
	known := map[string]string{}
	for _, service := range access.Services() {
		secret := secrets[service]
		if *secret == "" {
			return usageError{errors.New("which --" + service + "-secret-key?")}
		}
		known[service] = *secret
	}
	if err := access.Setup(ctx, root, access.Buckets{Datasets: datasetsBucket, Runs: runsBucket}, known); err != nil {
		return err
	}
	fmt.Fprintf(e.stdout, "accounts %s\n", strings.Join(access.Services(), ", "))
	return nil
}

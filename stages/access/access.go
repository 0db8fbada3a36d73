// Package access turns an S3 with one account into one with an account for each
// service, which may do with the buckets what its work needs and no more.
//
// Accounts are made by the administration of versitygw, which has to keep them
// (--iam-dir); what they may do is said in the policies of the buckets, as on
// any S3. A service's access key is its name.
package access

import (
	"encoding/json"

	"selfstream/schemas"
)

// Buckets are the names of the two buckets.
type Buckets struct{ Datasets, Runs string }

// Services are those that have accounts.
func Services() []string {
	return []string{schemas.TrainerService, schemas.AugmenterService, schemas.EvaluatorService, schemas.PersonService}
}

// A right lets somebody do something with a bucket, or with objects in it.
type right struct {
	who     []string
	does    []string // actions of S3
	objects []string // patterns of keys, in which * is also for slashes; none: the bucket itself
}

// change is what somebody does to objects who writes them. The parts are those
// of large files, as aws and mc upload them.
func change() []string {
	return []string{"s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"}
}

// datasetsRights: everybody reads datasets, people write them.
func datasetsRights() []right {
	person := []string{schemas.PersonService}
	return []right{
		{who: Services(), does: []string{"s3:ListBucket"}},
		{who: Services(), does: []string{"s3:GetObject"}, objects: []string{"*"}},
		{who: person, does: []string{"s3:ListBucketMultipartUploads"}},
		{who: person, does: change(), objects: []string{"*"}},
	}
}

// runsRights: trainers and evaluators write what is theirs in a run (package
// ledger has the list), people read and keep the evaluations that they ask for,
// and augmenters have no business there.
func runsRights() []right {
	trainer, evaluator := []string{schemas.TrainerService}, []string{schemas.EvaluatorService}
	readers := []string{schemas.TrainerService, schemas.EvaluatorService, schemas.PersonService}
	return []right{
		{who: readers, does: []string{"s3:ListBucket"}},
		{who: readers, does: []string{"s3:GetObject"}, objects: []string{"*"}},
		{who: trainer, does: change(), objects: []string{
			"_drops/*", "_tars/*", "*/request.json", "*/manifest.json", "*/status.json", "*/curve.json", "*/rejects.json", "*/lease.json", "*/snapshots/*",
		}},
		{who: evaluator, does: change(), objects: []string{"*/probe-images.json", "*/reports/*", "*/exhibits/*", "*/features/*"}},
		{who: []string{schemas.PersonService}, does: change(), objects: []string{"*/evaluations/*"}},
	}
}

// statement is a part of a policy; see "Policies and permissions in Amazon S3".
type statement struct {
	Effect    string
	Principal map[string][]string
	Action    []string
	Resource  []string
}

// policy is the policy of a bucket that grants rights and nothing else.
func policy(bucket string, rights []right) (string, error) {
	p := struct {
		Version   string
		Statement []statement
	}{Version: "2012-10-17"}
	arn := "arn:aws:s3:::" + bucket
	for _, r := range rights {
		s := statement{Effect: "Allow", Principal: map[string][]string{"AWS": r.who}, Action: r.does}
		for _, pattern := range r.objects {
			s.Resource = append(s.Resource, arn+"/"+pattern)
		}
		if r.objects == nil {
			s.Resource = []string{arn}
		}
		p.Statement = append(p.Statement, s)
	}
	text, err := json.Marshal(p)
	return string(text), err
}

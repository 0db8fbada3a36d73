package main

import (
	"context"
	"log/slog"
	"os"
	"strings"
	"testing"

	"selfstream/augmenter"
	"selfstream/schemas"
	"selfstream/stages/bucket"
	"selfstream/stages/flow"
)

const (
	stranger = "stranger"     // an augmenter of another build
	foreign  = "go9.9 view 9" // its fingerprint
)

// augmentStrangely makes other pixels than augmenters of this build, until ctx
// ends.
func augmentStrangely(ctx context.Context, name, natsURL, s3 string) error {
	b, err := openBuckets(ctx, bucket.Config{Endpoint: s3, AccessKey: chaosKey, SecretKey: chaosSecret, Region: "us-east-1"})
	if err != nil {
		return err
	}
	f, err := flow.Connect(ctx, flow.Config{URL: natsURL, Name: name, Log: slog.New(slog.NewTextHandler(os.Stderr, nil))})
	if err != nil {
		return err
	}
	return f.Work(ctx, schemas.SplitsStream, schemas.SplitsConsumer(), flow.WorkOptions{}, func(ctx context.Context, d flow.Delivery) error {
		split, err := flow.Decode[schemas.Split](d)
		if err != nil {
			return err
		}
		samples, err := augmenter.Make(ctx, split, b.datasets)
		if err != nil {
			return err
		}
		samples.Fingerprint = foreign
		for i := range samples.Views[0].Data {
			samples.Views[0].Data[i] ^= 1
		}
		msg, err := schemas.Encode(samples)
		if err != nil {
			return err
		}
		msg.Header.Set(schemas.AugmenterHeader, name)
		return f.PublishMsg(ctx, msg)
	})
}

// TestChaosStranger: the samples of an augmenter of another build are refused,
// in words that name both builds, once. Alone it gets the run nowhere; with
// others, these carry on.
func TestChaosStranger(t *testing.T) {
	thorough(t)
	beside(t)
	s, trainer := begin(t)
	startProcess(s.t, stranger, stranger, s.natsURL(), "http://"+s.faulty.addr)
	js := s.jetStream()
	s.await("many samples of the stranger", func() bool {
		st, err := js.Stream(t.Context(), schemas.SamplesStream)
		return err == nil && st.CachedInfo().State.LastSeq > 200
	})
	log := trainer.log.String()
	for _, word := range []string{foreign, stranger, augmenter.Fingerprint()} {
		if !strings.Contains(log, word) {
			t.Errorf("have no %q in the trainer's log", word)
		}
	}
	if n := strings.Count(log, foreign); n > 1 {
		t.Errorf("the trainer tells %d times of the stranger, want once", n)
	}
	if have := s.status().Step; have != 0 {
		t.Errorf("have trained %d steps on samples of a stranger", have)
	}
	s.augmenter("a", 1)
	s.finish()
}

package augmenter

import (
	"context"
	"strconv"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"selfstream/schemas"
	"selfstream/stages/bucket"
	"selfstream/stages/flow"
	"selfstream/stages/flow/flowtest"
)

// What samples say of the time they took is within what the augmenter counts.
func TestSecondsHeader(t *testing.T) {
	var b bucket.Memory
	srv := flowtest.Start(t)
	f := srv.Connect(t)
	var stats Stats
	stop := start(t, srv, &b, Config{Name: "a", Stats: &stats})
	issue(t, f, cut(photos(t, &b, 12), 3)...)
	busy, ctx := make(chan float64, 3), t.Context()
	go func() {
		_ = f.Work(ctx, schemas.SamplesStream, schemas.SamplesConsumer("r"), flow.WorkOptions{}, func(_ context.Context, d flow.Delivery) error {
			seconds, err := strconv.ParseFloat(d.Header.Get(schemas.SecondsHeader), 64)
			if err != nil || seconds <= 0 {
				t.Errorf("have %q, %v, want seconds above 0", d.Header.Get(schemas.SecondsHeader), err)
			}
			busy <- seconds
			return nil
		})
	}()
	sum := <-busy + <-busy + <-busy
	stop()
	c := stats.Read()
	if least := (c.Fetching + c.Rendering).Seconds(); sum < least-1e-5 { // headers are in microseconds
		t.Errorf("have %v s in headers, want at least the %v s of fetching and rendering", sum, least)
	}
	m := Metrics(map[string]*Stats{"a": &stats})
	if problems, err := testutil.CollectAndLint(m); err != nil || len(problems) > 0 {
		t.Errorf("have %v, %v", problems, err)
	}
	if n := testutil.CollectAndCount(m, "selfstream_augmenter_images_total"); n != 1 || c.Images != 12 {
		t.Errorf("have %d metrics of %d images, want 1 of 12", n, c.Images)
	}
}

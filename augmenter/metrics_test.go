package augmenter

import (
	"context"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"selfstream/schemas"
	"selfstream/stages/bucket"
	"selfstream/stages/flow"
	"selfstream/stages/flow/flowtest"
)

// What samples say of the time they took is what the augmenter counts.
func TestSecondsHeader(t *testing.T) {
	var b bucket.Memory
	srv := flowtest.Start(t)
	f := srv.Connect(t)
	var stats Stats
	stop := start(t, srv, &b, Config{Name: "a", Stats: &stats})
	issue(t, f, cut(photos(t, &b, 12), 3)...)
	efforts, ctx := make(chan schemas.Effort, 3), t.Context()
	go func() {
		_ = f.Work(ctx, schemas.SamplesStream, schemas.SamplesConsumer("r"), flow.WorkOptions{}, func(_ context.Context, d flow.Delivery) error {
			e, err := schemas.ParseEffort(d.Header.Get(schemas.SecondsHeader))
			if err != nil {
				t.Error(err)
			}
			efforts <- e
			return nil
		})
	}()
	sum := (<-efforts).Add(<-efforts).Add(<-efforts)
	for stats.Read().Splits < 3 { // the samples may be here before the augmenter knows that they are out
		time.Sleep(time.Millisecond)
	}
	stop()
	c := stats.Read()
	const rounding = 3 * time.Microsecond
	for _, d := range []time.Duration{sum.Fetching - c.Fetching, sum.Rendering - c.Rendering} {
		if d.Abs() > rounding {
			t.Errorf("have %v in headers, want what is counted, %v", sum, c.Effort)
		}
	}
	if sum.Waiting > c.Waiting+rounding || sum.Publishing > c.Publishing+rounding || sum.Publishing <= 0 {
		t.Errorf("have %v in headers, want no more than what is counted in the end, %v", sum, c.Effort)
	}
	m := Metrics(map[string]*Stats{"a": &stats})
	if problems, err := testutil.CollectAndLint(m); err != nil || len(problems) > 0 {
		t.Errorf("have %v, %v", problems, err)
	}
	if n := testutil.CollectAndCount(m, "selfstream_augmenter_images_total"); n != 1 || c.Images != 12 {
		t.Errorf("have %d metrics of %d images, want 1 of 12", n, c.Images)
	}
}

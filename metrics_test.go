package main

import (
	"bytes"
	"context"
	_ "embed" // of metricsDoc: the embedded S3 changes the working directory
	"io"
	"log/slog"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"selfstream/stages/flow/flowtest"
	"selfstream/stages/local"
)

// get reads a page.
func get(t *testing.T, url string) (code int, body string) {
	t.Helper()
	r, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	all, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return r.StatusCode, string(all)
}

var metricLine = regexp.MustCompile(`(?m)^(selfstream_\w+)(?:\{.*\})? (\S+)$`)

// scrape reads the metrics, those of all augmenters added up.
func scrape(t *testing.T, url string) (map[string]float64, string) {
	t.Helper()
	_, body := get(t, url)
	values := map[string]float64{}
	for _, m := range metricLine.FindAllStringSubmatch(body, -1) {
		v, err := strconv.ParseFloat(m[2], 64)
		if err != nil {
			t.Fatal(err)
		}
		values[m[1]] += v
	}
	return values, body
}

// pageURL finds the address of /metrics in what a command wrote.
func pageURL(t *testing.T, out *trap) string {
	t.Helper()
	var url string
	flowtest.Eventually(t, "the address of the metrics", func() bool {
		_, rest, _ := strings.Cut(out.String(), "metrics   ")
		line, _, whole := strings.Cut(rest, "\n")
		url = line
		return whole
	})
	return url
}

// TestMetrics watches a run to its end, and holds what it sees against the run
// and against docs/metrics.md.
func TestMetrics(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	out, stderr := &trap{word: "\x00", sprung: func() {}}, &bytes.Buffer{}
	ended := make(chan int)
	go func() {
		ended <- run(ctx, small(t.TempDir(), "--data", photos(t, 8, nil), "--augmenters", "2"), out, stderr)
	}()
	url := pageURL(t, out)
	var v map[string]float64
	var body string
	flowtest.Eventually(t, "the last step and its probes", func() bool {
		v, body = scrape(t, url)
		return v["selfstream_trainer_step"] == 15 && v["selfstream_evaluator_snapshots_total"] == 5 &&
			v["selfstream_trainer_augmenter_workers_wanted"] == 0 // between runs
	})
	for name, want := range map[string]float64{
		"selfstream_trainer_steps_total":               15,
		"selfstream_trainer_images_total":              15 * 16,
		"selfstream_trainer_holes":                     0,
		"selfstream_trainer_refused_samples_total":     0,
		"selfstream_trainer_credit_bytes":              64 << 20,
		"selfstream_evaluator_skipped_snapshots_total": 0,
	} {
		if v[name] != want {
			t.Errorf("%s: have %v, want %v", name, v[name], want)
		}
	}
	for _, name := range []string{
		"selfstream_trainer_stepping_seconds_total", "selfstream_trainer_waiting_seconds_total", "selfstream_trainer_snapshotting_seconds_total",
		"selfstream_trainer_received_busy_seconds_total",
		"selfstream_augmenter_rendering_seconds_total", "selfstream_augmenter_published_bytes_total", "selfstream_evaluator_probing_seconds_total",
	} {
		if v[name] <= 0 {
			t.Errorf("%s: have %v, want more than 0", name, v[name])
		}
	}
	if have := v["selfstream_augmenter_images_total"]; have < 240 {
		t.Errorf("have %v images rendered, want at least 240", have)
	}
	problems, err := promlint.New(strings.NewReader(body)).Lint()
	for _, p := range problems {
		if strings.HasPrefix(p.Metric, "selfstream_") {
			t.Errorf("%s: %s", p.Metric, p.Text)
		}
	}
	if err != nil {
		t.Error(err)
	}
	checkDocumented(t, v)
	if code, body := get(t, strings.Replace(url, "/metrics", "/healthz", 1)); code != http.StatusOK {
		t.Errorf("healthz: have %d %s", code, body)
	}
	stop()
	if code := <-ended; code != 0 {
		t.Errorf("have exit code %d: %s", code, stderr)
	}
}

//go:embed docs/metrics.md
var metricsDoc string

// checkDocumented holds the table of docs/metrics.md against what there is.
func checkDocumented(t *testing.T, values map[string]float64) {
	t.Helper()
	var rows []string
	for _, m := range regexp.MustCompile("(?m)^\\| `(selfstream_\\w+)`").FindAllStringSubmatch(metricsDoc, -1) {
		rows = append(rows, m[1])
	}
	slices.Sort(rows)
	if want := sortedKeys(values); !slices.Equal(rows, want) {
		t.Errorf("docs/metrics.md: have %v, want %v", rows, want)
	}
}

// TestHealthz: a service is as well as its connections to NATS and S3.
func TestHealthz(t *testing.T) {
	srv := flowtest.Start(t)
	s3, err := local.StartS3(t.Context(), local.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer s3.Close()
	b, err := openBuckets(t.Context(), s3.Config)
	if err != nil {
		t.Fatal(err)
	}
	defer b.close()
	var out bytes.Buffer
	p := &pageFlags{host: "127.0.0.1"}
	shut, err := p.open(&env{stdout: &out, log: slog.New(slog.DiscardHandler)}, (&service{flow: srv.Connect(t), buckets: b}).health, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer shut()
	url := strings.Replace(strings.Fields(out.String())[1], "/metrics", "/healthz", 1)
	answers := func(want int, text string) func() bool {
		return func() bool {
			code, body := get(t, url)
			return code == want && strings.Contains(body, text)
		}
	}
	flowtest.Eventually(t, "health", answers(http.StatusOK, "ok"))
	srv.Stop()
	flowtest.Eventually(t, "bad health", answers(http.StatusServiceUnavailable, "NATS"))
	srv.Start()
	flowtest.Eventually(t, "health again", answers(http.StatusOK, "ok"))
	s3.Close()
	flowtest.Eventually(t, "bad health", answers(http.StatusServiceUnavailable, "S3 does not answer"))
}

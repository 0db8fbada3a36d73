package watch_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"selfstream/stages/watch"
)

type pet struct{ meals, weight float64 }

var petFigures = []watch.Figure[pet]{
	{Name: "pet_meals_total", Help: "Meals eaten.", Value: func(p pet) float64 { return p.meals }},
	{Name: "pet_weight_grams", Help: "Weight.", Value: func(p pet) float64 { return p.weight }},
}

func TestFigures(t *testing.T) {
	pets := map[string]pet{"cat": {3, 4000}, "dog": {5, 9000.5}}
	c := watch.Figures(petFigures, []string{"pet"}, func(tell func(pet, ...string)) {
		for name, p := range pets {
			tell(p, name)
		}
	})
	want := `# HELP pet_meals_total Meals eaten.
# TYPE pet_meals_total counter
pet_meals_total{pet="cat"} 3
pet_meals_total{pet="dog"} 5
# HELP pet_weight_grams Weight.
# TYPE pet_weight_grams gauge
pet_weight_grams{pet="cat"} 4000
pet_weight_grams{pet="dog"} 9000.5
`
	if err := testutil.CollectAndCompare(c, strings.NewReader(want)); err != nil {
		t.Error(err)
	}
	delete(pets, "dog") // gone from the next scrape on
	if n := testutil.CollectAndCount(c); n != 2 {
		t.Errorf("have %d metrics, want 2", n)
	}
}

func start(t *testing.T, o watch.Options) *watch.Server {
	t.Helper()
	o.Host, o.Log = "127.0.0.1", slog.New(slog.DiscardHandler)
	s, err := watch.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	r, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return r.StatusCode, string(body)
}

func TestPages(t *testing.T) {
	var sick atomic.Bool
	s := start(t, watch.Options{
		Health: func(context.Context) error {
			if sick.Load() {
				return errors.New("no legs")
			}
			return nil
		},
		Metrics: []prometheus.Collector{watch.Figures(petFigures, nil, func(tell func(pet, ...string)) { tell(pet{1, 2}) })},
	})
	if code, body := get(t, s.URL()+"/healthz"); code != http.StatusOK || body != "ok\n" {
		t.Errorf("have %d %q, want 200 and ok", code, body)
	}
	sick.Store(true)
	if code, body := get(t, s.URL()+"/healthz"); code != http.StatusServiceUnavailable || body != "no legs\n" {
		t.Errorf("have %d %q, want 503 and the reason", code, body)
	}
	code, body := get(t, s.URL()+"/metrics")
	for _, want := range []string{"\npet_weight_grams 2\n", "\ngo_goroutines "} {
		if code != http.StatusOK || !strings.Contains(body, want) {
			t.Errorf("have %d %q, want %q", code, body, want)
		}
	}
	if code, _ := get(t, s.URL()+"/"); code != http.StatusNotFound {
		t.Errorf("have %d for another page, want 404", code)
	}
}

func TestStartRefuses(t *testing.T) {
	s := start(t, watch.Options{})
	_, text, _ := strings.Cut(s.URL(), "127.0.0.1:")
	port, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	_, err = watch.Start(watch.Options{Host: "127.0.0.1", Port: port})
	for _, want := range []string{text, "is taken", "--http-port"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("have %v, want %q", err, want)
		}
	}
	pets := watch.Figures(petFigures, nil, func(func(pet, ...string)) {})
	if _, err := watch.Start(watch.Options{Host: "127.0.0.1", Metrics: []prometheus.Collector{pets, pets}}); err == nil {
		t.Error("have no error for metrics that come twice")
	}
}

package augmenter

import (
	"github.com/prometheus/client_golang/prometheus"

	"selfstream/stages/watch"
)

// Metrics are the counts of augmenters, given by name, for Prometheus.
func Metrics(stats map[string]*Stats) prometheus.Collector {
	return watch.Figures(figures, []string{"augmenter"}, func(tell func(Counts, ...string)) {
		for name, s := range stats {
			tell(s.Read(), name)
		}
	})
}

var figures = []watch.Figure[Counts]{
	{Name: "selfstream_augmenter_splits_total", Help: "Splits made and published.", Value: func(c Counts) float64 { return float64(c.Splits) }},
	{Name: "selfstream_augmenter_images_total", Help: "Images rendered.", Value: func(c Counts) float64 { return float64(c.Images) }},
	{Name: "selfstream_augmenter_holes_total", Help: "Images that could not be used, each time they were met.", Value: func(c Counts) float64 { return float64(c.Holes) }},
	{Name: "selfstream_augmenter_cached_total", Help: "Files that were in the cache.", Value: func(c Counts) float64 { return float64(c.Cached) }},
	{Name: "selfstream_augmenter_published_bytes_total", Help: "Samples published.", Value: func(c Counts) float64 { return float64(c.Bytes) }},
	{Name: "selfstream_augmenter_waiting_seconds_total", Help: "Time of all workers waiting for splits.", Value: func(c Counts) float64 { return c.Waiting.Seconds() }},
	{Name: "selfstream_augmenter_fetching_seconds_total", Help: "Time of all workers waiting for files.", Value: func(c Counts) float64 { return c.Fetching.Seconds() }},
	{Name: "selfstream_augmenter_rendering_seconds_total", Help: "Time of all workers decoding and making views.", Value: func(c Counts) float64 { return c.Rendering.Seconds() }},
	{Name: "selfstream_augmenter_publishing_seconds_total", Help: "Time of all workers until NATS had their samples.", Value: func(c Counts) float64 { return c.Publishing.Seconds() }},
}

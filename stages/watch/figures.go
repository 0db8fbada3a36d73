package watch

import (
	"strings"

	"github.com/prometheus/client_golang/prometheus"
)

// Figure is one number that a T tells.
type Figure[T any] struct {
	Name  string // in base units; a counter's ends in _total
	Help  string
	Value func(T) float64
}

// Figures makes a collector of what is counted already. At each scrape it
// calls read, which tells each T there is now with the values of the labels. So
// all figures of one T are of one moment.
func Figures[T any](figures []Figure[T], labels []string, read func(tell func(t T, values ...string))) prometheus.Collector {
	c := &collector[T]{figures: figures, read: read}
	for _, f := range figures {
		c.descs = append(c.descs, prometheus.NewDesc(f.Name, f.Help, labels, nil))
	}
	return c
}

type collector[T any] struct {
	figures []Figure[T]
	descs   []*prometheus.Desc
	read    func(func(T, ...string))
}

func (c *collector[T]) Describe(out chan<- *prometheus.Desc) {
	for _, d := range c.descs {
		out <- d
	}
}

func (c *collector[T]) Collect(out chan<- prometheus.Metric) {
	c.read(func(t T, values ...string) {
		for i, f := range c.figures {
			kind := prometheus.GaugeValue
			if strings.HasSuffix(f.Name, "_total") {
				kind = prometheus.CounterValue
			}
			out <- prometheus.MustNewConstMetric(c.descs[i], kind, f.Value(t), values...)
		}
	})
}

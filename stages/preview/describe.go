package preview

import (
	"fmt"
	"strings"

	"selfstream/stages/view"
)

const noBreak = "\u00a0" // space

// describe says what chance decided for a view, in the order in which it
// happens. A line can break
// only between two items.
func describe(d view.Drawn) string {
	items := []string{fmt.Sprintf("crop %d × %d at %d, %d", d.Box.Dx(), d.Box.Dy(), d.Box.Min.X, d.Box.Min.Y)}
	add := func(happened bool, format string, args ...any) {
		if happened {
			items = append(items, fmt.Sprintf(format, args...))
		}
	}
	add(d.Flip, "flipped")
	factors := [3]struct {
		name  string
		value float64
	}{{"brightness", d.Brightness}, {"contrast", d.Contrast}, {"saturation", d.Saturation}}
	for _, i := range d.Order {
		if i < len(factors) {
			add(factors[i].value != 1, "%s ×%.2f", factors[i].name, factors[i].value)
		} else {
			add(d.Hue != 0, "hue %+.0f°", d.Hue*360)
		}
	}
	add(d.Gray, "grey")
	add(d.Blur > 0, "blur σ %.2f", d.Blur)
	add(d.Solarize < 256, "solarized from %d", d.Solarize)
	for i := range items {
		items[i] = strings.ReplaceAll(items[i], " ", noBreak)
	}
	return strings.Join(items, ", ")
}

package preview

import (
	"fmt"
	"strings"

	"selfstream/schemas"
	"selfstream/stages/random"
	"selfstream/stages/sheet"
	"selfstream/stages/view"
)

// viewsRow shows each view as it comes out, with what chance decided for it.
func viewsRow(views []schemas.View) ([]string, rower) {
	var columns []string
	for i, v := range views {
		columns = append(columns, fmt.Sprintf("view %d, %d × %d", i, v.Size, v.Size))
	}
	return columns, func(photo *view.RGB, key random.Key) (marks []sheet.Mark, cells []sheet.Cell) {
		for i, v := range views {
			d := view.Draw(v, photo.W, photo.H, key.Fold(uint64(i)))
			out := view.NewRGB(v.Size, v.Size)
			new(view.Renderer).Apply(out.Pix, photo, v.Size, d)
			c := colors[i%len(colors)]
			marks = append(marks, sheet.Mark{Box: d.Box, Color: c})
			cells = append(cells, sheet.Cell{Image: out, Caption: describe(d), Frame: c})
		}
		return marks, cells
	}
}

const noBreak = "\u00a0" // space

// describe says what chance decided for a view, in the order in which it
// happens.
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
	return list(items)
}

// list is the items in a line that can break only between two of them.
func list(items []string) string {
	for i := range items {
		items[i] = strings.ReplaceAll(items[i], " ", noBreak)
	}
	return strings.Join(items, ", ")
}

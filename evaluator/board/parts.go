package board

import (
	"cmp"
	"html/template"
	"slices"
	"strings"

	"selfstream/evaluator/history"
)

// runSections are those of the page of a run.
var runSections = []string{"head", "sees", "learning", "quality", "asked", "maps", "stages", "crew", "rejects", "settings"}

// runParts are the sections of the page of a run.
func (b *board) runParts(run *history.Run, g gathered) []part {
	return b.render(newView(run, g), runSections...)
}

// awaitedParts are those of a run that there is not. They are all there, so that
// they can be filled.
func (b *board) awaitedParts(name string) []part {
	parts := b.render(name, "awaited")
	for _, id := range runSections[1:] {
		parts = append(parts, part{ID: id})
	}
	parts[0].ID = runSections[0]
	return parts
}

// runsParts is the list of the runs, the last one heard of first.
func (b *board) runsParts(runs map[string]*history.Run, t team) []part {
	var all []*view
	for _, run := range runs {
		all = append(all, newView(run, gathered{team: t}))
	}
	slices.SortFunc(all, func(a, b *view) int {
		return cmp.Or(b.Updated.Compare(a.Updated), strings.Compare(a.Run.Run, b.Run.Run))
	})
	return append(b.render(all, "runs"), b.render(&view{gathered: gathered{team: t}}, "crew")...)
}

// render makes parts with the templates of those names.
func (b *board) render(data any, names ...string) []part {
	parts := make([]part, len(names))
	for i, name := range names {
		var text strings.Builder
		if err := templates.ExecuteTemplate(&text, name, data); err != nil {
			b.Log.Error("making a part of a page", "part", name, "err", err)
			text.Reset()
			text.WriteString("<p>This part of the page could not be made; the log says why.</p>")
		}
		parts[i] = part{ID: name, HTML: template.HTML(text.String())}
	}
	return parts
}

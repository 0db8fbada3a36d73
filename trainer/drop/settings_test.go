package drop

import (
	"fmt"
	"strings"
	"testing"
)

func TestParseSettings(t *testing.T) {
	for _, tc := range []struct {
		name, text, want string // of the settings, or of the error
	}{
		{"nothing", "", ""},
		{"comments", "# nothing\n", ""},
		{"null", "~", ""},
		{"values", "batch: 8\n\nmethod: byol", "1 batch 8, 3 method byol"},
		{"texts", "a: 0x10\nb: 1e-3\nc: true\nd: '007'\ne: no", "1 a 0x10, 2 b 1e-3, 3 c true, 4 d 007, 5 e no"},
		{"a list", "method: [byol, barlow]", "1 method byol, 1 method barlow"},
		{"a mapping", "set: {dim: 8, t: 0.5}", "1 set dim=8, 1 set t=0.5"},
		{"JSON", `{"batch": 8}`, "1 batch 8"},

		{"twice", "batch: 8\nbatch: 9", "line 2: batch is set twice"},
		{"a list alone", "- batch", "line 1: want lines such as"},
		{"a word", "batch", "line 1: want lines such as"},
		{"no YAML", "batch: [", "want YAML"},
		{"no value", "batch:", "line 1: batch: want a value"},
		{"no values", "method: []", "line 1: method: want a value"},
		{"a nested list", "method: [[a]]", "line 1: method: want a value"},
		{"a nested mapping", "set: {a: {b: c}}", "line 1: set: want a value"},
		{"an alias", "a: &x 1\nb: *x", "line 2: b: want a value"},
		{"a key that is a list", "? [a]\n: b", "line 1: want a name"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			settings, err := ParseSettings([]byte(tc.text))
			var all []string
			for _, s := range settings {
				all = append(all, fmt.Sprint(s.Line, " ", s.Name, " ", s.Value))
			}
			have := strings.Join(all, ", ")
			if err == nil && have != tc.want || err != nil && !strings.Contains(err.Error(), tc.want) {
				t.Errorf("have %q, %v, want %q", have, err, tc.want)
			}
		})
	}
}

// FuzzParseSettings: whatever people write is an error or settings with names
// and values.
func FuzzParseSettings(f *testing.F) {
	for _, text := range []string{"", "batch: 8", "method: [byol, barlow]\nset:\n- dim=8", "set: {t: 0.5}", "a: &a [*a]", "<<: {batch: 8}", "--- \n---\nbatch: 8", "? [a]\n: b", "!!null"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		settings, err := ParseSettings(text)
		if err != nil && settings != nil {
			t.Errorf("have %v beside the error %v", settings, err)
		}
		for _, s := range settings {
			if s.Line < 1 {
				t.Errorf("have %+v, want a line from 1", s)
			}
		}
	})
}

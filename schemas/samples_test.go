package schemas_test

import (
	"bytes"
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"selfstream/schemas"
)

// TestEqualSamplesHaveEqualBytes, whether or not what is absent is nil.
func TestEqualSamplesHaveEqualBytes(t *testing.T) {
	whole := schemas.Samples{
		Run: "a", Fingerprint: "f", Views: []schemas.Pixels{{Size: 1, Data: []byte("rgb")}}, Labels: []int32{3}, IDs: []int64{5},
	}
	broken := schemas.Samples{
		Run: "a", Fingerprint: "f", Views: []schemas.Pixels{{Size: 1}}, Holes: []schemas.Hole{{ID: 5, Key: "k", Reason: "r"}},
	}
	asked := broken
	asked.Answers = []int32{}
	for name, m := range map[string]schemas.Samples{"without holes": whole, "without images": broken, "without images, with answers": asked} {
		t.Run(name, func(t *testing.T) {
			first, err := m.MarshalBinary()
			if err != nil {
				t.Fatal(err)
			}
			var decoded schemas.Samples
			if err := decoded.UnmarshalBinary(first); err != nil {
				t.Fatal(err)
			}
			second, err := decoded.MarshalBinary()
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(first, second) {
				t.Errorf("have %q\nwant %q", second, first)
			}
			if (decoded.Answers == nil) != (m.Answers == nil) {
				t.Errorf("have answers %v, want %v", decoded.Answers, m.Answers)
			}
			if name == "without holes" && !strings.Contains(string(first), `"holes":"[]"`) {
				t.Errorf("have %q, want holes to be []", first)
			}
		})
	}
}

// TestPixelsAreViews of the message, not copies.
func TestPixelsAreViews(t *testing.T) {
	body, err := schemas.Samples{
		Run: "a", Fingerprint: "f", Views: []schemas.Pixels{{Size: 1, Data: []byte("rgb")}}, Labels: []int32{3}, IDs: []int64{5},
	}.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	var m schemas.Samples
	if err := m.UnmarshalBinary(body); err != nil {
		t.Fatal(err)
	}
	body[len(body)-1] = 'B'
	if have := string(m.Views[0].Data); have != "rgB" {
		t.Errorf("have %q, want %q", have, "rgB")
	}
}

// TestPythonReadsSamples runs the program of docs/samples.md as it stands there.
func TestPythonReadsSamples(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("python3 is not installed")
	}
	doc, err := os.ReadFile("../docs/samples.md")
	if err != nil {
		t.Fatal(err)
	}
	var program strings.Builder
	for _, block := range regexp.MustCompile("(?s)```python\n(.*?)```").FindAllSubmatch(doc, -1) {
		program.Write(block[1])
	}
	for _, tc := range []struct {
		message schemas.Message
		want    string
	}{
		{kinds[2].message, "run eurosat-simclr-1 epoch 3 split 14 fingerprint go1.26.8 amd64 view.1\n" +
			"ids [2, 0] labels [1, -1] answers None holes [{'id': 1, 'key': 'eurosat/train/2.jpg', 'reason': 'decoding: unexpected EOF'}]\n"},
		{answered, "run eurosat-context-1 epoch 3 split 14 fingerprint go1.26.8 amd64 view.1\n" +
			"ids [2, 0] labels [1, -1] answers [7, 0] holes []\n"},
	} {
		t.Run(tc.message.Subject(), func(t *testing.T) {
			checkProgram(t, python, program.String(), tc.message, tc.want)
		})
	}
}

// checkProgram runs a program that looks at samples that pass, and holds
// what it says against want.
func checkProgram(t *testing.T, python, program string, m schemas.Message, want string) {
	t.Helper()
	js := startJetStream(t)
	createTopology(t, js)
	host, port, err := net.SplitHostPort(js.Conn().ConnectedAddr())
	if err != nil {
		t.Fatal(err)
	}

	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, python, "-c", program, host, port)
	cmd.Dir = t.TempDir()
	var out []byte
	done := make(chan error, 1)
	go func() {
		var err error
		out, err = cmd.CombinedOutput()
		done <- err
	}()
	published := uint64(0)
	for running := true; running; { // it sees what comes after it has subscribed
		publish(t, js, m)
		published++
		select {
		case err := <-done:
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			running = false
		case <-time.After(20 * time.Millisecond):
		}
	}

	if string(out) != want {
		t.Errorf("have %s\nwant %s", out, want)
	}
	picture, err := os.ReadFile(filepath.Join(cmd.Dir, "sample.ppm"))
	if want := "P6 2 2 255\nabcdefghijkl"; err != nil || string(picture) != want {
		t.Errorf("have picture %q and error %v, want %q", picture, err, want)
	}
	s, err := js.Stream(t.Context(), schemas.SamplesStream)
	if err != nil {
		t.Fatal(err)
	}
	if have := s.CachedInfo().State.Msgs; have != published {
		t.Errorf("have %d messages left for the trainer, want %d", have, published)
	}
}

func BenchmarkSamples(b *testing.B) {
	const n, size = 170, 32 // about 1 MiB
	m := schemas.Samples{
		Run: "a", Fingerprint: "f", Labels: make([]int32, n), IDs: make([]int64, n),
		Views: []schemas.Pixels{{Size: size, Data: make([]byte, n*size*size*3)}, {Size: size, Data: make([]byte, n*size*size*3)}},
	}
	for i := range m.IDs {
		m.IDs[i] = int64(i)
	}
	body, err := m.MarshalBinary()
	if err != nil {
		b.Fatal(err)
	}
	b.Run("marshal", func(b *testing.B) {
		b.SetBytes(int64(len(body)))
		b.ReportAllocs()
		for b.Loop() {
			if _, err := m.MarshalBinary(); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("unmarshal", func(b *testing.B) {
		b.SetBytes(int64(len(body)))
		b.ReportAllocs()
		for b.Loop() {
			var m schemas.Samples
			if err := m.UnmarshalBinary(body); err != nil {
				b.Fatal(err)
			}
		}
	})
}

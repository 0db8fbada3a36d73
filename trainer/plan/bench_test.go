package plan

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"syscall"
	"testing"
	"time"

	"selfstream/schemas"
	"selfstream/stages/bucket"
	"selfstream/stages/ledger"
)

// BenchmarkBegin is what a run does between the listing of its dataset and its
// first split, and again when it is resumed. SELFSTREAM_OBJECTS says how many
// images it has, 10,000 by default.
func BenchmarkBegin(b *testing.B) {
	n := 10_000
	if text := os.Getenv("SELFSTREAM_OBJECTS"); text != "" {
		var err error
		if n, err = strconv.Atoi(text); err != nil {
			b.Fatal("SELFSTREAM_OBJECTS:", err)
		}
	}
	d := &bucket.Dataset{Name: "d", Train: make([]bucket.File, n)}
	for i := range d.Train {
		d.Train[i] = bucket.File{Key: fmt.Sprintf("d/train/%04d/%07d.jpg", i/1000, i), Size: 3119, ETag: fmt.Sprintf("%032x", i), Label: -1}
	}
	for b.Loop() {
		begin(b, d)
	}
}

func begin(b *testing.B, d *bucket.Dataset) {
	kept := ledger.New(new(bucket.Memory))
	var m *Manifest
	var again Manifest
	var p *Plan
	var most uint64
	for _, phase := range []struct {
		name string
		do   func() error
	}{
		{"list", func() (err error) { m, err = NewManifest(d, schemas.Config{}); return err }},
		{"write", func() error { return kept.Write(b.Context(), "r", ledger.Manifest, m) }},
		{"read", func() error { return kept.Read(b.Context(), "r", ledger.Manifest, &again) }},
		{"digest", func() error { again.SHA256(); return again.Validate() }},
		{"order", func() error { p = New("r", 1, recipe(32), &again); p.Split(Position{}); return nil }},
		{"split", func() error { p.Split(p.Next(Position{})); return nil }},
	} {
		start := processorTime()
		if err := phase.do(); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64((processorTime()-start).Microseconds())/1000, phase.name+"-cpu-ms")
		var mem runtime.MemStats
		runtime.ReadMemStats(&mem)
		most = max(most, mem.HeapSys-mem.HeapReleased)
	}
	b.ReportMetric(float64(most)/(1<<20), "heap-MiB")
}

// processorTime is what this process has used so far, garbage collection
// included.
func processorTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

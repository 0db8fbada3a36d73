package main

import (
	"math"
	"strings"
	"testing"
)

// TestCompare: a backend agrees with itself to the bit, for every method.
func TestCompare(t *testing.T) {
	code, stdout, stderr := selfstream(t, "compare", "--backends", "go,go", "--encoder", "tiny", "--image-size", "32",
		"--batch", "4", "--steps", "3", "--compare", "2", "--tolerance", "0", "--methods", "byol,simclr")
	if code != 0 {
		t.Fatalf("have exit code %d\n%s", code, stderr)
	}
	rows := strings.Split(strings.TrimSpace(stdout), "\n")[4:]
	if len(rows) != 4 {
		t.Fatalf("have %d rows in %s, want two for each method", len(rows), stdout)
	}
	for i, row := range rows {
		name := []string{"| byol |", "| simclr |"}[i/2]
		if !strings.HasPrefix(row, name) || !strings.Contains(row, "| go (") || !strings.Contains(row, "| 0.0e+00 |") {
			t.Errorf("have %s, want one of %s with a difference of 0", row, name)
		}
	}
}

// TestComparePrecisions: bfloat16 starts with the losses of float32, about, and a
// contender alone is timed.
func TestComparePrecisions(t *testing.T) {
	args := []string{"compare", "--backends", "go", "--encoder", "tiny", "--image-size", "16", "--batch", "8", "--steps", "3", "--compare", "2", "--methods", "simclr"}
	code, stdout, stderr := selfstream(t, append(args, "--precisions", "float32,bfloat16", "--tolerance", "0.05")...)
	if code != 0 || !strings.Contains(stdout, "| bfloat16 |") || strings.Count(stdout, "| 0.0e+00 |") != 1 {
		t.Errorf("have exit code %d, %s and %s, want losses that differ a little", code, stdout, stderr)
	}
	code, stdout, stderr = selfstream(t, append(args, "--precisions", "bfloat16")...)
	if code != 0 || strings.Contains(stdout, "| – |") {
		t.Errorf("have exit code %d, %s and %s, want a rate", code, stdout, stderr)
	}
	code, _, stderr = selfstream(t, append(args, "--precisions", "float16")...)
	if code != exitUsage || !strings.Contains(stderr, `precisions: have "float16", want float32 or bfloat16`) {
		t.Errorf("have exit code %d and %s, want a refusal", code, stderr)
	}
}

// TestCompareFinds: losses that differ are an error, after the table.
func TestCompareFinds(t *testing.T) {
	for _, tc := range []struct {
		losses []float64
		want   float64
	}{
		{[]float64{4, 2, 9}, 0},
		{[]float64{4.04, 2}, 0.01},
		{[]float64{4, 1}, 0.5},
		{[]float64{4, math.NaN()}, math.NaN()},
	} {
		have := distance(tc.losses, []float64{4, 2})
		if math.IsNaN(have) != math.IsNaN(tc.want) || math.Abs(have-tc.want) > 1e-12 {
			t.Errorf("%v: have %g, want %g", tc.losses, have, tc.want)
		}
	}
	code, stdout, stderr := selfstream(t, "compare", "--backends", "go,go", "--encoder", "tiny", "--image-size", "16",
		"--batch", "4", "--steps", "1", "--compare", "1", "--tolerance", "-1", "--methods", "simclr")
	if code != exitFailed || !strings.Contains(stdout, "| simclr |") || !strings.Contains(stderr, "simclr on go in float32 is off by 0 of the loss") {
		t.Errorf("have exit code %d, %s and %s", code, stdout, stderr)
	}
}

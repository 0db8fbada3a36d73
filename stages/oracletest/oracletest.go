// Package oracletest turns outputs of public libraries, kept as safetensors
// files, into the cases of a test.
package oracletest

import (
	"math"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"selfstream/schemas/safetensors"
)

// Case is one file: tensors, and the parameters they were made with as its
// metadata.
type Case struct {
	*safetensors.File
	t *testing.T
}

// Each runs check on every file whose name matches the pattern, such as
// "ntxent_*". They lie in the folder named by SELFSTREAM_ORACLES; if that is
// not set in ../shared/oracles, seen from the root of the repository; and
// where there is no such folder in the package's own testdata.
func Each(t *testing.T, pattern string, check func(t *testing.T, c Case)) {
	t.Helper()
	folder := find()
	paths, err := filepath.Glob(filepath.Join(folder, pattern+".safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	if len(paths) == 0 {
		t.Skipf("no %s in %s; set SELFSTREAM_ORACLES to a folder that has some", pattern, folder)
	}
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			f, err := safetensors.Parse(b)
			if err != nil {
				t.Fatal(err)
			}
			check(t, Case{f, t})
		})
	}
}

func find() string {
	if dir := os.Getenv("SELFSTREAM_ORACLES"); dir != "" {
		return dir
	}
	// A test runs in the folder of its package, at some depth.
	for up := "."; len(up) < 32; up = filepath.Join(up, "..") {
		if !exists(filepath.Join(up, "go.mod")) {
			continue
		}
		if shared := filepath.Join(up, "..", "shared", "oracles"); exists(shared) {
			return shared
		}
		break
	}
	return "testdata"
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// Parameter is a number of the metadata.
func (c Case) Parameter(name string) float64 {
	c.t.Helper()
	x, err := strconv.ParseFloat(c.Metadata[name], 64)
	if err != nil {
		c.t.Fatalf("reading parameter %s: %v", name, err)
	}
	return x
}

// Has tells whether there is a tensor of that name.
func (c Case) Has(name string) bool {
	_, ok := c.Tensor(name)
	return ok
}

// Values are the elements of a tensor of float32, row-major, and its shape.
func (c Case) Values(name string) ([]float32, []int) {
	c.t.Helper()
	tensor, ok := c.Tensor(name)
	if !ok {
		c.t.Fatalf("no tensor %q", name)
	}
	x, err := safetensors.Float32s(tensor)
	if err != nil {
		c.t.Fatal(err)
	}
	return x, tensor.Shape
}

// Distance is the largest difference between two vectors, relative to the
// largest element of want. It is NaN if any element is.
func Distance(have, want []float32) float64 {
	if len(have) != len(want) {
		return math.NaN()
	}
	var largest, scale float64
	for i := range want {
		d := math.Abs(float64(have[i]) - float64(want[i]))
		if math.IsNaN(d) {
			return d
		}
		largest = max(largest, d)
		scale = max(scale, math.Abs(float64(want[i])))
	}
	if largest == 0 {
		return 0
	}
	return largest / scale
}

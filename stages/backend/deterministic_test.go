package backend

import (
	"os"
	"testing"
)

func TestDeterministicKeepsOtherFlags(t *testing.T) {
	t.Setenv("XLA_FLAGS", "--xla_dump_to=x")
	for range 2 {
		if err := Deterministic(); err != nil {
			t.Fatal(err)
		}
	}
	if have, want := os.Getenv("XLA_FLAGS"), "--xla_dump_to=x --xla_gpu_deterministic_ops=true"; have != want {
		t.Errorf("have %q, want %q", have, want)
	}
}

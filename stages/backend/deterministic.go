package backend

import (
	"fmt"
	"os"
	"strings"
)

// deterministic makes XLA choose GPU kernels that give the same bits on every
// run, at some cost of speed. Without it sums are made in whatever order
// threads come. XLA on the processor and the Go backend do not need it.
const deterministic = "--xla_gpu_deterministic_ops=true"

// Deterministic makes the backends that are opened after it compute the same
// bits on every run on one kind of machine. XLA reads its flags from the
// environment, once, when its plugin is loaded.
func Deterministic() error {
	flags := os.Getenv("XLA_FLAGS")
	if strings.Contains(flags, deterministic) {
		return nil
	}
	if err := os.Setenv("XLA_FLAGS", strings.TrimSpace(flags+" "+deterministic)); err != nil {
		return fmt.Errorf("asking XLA for deterministic operations: %w", err)
	}
	return nil
}

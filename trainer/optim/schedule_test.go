package optim

import (
	"fmt"
	"math"
	"strings"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"selfstream/schemas/safetensors"
	"selfstream/stages/oracletest"
)

// TestOracleSchedules takes warm-up and length from the names of the tensors,
// such as lr_warmup10_max100. The peak is 1 and the last value 0.001.
func TestOracleSchedules(t *testing.T) {
	oracletest.Each(t, "schedules*", func(t *testing.T, c oracletest.Case) {
		for _, tensor := range c.Tensors {
			want, err := safetensors.Float64s(tensor)
			if err != nil {
				t.Fatal(err)
			}
			have, tolerance := []float64(nil), 1e-12
			s := Schedule{Peak: 1, Final: 0.001}
			switch {
			case strings.HasPrefix(tensor.Name, "lr_"):
				if _, err := fmt.Sscanf(tensor.Name, "lr_warmup%d_max%d", &s.Warmup, &s.Steps); err != nil {
					t.Fatalf("%s: %v", tensor.Name, err)
				}
				for i := range want {
					have = append(have, s.At(i))
				}
			case strings.HasPrefix(tensor.Name, "ema_"):
				have, tolerance = cosines(t, len(want), want[0], want[len(want)-1]), 1e-7 // float32
			default:
				t.Fatalf("unknown schedule %s", tensor.Name)
			}
			for i := range want {
				if !(math.Abs(have[i]-want[i]) < tolerance) {
					t.Errorf("%s: step %d: have %.10f, want %.10f", tensor.Name, i, have[i], want[i])
				}
			}
		}
	})
}

// cosines are the values of Cosine at all steps.
func cosines(t *testing.T, steps int, from, to float64) []float64 {
	var values []float64
	for i := range steps {
		values = append(values, cosine(t, Progress(i, steps), from, to))
	}
	return values
}

func cosine(t *testing.T, progress, from, to float64) float64 {
	out, err := CallOnce(goBackend(t), func(x *Node) *Node { return Cosine(x, from, to) }, float32(progress))
	if err != nil {
		t.Fatal(err)
	}
	return float64(out.Value().(float32))
}

// TestScheduleLiterals has the cases of lightly's tests/utils/test_scheduler.py
// for schedules of one period.
// The momentum of a target network takes the same way from 0.996 to 1.
func TestScheduleLiterals(t *testing.T) {
	for _, tc := range []struct {
		step, steps, warmup int
		peak, want          float64
	}{
		{0, 0, 0, 1, 0}, {1, 0, 0, 1, 0}, {1, 1, 0, 1, 0},
		{0, 10, 0, 1, 1}, {1, 10, 0, 1, 0.96984631}, {2, 10, 0, 1, 0.88302222}, {10, 10, 0, 1, 0},
		{0, 20, 10, 0.5, 0.05}, {1, 20, 10, 0.5, 0.1}, {2, 20, 10, 0.5, 0.15},
		{10, 20, 10, 1, 1}, {11, 20, 10, 1, 0.96984631}, {20, 20, 10, 1, 0}, {20, 20, 20, 1, 0},
	} {
		s := Schedule{Peak: tc.peak, Warmup: tc.warmup, Steps: tc.steps}
		if have := s.At(tc.step); math.Abs(have-tc.want) > 1e-8 {
			t.Errorf("%+v: step %d: have %.8f, want %.8f", s, tc.step, have, tc.want)
		}
		if tc.warmup > 0 {
			continue
		}
		momentum := cosine(t, Progress(tc.step, tc.steps), 0.996, 1)
		if want := 1 - 0.004*tc.want; math.Abs(momentum-want) > 1e-7 {
			t.Errorf("momentum of step %d of %d: have %.8f, want %.8f", tc.step, tc.steps, momentum, want)
		}
	}
}

func TestScheduleByHand(t *testing.T) {
	for _, tc := range []struct {
		s    Schedule
		want []float64
	}{
		{Schedule{Peak: 2, Warmup: 0, Steps: 3}, []float64{2, 1, 0, 0}},
		{Schedule{Peak: 2, Warmup: 2, Steps: 5}, []float64{1, 2, 2, 1, 0, 0}},
		{Schedule{Peak: 2, Final: 1, Warmup: 0, Steps: 3}, []float64{2, 1.5, 1}},
		{Schedule{Peak: 2, Final: 1, Warmup: 3, Steps: 3}, []float64{2. / 3, 4. / 3, 2, 1}}, // warm-up only
		{Schedule{Peak: 2, Final: 1, Warmup: 0, Steps: 1}, []float64{1}},
	} {
		for step, want := range tc.want {
			if have := tc.s.At(step); math.Abs(have-want) > 1e-12 {
				t.Errorf("%+v: step %d: have %g, want %g", tc.s, step, have, want)
			}
		}
	}
}

// TestMovingAverage: parameters move, running statistics and strangers stay.
func TestMovingAverage(t *testing.T) {
	store := model.NewStore()
	exec := model.MustNewExec(goBackend(t), store, func(s *model.Scope, momentum *Node) *Node {
		s.At("encoder").VariableWithValue("weight", []float32{1}).SetNodeValue(Const(momentum.Graph(), []float32{2}))
		s.At("encoder").VariableWithValue("running_mean", []float32{1}).SetTrainable(false)
		for _, name := range []string{"weight", "running_mean", "stranger"} {
			s.At("target").At("encoder").VariableWithValue(name, []float32{10}).SetTrainable(false)
		}
		MovingAverage(s.At("target"), s, momentum)
		return momentum
	})
	exec.MustCall1(float32(0.75))
	for name, want := range map[string]float32{"weight": 0.75*10 + 0.25*2, "running_mean": 10, "stranger": 10} {
		have := tensors.MustCopyFlatData[float32](store.GetVariable("/target/encoder/" + name).MustValue())[0]
		if have != want {
			t.Errorf("%s: have %g, want %g", name, have, want)
		}
	}
}

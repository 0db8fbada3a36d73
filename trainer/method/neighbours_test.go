package method

import (
	"image"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"selfstream/schemas"
	"selfstream/stages/random"
	"selfstream/trainer/layer"
)

// TestNeighbours: every patch is asked about with each of its neighbours, in
// both directions, and the mean counts each answer the same.
func TestNeighbours(t *testing.T) {
	steps := []image.Point{{-1, -1}, {0, -1}, {1, -1}, {-1, 0}, {1, 0}, {-1, 1}, {0, 1}, {1, 1}}
	cell := func(i int) image.Point { return image.Pt(i%3, i/3) }
	times, met := map[int]int{}, map[question]bool{}
	for _, q := range neighbours() {
		if cell(q.first).Add(steps[q.answer]) != cell(q.second) {
			t.Errorf("%+v: have patch %d there", q, q.second)
		}
		times[q.answer]++
		met[q] = true
	}
	if len(met) != 40 {
		t.Errorf("have %d different questions, want 40", len(met))
	}
	for answer, want := range []int{4, 6, 4, 6, 6, 4, 6, 4} {
		if times[answer] != want {
			t.Errorf("answer %d is right %d times, want %d", answer, times[answer], want)
		}
	}
}

// TestEvenly: whoever gives the same answer to all questions is right about one
// in eight.
func TestEvenly(t *testing.T) {
	const images = 3
	questions := neighbours()
	for answer := range schemas.Neighbours {
		right := make([]float32, 0, images*len(questions))
		for range images {
			for _, q := range questions {
				if q.answer == answer {
					right = append(right, 1)
				} else {
					right = append(right, 0)
				}
			}
		}
		out, err := CallOnce(goBackend(t), func(rows *Node) *Node { return evenly(questions)(rows) }, right)
		if err != nil {
			t.Fatal(err)
		}
		if err := near(float64(tensors.ToScalar[float32](out)), 1./schemas.Neighbours, 1e-6); err != nil {
			t.Errorf("answer %d: %v", answer, err)
		}
	}
}

// TestBoth holds the layer against a loop over images, questions, and the two
// codes side by side.
func TestBoth(t *testing.T) {
	const batch, n, in, width = 3, schemas.Tiles, 5, 4
	codes := make([]float32, batch*n*in)
	for i := range codes {
		codes[i] = float32(random.New(1).Normal(uint64(i)))
	}
	questions := neighbours()
	s := model.NewStore()
	layer.SetSeed(s, 1)
	exec := model.MustNewExec(goBackend(t), s, func(s *model.Scope, codes, of *Node) []*Node {
		return []*Node{both(s, "fc", codes, questions, width), answersTo(questions, of)}
	})
	out, err := exec.Call(tensors.FromFlatDataAndDimensions(codes, batch, n, in), make([]int32, batch))
	if err != nil {
		t.Fatal(err)
	}
	have, answers := tensors.MustCopyFlatData[float32](out[0]), tensors.MustCopyFlatData[int32](out[1])
	first, second := flat(s.GetVariable("/fc.first.weight")), flat(s.GetVariable("/fc.second.weight"))
	row := 0
	for image := range batch {
		for _, q := range questions {
			if answers[row] != int32(q.answer) {
				t.Fatalf("image %d: have answer %d, want %d", image, answers[row], q.answer)
			}
			for out := range width {
				sum := 0.0
				for i := range in {
					sum += float64(first[out*in+i]) * float64(codes[(image*n+q.first)*in+i])
					sum += float64(second[out*in+i]) * float64(codes[(image*n+q.second)*in+i])
				}
				if err := near(float64(have[row*width+out]), sum, 1e-5); err != nil {
					t.Fatalf("image %d, %+v, value %d: %v", image, q, out, err)
				}
			}
			row++
		}
	}
	if row != len(answers) {
		t.Errorf("have %d answers, want %d", len(answers), row)
	}
}

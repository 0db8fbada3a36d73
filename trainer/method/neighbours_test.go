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

// TestNeighbours: the middle patch is asked about with each of the others, in
// both directions, and each answer is right for as many questions.
func TestNeighbours(t *testing.T) {
	steps := []image.Point{{-1, -1}, {0, -1}, {1, -1}, {-1, 0}, {1, 0}, {-1, 1}, {0, 1}, {1, 1}}
	cell := func(i int) image.Point { return image.Pt(i%3, i/3) }
	times, met := map[int]int{}, map[question]bool{}
	for _, q := range neighbours() {
		if cell(q.first).Add(steps[q.answer]) != cell(q.second) {
			t.Errorf("%+v: have patch %d there", q, q.second)
		}
		if q.first != 4 && q.second != 4 {
			t.Errorf("%+v: does not ask about the middle", q)
		}
		times[q.answer]++
		met[q] = true
	}
	if len(met) != 16 {
		t.Errorf("have %d different questions, want 16", len(met))
	}
	for answer := range schemas.Neighbours {
		if times[answer] != 2 {
			t.Errorf("answer %d is right %d times, want 2", answer, times[answer])
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

package method_test

import (
	"fmt"
	"log"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"selfstream/stages/backend"
	"selfstream/trainer/encoder"
	"selfstream/trainer/layer"
	"selfstream/trainer/method"
	"selfstream/trainer/optim"
)

// A training step is one graph: the method's loss, the optimiser's update, and
// then what the method moves itself.
func Example() {
	m, err := method.New("simclr", map[string]string{"temperature": "0.5"})
	if err != nil {
		log.Fatal(err)
	}
	e, err := encoder.New("tiny")
	if err != nil {
		log.Fatal(err)
	}
	o, err := optim.New("sgd", 1e-4)
	if err != nil {
		log.Fatal(err)
	}
	b, _, err := backend.Open("go")
	if err != nil {
		log.Fatal(err)
	}

	store := model.NewStore()
	layer.SetSeed(store, 1)
	step := model.MustNewExec(b, store, func(scope *model.Scope, in []*Node) []*Node {
		net := method.Net{Encoder: e, Scope: scope, Training: true}
		r := m.Loss(net, method.Batch{Progress: in[1], Views: in[2:]})
		optim.Minimize(o, store, r.Loss, in[0], 0)
		if r.After != nil {
			r.After(in[1])
		}
		return []*Node{r.Loss, r.Embedding}
	})

	const batch, steps = 4, 3
	var args []any
	for i, v := range m.Recipe(16).Views {
		pixels := make([]uint8, batch*v.Size*v.Size*3)
		for k := range pixels {
			pixels[k] = uint8(k * k >> (3 + i))
		}
		args = append(args, tensors.FromFlatDataAndDimensions(pixels, batch, v.Size, v.Size, 3))
	}
	schedule := optim.Schedule{Peak: 0.1, Warmup: 1, Steps: steps}
	for i := range steps {
		scalars := []any{float32(schedule.At(i)), float32(optim.Progress(i, steps))}
		out, err := step.Call(append(scalars, args...)...)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println("step", i, "has a loss and an embedding", out[1].Shape())
	}
	// Output:
	// step 0 has a loss and an embedding (Float32)[8, 128]
	// step 1 has a loss and an embedding (Float32)[8, 128]
	// step 2 has a loss and an embedding (Float32)[8, 128]
}

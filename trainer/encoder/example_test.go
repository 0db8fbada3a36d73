package encoder_test

import (
	"fmt"
	"log"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"selfstream/stages/backend"
	"selfstream/trainer/encoder"
	"selfstream/trainer/layer"
)

// A training step is a graph on a store. The step's inputs are the learning
// rate and the images; the weights are the store's variables, which the step
// replaces on the device.
func Example() {
	b, _, err := backend.Open("go")
	if err != nil {
		log.Fatal(err)
	}
	enc, err := encoder.New("tiny")
	if err != nil {
		log.Fatal(err)
	}
	store := model.NewStore() // to resume, create the variables of a snapshot here
	layer.SetSeed(store, 1)

	step, err := model.NewExec(b, store, func(s *model.Scope, lr, images *Node) *Node {
		features := enc.Forward(s.At("encoder"), images, true).Features
		loss := ReduceAllMean(Square(AddScalar(features, -1)))
		var params []*model.Variable
		var values []*Node
		for v := range s.IterVariables() {
			if v.Trainable { // running statistics are not
				params, values = append(params, v), append(values, v.NodeValue(loss))
			}
		}
		for i, gradient := range Gradient(loss, values...) {
			params[i].SetNodeValue(Sub(values[i], Mul(lr, gradient)))
		}
		return loss
	})
	if err != nil {
		log.Fatal(err)
	}
	images := tensors.FromFlatDataAndDimensions(noise(4*32*32*3), 4, 32, 32, 3)
	for i := range 3 {
		loss, err := step.Call1(float32(0.1), images)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("step %d: loss %.3f\n", i, loss.Value())
	}
	fmt.Println(store.GetVariable("/encoder/conv1.weight").Shape())
	// Output:
	// step 0: loss 0.317
	// step 1: loss 0.297
	// step 2: loss 0.288
	// (Float32)[16, 3, 3, 3]
}

// noise is n bytes.
func noise(n int) []uint8 {
	out := make([]uint8, n)
	for i := range out {
		out[i] = uint8(i * i >> 3)
	}
	return out
}

package evaluator

import (
	"context"

	"selfstream/schemas"
)

// A Probe judges an encoder by the features it gives to images. It is a pure
// function: equal tasks have bit-equal verdicts.
type Probe interface {
	// Name is what reports call it: lower-case letters and digits.
	Name() string

	// Judge may take minutes; it returns the error of ctx soon after that ends.
	Judge(ctx context.Context, t Task) (Verdict, error)
}

// A new probe is one file, and one line here. They are judged in this order; see
// Last.
var (
	// Classifiers need labels: at least two classes in Task.Train, and images
	// of them in Task.Test.
	classifiers = []Probe{DefaultLinear(), DefaultKNN()}

	// Figures of pairs need Task.Pair, those of twins Task.Embedded; no figure
	// needs labels.
	figuresOfPairs = []Probe{Alignment{}, Uniformity{}}
	figuresOfTwins = []Probe{Invariance{}, Redundancy{}}
	figures        = []Probe{RankMe{}, Std{}}
)

// Task is what a probe works on: the features of one stage of an encoder.
type Task struct {
	Classes []string // names of the labels, in their order
	Train   Features // to learn from
	Test    Features // to be scored on; empty where there are no labels

	Compared bool // with other stages, by Verdict.HeldOut

	// For figures, of the last stage alone: two views of the same images, row by
	// row.
	Pair     [2]Features // by the encoder
	Embedded [2]Features // by the whole network; empty unless the run's method has two views
}

// Features are images as an encoder sees them.
type Features struct {
	Dim    int
	X      []float32 // one row of Dim values an image
	Labels []int32   // class of each image, an index into Task.Classes, or −1
}

// Len is the number of images.
func (f Features) Len() int { return len(f.X) / max(f.Dim, 1) }

// Row is the i-th image.
func (f Features) Row(i int) []float32 { return f.X[i*f.Dim : (i+1)*f.Dim] }

// rows are some of the images.
func (f Features) rows(which []int) Features {
	few := Features{Dim: f.Dim}
	for _, i := range which {
		few.X = append(few.X, f.Row(i)...)
		if f.Labels != nil {
			few.Labels = append(few.Labels, f.Labels[i])
		}
	}
	return few
}

// Verdict is what a probe says.
type Verdict struct {
	Value     float64              // top-1 accuracy on Task.Test, 0 to 1, unless the probe says otherwise
	HeldOut   float64              // of a classifier, if Task.Compared: the same on Task.Train, of which each fold is predicted from the others
	PerClass  []schemas.ClassValue // the same for each class that occurs in Task.Test
	Constants map[string]string    // of the protocol, to be printed beside the value
	Train     int                  // images that it learnt from
	Test      int                  // images that it was scored on; 0 for a figure that needs no labels
	Predicted []int32              // classes of Task.Test; none for a figure
}

// score compares the classes that a probe predicts for Task.Test with those
// that are there.
func score(t Task, predicted []int32) Verdict {
	hits, counts := make([]int, len(t.Classes)), make([]int, len(t.Classes))
	total := 0
	for i, label := range t.Test.Labels {
		counts[label]++
		if predicted[i] == label {
			hits[label]++
			total++
		}
	}
	v := Verdict{Train: t.Train.Len(), Test: len(predicted), Predicted: predicted}
	v.Value = float64(total) / float64(max(v.Test, 1))
	for c, name := range t.Classes {
		if counts[c] > 0 {
			v.PerClass = append(v.PerClass, schemas.ClassValue{Class: name, Value: float64(hits[c]) / float64(counts[c]), Count: counts[c]})
		}
	}
	return v
}

package evaluator

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"slices"
	"strings"

	"selfstream/schemas"
	"selfstream/stages/ledger"
)

// Balance is the exam of how even the linear probe's accuracy is over the
// classes. That probe learns from the images of the whole dataset, however few
// of a class the run trained on: what is uneven, then, are the features.
//
// Its value is the balancedness with a scale of 1, which is low where classes
// differ much; its further values are
//
//	balancedness_0.2       the same with a scale of 0.2, which looks closer
//	std                    standard deviation of the accuracies, dividing by their number
//	class_mean             mean of the accuracies
//	many, medium, few      the same of a third of the classes each, by how many
//	                       images of them the run trained on; see thirds
const Balance = "balance"

// Scales of the balancedness.
const (
	balanceScale      = 1
	closeBalanceScale = 0.2
)

// balance judges by the report of the linear probe, which is kept by now.
func (c *candidate) balance(ctx context.Context) (schemas.Report, error) {
	linear, err := c.kept(ctx, c.snapshot, classifiers[0].Name())
	if err != nil {
		return schemas.Report{}, err
	}
	accuracies := make([]float64, len(linear.PerClass))
	for i, class := range linear.PerClass {
		accuracies[i] = class.Value
	}
	mean, std := moments(accuracies)
	r := schemas.Report{
		Value: balancedness(accuracies, balanceScale),
		Values: map[string]float64{
			"balancedness_0.2": balancedness(accuracies, closeBalanceScale), "class_mean": mean, "std": std,
		},
		Constants: map[string]string{
			"of": linear.Probe, "scale": format(balanceScale),
			"image_size": linear.Constants["image_size"], "test_images": linear.Constants["test_images"],
		},
		Train: linear.Train, Test: linear.Test, Note: linear.Note,
	}
	for name, group := range thirds(linear.PerClass, c.chosen.Trained) {
		accuracies := make([]float64, len(group))
		counts := make([]string, len(group))
		for i, class := range group {
			accuracies[i] = class.Value
			counts[i] = fmt.Sprintf("%s (%d)", class.Class, c.chosen.Trained[class.Class])
		}
		r.Values[name], _ = moments(accuracies)
		r.Constants[name] = strings.Join(counts, ", ")
	}
	return r, nil
}

// balancedness is the mean over all pairs of classes, each with itself as well,
// of how near their accuracies a are to each other on a scale:
//
//	β = 1/C² Σᵢ Σⱼ exp(−|aᵢ − aⱼ| / σ)
//
// It is 1 where all are equal. Kang et al., 2021, "Exploring Balanced Feature
// Spaces for Representation Learning", section 3, https://openreview.net/forum?id=OqtLIabPTit.
func balancedness(accuracies []float64, scale float64) float64 {
	var sum float64
	for _, a := range accuracies {
		for _, b := range accuracies {
			sum += math.Exp(-math.Abs(a-b) / scale)
		}
	}
	return sum / math.Pow(max(1, float64(len(accuracies))), 2)
}

// moments are the mean and the standard deviation of all there is, which is no
// sample.
func moments(values []float64) (mean, std float64) {
	for _, v := range values {
		mean += v / float64(len(values))
	}
	for _, v := range values {
		std += (v - mean) * (v - mean) / float64(len(values))
	}
	return mean, math.Sqrt(std)
}

// unevenFrom is how many times the images of the frequent classes have to be
// those of the rare ones for the difference to be worth telling. A long tail of
// ratio 2 over ten classes has 1.71.
const unevenFrom = 1.5

// thirds are the classes of many, medium and few images that a run trained on:
// sorted by that number, ties in the order of the labels, a third of them from
// each end, rounded, and those between. There are no such groups of fewer than
// three classes, and none where the numbers hardly differ, as those of a balanced
// dataset do of which some images are held out: the many have to be unevenFrom
// times the few, on average.
func thirds(classes []schemas.ClassValue, trained map[string]int) map[string][]schemas.ClassValue {
	n := len(classes)
	classes = slices.Clone(classes)
	slices.SortStableFunc(classes, func(a, b schemas.ClassValue) int { return cmp.Compare(trained[b.Class], trained[a.Class]) })
	if n < 3 {
		return nil
	}
	third := int(math.Round(float64(n) / 3))
	sum := func(classes []schemas.ClassValue) (images float64) {
		for _, c := range classes {
			images += float64(trained[c.Class])
		}
		return images
	}
	many, few := sum(classes[:third]), sum(classes[n-third:])
	if many == 0 || many < unevenFrom*few {
		return nil
	}
	return map[string][]schemas.ClassValue{"many": classes[:third], "medium": classes[third : n-third], "few": classes[n-third:]}
}

// trained counts the images of each class in the run's manifest.
func (e *evaluator) trained(ctx context.Context, run string) (map[string]int, error) {
	var manifest struct { // as trainer/plan has it
		Classes []string `json:"classes"`
		Images  []struct {
			Label int32 `json:"label"`
		} `json:"images"`
	}
	err := e.ledger.Read(ctx, run, ledger.Manifest, &manifest)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	counts := map[string]int{}
	for _, img := range manifest.Images {
		if 0 <= img.Label && int(img.Label) < len(manifest.Classes) {
			counts[manifest.Classes[img.Label]]++
		}
	}
	return counts, err
}

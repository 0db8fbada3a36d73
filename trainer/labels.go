package trainer

import (
	"fmt"
	"slices"

	"selfstream/schemas"
	"selfstream/stages/bucket"
	"selfstream/trainer/method"
	"selfstream/trainer/plan"
)

// checkLabels refuses a dataset from which a method that learns from labels
// could learn nothing, or whose probes would say nothing of it.
func checkLabels(c schemas.Config, d *bucket.Dataset, m *plan.Manifest) error {
	learns, err := method.New(c.Method, c.Settings)
	if err != nil || !learns.Training().Labels {
		return err
	}
	unlabelled := slices.IndexFunc(m.Images, func(img schemas.Image) bool { return img.Label < 0 })
	classes := 0
	for _, n := range m.PerClass() {
		if n > 0 {
			classes++
		}
	}
	problem := ""
	switch {
	case len(d.Classes) == 0:
		problem = "and it has none: put the images into one folder per class"
	case unlabelled >= 0:
		problem = fmt.Sprintf("and %s has none: put it into the folder of its class", m.Images[unlabelled].Key)
	case classes < 2:
		problem = "and all its images to train on are of one class: add images of others"
	case len(d.Test) == 0:
		problem = "and none of its images is held out, so probes would be scored on images that it has learnt by heart: put some of each class below val/, and the others below train/"
	default:
		return nil
	}
	return fmt.Errorf("dataset %q: method %s learns from labels, %s; or choose a method that needs none", d.Name, c.Method, problem)
}

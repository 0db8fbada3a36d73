package study

import (
	"fmt"

	"selfstream/evaluator"
)

// The methods that are compared: those that ask a question about one image, and
// those that compare two views of it.
var (
	pretexts        = []string{"context", "jigsaw"}
	jointEmbeddings = []string{"simclr", "barlow", "byol"}
)

// Two views of 64 pixels take twice as long as the tiles of an image.
const pretextEpochs, jointEpochs = 20, 10

// images64 are the settings of runs that are compared by method: images of 64
// pixels, which have room for the tiles of a puzzle.
func images64() map[string]string {
	return map[string]string{"encoder": "tiny", "image-size": "64", "batch": "128", "snapshot-every": "1000000"}
}

// arms has one for each method.
func arms(methods []string, epochs int) (all []Arm) {
	for _, m := range methods {
		all = append(all, Arm{Name: m, Flags: []string{"--method=" + m, fmt.Sprintf("--epochs=%d", epochs)}})
	}
	return all
}

// methods puts the features of all five side by side.
func methods() Study {
	s := Study{
		Name:     "methods",
		About:    "Whose features are best: an untrained encoder's, a pretext task's or a joint embedding's?",
		Flags:    images64(),
		Arms:     append(arms(pretexts, pretextEpochs), arms(jointEmbeddings, jointEpochs)...),
		Readings: []Reading{linear, bestStage, knn, untrained, untrainedBest, pretext},
	}
	for _, arm := range s.Arms {
		s.Claims = append(s.Claims, Claim{arm.Name + " beats the untrained encoder, best stage by best stage", Percent, func(v Figures) float64 {
			return v(arm.Name, bestStage.Name) - v(arm.Name, untrainedBest.Name)
		}})
	}
	s.Claims = append(s.Claims, more("jigsaw beats context, best stage by best stage", Percent, bestStage.Name, "jigsaw", "context"))
	for _, joint := range jointEmbeddings {
		for _, question := range pretexts {
			s.Claims = append(s.Claims, more(joint+" beats "+question+", best stage by best stage", Percent, bestStage.Name, joint, question))
		}
	}
	return s
}

// labels starts from the features of the pretext tasks where labels are few. Its
// runs are those of methods.
func labels() Study {
	const share = 0.01
	tuning := evaluator.DefaultFineTune()
	tuning.Steps = 100 // 270 passes over the 24 images of 2,400
	tuned := asked("fine-tuned, 1 %", evaluator.FineTuned, share)
	scratch := asked("from scratch, 1 %", evaluator.Scratch, share)
	s := Study{
		Name:  "labels",
		About: "Do the features of a pretext task help where labels are few?",
		Flags: images64(),
		Arms:  arms(pretexts, pretextEpochs),
		Asks: &evaluator.Inquiry{
			Step: evaluator.LastStep, Probes: []string{evaluator.FineTuned, evaluator.Scratch}, Labels: []float64{share},
			Seeds: 3, Tuning: tuning,
		},
		Readings: []Reading{tuned, scratch},
	}
	for _, method := range pretexts {
		s.Claims = append(s.Claims, Claim{"with 1 % of the labels, " + method + " beats training from scratch", Percent,
			func(v Figures) float64 { return v(method, tuned.Name) - v(method, scratch.Name) }})
	}
	return s
}

package study

import (
	"fmt"

	"selfstream/evaluator"
)

// The methods that are compared, the ones that ask a question about one image
// first.
const (
	byContext = "context"
	byJigsaw  = "jigsaw"
)

var (
	pretexts        = []string{byContext, byJigsaw}
	jointEmbeddings = []string{"simclr", "barlow", "byol"}
)

// images64 are the settings of runs that are compared by method: images of 64
// pixels, which have room for the tiles of a puzzle.
func images64() map[string]string {
	return map[string]string{"encoder": "tiny", "image-size": "64", "batch": "128", "snapshot-every": "1000000"}
}

// arms has one for each method. One that compares two views of 64 pixels takes
// twice as long for an image as one that looks at its tiles.
func arms(methods []string) (all []Arm) {
	for _, m := range methods {
		epochs := 10
		if m == byContext || m == byJigsaw {
			epochs = 20
		}
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
		Arms:     append(arms(pretexts), arms(jointEmbeddings)...),
		Readings: []Reading{linear, bestStage, knn, untrained, untrainedBest, pretext},
	}
	for _, arm := range s.Arms {
		s.Claims = append(s.Claims, Claim{arm.Name + " beats the untrained encoder, best stage by best stage", Percent, func(v Figures) float64 {
			return v(arm.Name, bestStage.Name) - v(arm.Name, untrainedBest.Name)
		}})
	}
	s.Claims = append(s.Claims, more("jigsaw beats context, best stage by best stage", Percent, bestStage.Name, byJigsaw, byContext))
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
	const few = 0.01
	tuning := evaluator.DefaultFineTune()
	tuning.Steps = 100 // 270 passes over the 24 images of 2,400
	s := Study{
		Name:  "labels",
		About: "Do the features of a pretext task help where labels are few?",
		Flags: images64(),
		Arms:  arms(pretexts),
		Asks: &evaluator.Inquiry{
			Step: evaluator.LastStep, Probes: []string{evaluator.FineTuned, evaluator.Scratch}, Labels: []float64{few},
			Seeds: 3, Tuning: tuning,
		},
	}
	for _, share := range s.Asks.Labels {
		tuned := asked(fmt.Sprintf("fine-tuned, %g %%", 100*share), evaluator.FineTuned, share)
		scratch := asked(fmt.Sprintf("from scratch, %g %%", 100*share), evaluator.Scratch, share)
		s.Readings = append(s.Readings, tuned, scratch)
		for _, method := range pretexts {
			s.Claims = append(s.Claims, Claim{fmt.Sprintf("with %g %% of the labels, %s beats training from scratch", 100*share, method), Percent,
				func(v Figures) float64 { return v(method, tuned.Name) - v(method, scratch.Name) }})
		}
	}
	return s
}

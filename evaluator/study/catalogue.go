package study

import (
	"fmt"
	"math"
	"strconv"
)

// few are the settings of runs that take less than a minute on two cores.
func few(steps int) map[string]string {
	return map[string]string{
		"encoder": "tiny", "image-size": "32", "batch": "128", "steps": strconv.Itoa(steps),
		"snapshot-every": "1000000", // the untrained encoder and the last snapshot
	}
}

// Fixed are the studies whose runs are always the same.
func Fixed() []Study { return []Study{methods(), labels(), collapse(), identity()} }

// collapse takes from each method what is said to keep its features apart.
func collapse() Study {
	const simclr, alone = "simclr", "simclr without negatives"
	const byol, unpredicted, unstopped = "byol", "byol without predictor", "byol without stop-gradient"
	const barlow, redundant = "barlow", "barlow without redundancy reduction"
	s := Study{
		Name:  "collapse",
		About: "What happens to the features without negatives, predictor, stop-gradient or redundancy reduction, and does the monitor say so?",
		Flags: few(100),
		Arms: []Arm{
			{Name: simclr, Flags: []string{"--method=simclr"}},
			{Name: alone, Flags: []string{"--method=simclr", "--set=without=negatives"}},
			{Name: byol, Flags: []string{"--method=byol"}},
			{Name: unpredicted, Flags: []string{"--method=byol", "--set=without=predictor"}},
			{Name: unstopped, Flags: []string{"--method=byol", "--set=without=stop-gradient"}},
			{Name: barlow, Flags: []string{"--method=barlow"}},
			{Name: redundant, Flags: []string{"--method=barlow", "--set=lambda=0"}},
		},
		Readings: []Reading{rank, breath, warned, linear, knn, untrained, loss},
	}
	for _, pair := range [][2]string{{simclr, alone}, {byol, unpredicted}, {byol, unstopped}, {barlow, redundant}} {
		full, part := pair[0], pair[1]
		s.Claims = append(s.Claims,
			Claim{part + " uses less than half of the dimensions of " + full, Number, func(v Figures) float64 {
				return v(full, rank.Name)/2 - v(part, rank.Name)
			}},
			Claim{"the monitor warns of " + part, Number, func(v Figures) float64 { return v(part, warned.Name) - 0.5 }},
			more(part+" has worse features than "+full, Percent, linear.Name, full, part),
		)
	}
	for _, full := range []string{simclr, byol, barlow} {
		s.Claims = append(s.Claims,
			Claim{"the monitor does not warn of " + full, Number, func(v Figures) float64 { return 0.5 - v(full, warned.Name) }},
			Claim{full + " beats the untrained encoder", Percent, func(v Figures) float64 { return v(full, linear.Name) - v(full, untrained.Name) }})
	}
	return s
}

// identity looks at Barlow Twins' matrix. A batch of 128 images allows a
// matrix of more dimensions than 127 no further than the bound of the method's
// comment.
func identity() Study {
	diagonal, others := trained("diagonal", "correlation_diagonal"), trained("off the diagonal", "correlation_off_diagonal")
	const narrow, wide, redundant = "64 dimensions", "512 dimensions", "512 dimensions, λ = 0"
	claims := []Claim{
		more("λ takes correlations off the diagonal away", Number, others.Name, redundant, wide),
	}
	for _, arm := range []string{narrow, wide} {
		claims = append(claims,
			Claim{arm + ": the diagonal comes within 0.2 of 1", Number, func(v Figures) float64 { return 0.2 - math.Abs(1-v(arm, diagonal.Name)) }},
			Claim{arm + ": the others come within 0.2 of 0", Number, func(v Figures) float64 { return 0.2 - v(arm, others.Name) }})
	}
	return Study{
		Name:  "identity",
		About: "Does the cross-correlation matrix of Barlow Twins go to the identity?",
		Flags: few(200),
		Arms: []Arm{
			{Name: narrow, Flags: []string{"--method=barlow", "--set=dim=64"}},
			{Name: wide, Flags: []string{"--method=barlow", "--set=dim=512"}},
			{Name: redundant, Flags: []string{"--method=barlow", "--set=dim=512", "--set=lambda=0"}},
		},
		Readings: []Reading{diagonal, others, rank, linear, untrained},
		Claims:   claims,
	}
}

// Imbalance compares methods on long tails of one dataset, all of that many
// images; 0: of as many as each tail has. The first method is the one that
// learns from labels.
func Imbalance(methods []string, ratios []float64, images int) Study {
	few, std := balanced("few", "few", Percent), balanced("std over classes", "std", Percent)
	far, near := balanced("β, σ = 1", "balancedness", Number), balanced("β, σ = 0.2", "balancedness_0.2", Number)
	s := Study{
		Name:     "imbalance",
		About:    "Do features stay good, and even over classes, when the images to train on are not?",
		Flags:    imbalanceFlags(images),
		Readings: []Reading{linear, balanced("many", "many", Percent), balanced("medium", "medium", Percent), few, std, far, near, untrained},
		X:        "images of the first class by those of the last, log10",
	}
	name := func(method string, ratio float64) string { return fmt.Sprintf("%s, %g", method, ratio) }
	for _, method := range methods {
		for _, ratio := range ratios {
			s.Arms = append(s.Arms, Arm{
				Name: name(method, ratio), Line: method, X: math.Log10(ratio),
				Flags: []string{"--method=" + method, fmt.Sprintf("--long-tail=%g", ratio)},
			})
		}
	}
	first, steepest := ratios[0], ratios[len(ratios)-1]
	labelled := methods[0]
	for _, method := range methods[1:] {
		a, b := name(method, steepest), name(labelled, steepest)
		s.Claims = append(s.Claims,
			more(fmt.Sprintf("at %g, %s is more balanced (σ = 0.2) than %s", steepest, method, labelled), Number, near.Name, a, b),
			more(fmt.Sprintf("at %g, %s deviates less over classes than %s", steepest, method, labelled), Percent, std.Name, b, a),
			more(fmt.Sprintf("at %g, %s is better on the classes of few images than %s", steepest, method, labelled), Percent, few.Name, a, b),
			Claim{fmt.Sprintf("from %g to %g, %s loses less accuracy than %s", first, steepest, method, labelled), Percent, func(v Figures) float64 {
				loss := func(method string) float64 {
					return v(name(method, first), linear.Name) - v(name(method, steepest), linear.Name)
				}
				return loss(labelled) - loss(method)
			}})
	}
	return s
}

func imbalanceFlags(images int) map[string]string {
	flags := few(200)
	if images > 0 {
		flags["images"] = strconv.Itoa(images)
	}
	return flags
}

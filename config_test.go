package main

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"selfstream/schemas"
	"selfstream/trainer/method"
)

// asked is the request that flags make.
func asked(t *testing.T, flags string) (schemas.RunRequest, error) {
	t.Helper()
	o := newOptions("run", "", "")
	r := o.runFlags()
	if err := o.parse(&env{}, strings.Fields(flags), 0); err != nil {
		t.Fatal(err)
	}
	return r.request("photos")
}

// TestRunNames: settings that mean the same have one name, others another.
func TestRunNames(t *testing.T) {
	const byDefault = "--method simclr"
	for _, tc := range []struct {
		a, b string
		same bool
	}{
		{"", byDefault, true},
		{"", "--epochs 100 --image-size 32 --encoder tiny --optimizer adamw --warmup 0.10", true},
		{"", "--set dim=128 --set recipe=small", true},
		{"", "--set temperature=0.20", true},
		{"--set recipe=paper", "--set recipe=paper --set temperature=0.1 --base-batch 256", true},
		{"--set recipe=paper --set crop=0.5", "--set crop=0.5 --set recipe=paper", true},
		{"", "--epochs 21", false},
		{"", "--steps 20", false},
		{"", "--set dim=64", false},
		{"", "--set recipe=paper", false},
		{"", "--base-batch 128", false},
		{"", "--clip-norm 1", false},
		{"", "--precision float32", true},
		{"", "--precision bfloat16", false},
		{"", "--seed 2", false},
		{"", "--method byol", false},
	} {
		a, err := asked(t, tc.a)
		if err != nil {
			t.Fatal(err)
		}
		b, err := asked(t, tc.b)
		if err != nil {
			t.Fatal(err)
		}
		if same := a.Run == b.Run; same != tc.same {
			t.Errorf("%q and %q: have names %s and %s, want the same: %v", tc.a, tc.b, a.Run, b.Run, tc.same)
		}
	}
}

// TestRecommended: every method fills in what nobody asked for, and only that.
func TestRecommended(t *testing.T) {
	for _, name := range method.Names() {
		for _, recipe := range method.Recipes() {
			flags := "--method " + name + " --set recipe=" + recipe
			req, err := asked(t, flags)
			if err != nil {
				t.Fatal(err)
			}
			m, err := method.New(name, req.Config.Settings)
			if err != nil {
				t.Fatal(err)
			}
			c, want := req.Config, m.Training()
			have := method.Training{
				Encoder: c.Encoder, ImageSize: c.ImageSize, Epochs: c.Epochs, Batch: want.Batch,
				Optimizer: c.Optimizer, LearningRate: c.LearningRate, BaseBatch: c.BaseBatch,
				WeightDecay: c.WeightDecay, Warmup: c.Warmup, WholeBatch: want.WholeBatch, Labels: want.Labels,
			}
			if have != want || c.Batch != 0 || c.Settings["recipe"] != recipe {
				t.Errorf("%s: have %+v, want %+v, and the batch left to the trainer", flags, c, want)
			}
			req, err = asked(t, flags+" --steps 7 --learning-rate 1 --weight-decay 0 --optimizer sgd")
			if c := req.Config; err != nil || c.Epochs != 0 || c.LearningRate != 1 || c.WeightDecay != 0 || c.Optimizer != "sgd" || c.Warmup != want.Warmup {
				t.Errorf("%s, with flags: have %+v, %v", flags, c, err)
			}
		}
	}
}

// TestRequestIsWhole: a run keeps every setting of its method, so that later
// defaults do not change it.
func TestRequestIsWhole(t *testing.T) {
	req, err := asked(t, "--set dim=64")
	if err != nil {
		t.Fatal(err)
	}
	have := slices.Sorted(maps.Keys(req.Config.Settings))
	if want := []string{"blur", "crop", "dim", "hidden", "jitter", "recipe", "temperature", "without"}; !slices.Equal(have, want) {
		t.Errorf("have %v, want %v", have, want)
	}
	if req.Config.Settings["dim"] != "64" || req.Config.Settings["temperature"] != "0.2" {
		t.Errorf("have %v, want dim 64 and the rest by default", req.Config.Settings)
	}
}

func TestMethodHelp(t *testing.T) {
	for _, command := range []string{"up", "run", "preview"} {
		_, stdout, _ := selfstream(t, "help", command)
		for _, want := range []string{"simclr, recipe=small", "simclr, recipe=paper", "resnet50", "Settings of byol", "momentum=0.95"} {
			if !strings.Contains(stdout, want) {
				t.Errorf("help %s: have %s, want %q", command, stdout, want)
			}
		}
	}
}

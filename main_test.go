package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// selfstream runs the program and returns its exit code and what it wrote.
func selfstream(t testing.TB, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, err bytes.Buffer
	code = run(t.Context(), args, &out, &err)
	return code, out.String(), err.String()
}

// TestCommandLine: each mistake gets one clear line, that of the last column,
// and an exit code.
func TestCommandLine(t *testing.T) {
	empty := t.TempDir()
	file := filepath.Join(empty, "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	const nowhere = "127.0.0.1:1"
	for _, tc := range []struct {
		name string
		args string
		code int
		want string
	}{
		{"no command", "", exitUsage, "which command?"},
		{"unknown command", "paint", exitUsage, `no command "paint"; see: selfstream help`},
		{"wrong flag", "up --epoch 3", exitUsage, "flag provided but not defined: -epoch; see: selfstream help up"},
		{"wrong value", "up --epochs three", exitUsage, `invalid value "three" for flag -epochs`},
		{"stray argument", "up now", exitUsage, `unexpected "now"`},
		{"unknown method", "up --method simcrl", exitUsage, `have "simcrl", want one of `},
		{"unknown encoder", "up --encoder huge", exitUsage, `have "huge", want one of `},
		{"unknown recipe", "up --set recipe=large", exitUsage, `setting recipe of method simclr to "large": want one of small, paper`},
		{"another optimizer", "up --optimizer sgd", exitUsage, "name a --learning-rate for sgd: the method's, 0.004, is for adamw"},
		{"parts of SimCLR", "up --accumulate 2", exitUsage, "method simclr cannot take a batch in 2 parts: each image is told from all others in the batch"},
		{"parts of Barlow Twins", "up --method barlow --accumulate 4", exitUsage, "method barlow cannot take a batch in 4 parts: "},
		{"a precision", "up --precision float16", exitUsage, `have "float16", want float32 or bfloat16`},
		{"unequal parts", "up --method byol --batch 10 --accumulate 4", exitUsage, "accumulate: have 4 parts of a batch of 10, want equal parts of at least 2 images"},
		{"not a learning rate", "up --learning-rate NaN", exitUsage, "learning rate: have NaN, want above 0"},
		{"unknown optimizer", "up --optimizer adam --learning-rate 1", exitUsage, `have "adam", want one of adamw, lars, sgd`},
		{"unknown setting", "up --set warmth=1", exitUsage, `unknown setting "warmth" of method simclr: have `},
		{"setting without value", "up --set warmth", exitUsage, `have "warmth", want key=value`},
		{"unknown backend", "up --backend tpu", exitUsage, `"tpu"`},
		{"tail the wrong way round", "up --long-tail 0.1", exitUsage, "long tail: have 0.1, want a ratio of at least 1"},
		{"epochs and steps", "up --epochs 2 --steps 3", exitUsage, "want exactly one of them above 0"},
		{"batch of one", "up --batch 1", exitUsage, "batch: have 1, want at least 2"},
		{"unknown backend to compare", "compare --backends go,cuda --encoder tiny --image-size 8 --batch 2 --methods simclr", exitUsage, `have "cuda", want one of`},
		{"unknown method to compare", "compare --backends go,go --methods sinclr", exitUsage, `have "sinclr", want one of`},
		{"no run to evaluate", "evaluate", exitUsage, "which run?"},
		{"unknown probe", "evaluate r --probes oracle", exitUsage, `probes: have "oracle", want some of linear, knn, `},
		{"shares of labels that are none", "evaluate r --labels few", exitUsage, `labels: have "few", want numbers`},
		{"too many labels", "evaluate r --labels 0.1,2", exitUsage, "labels: have a share of 2, want above 0 and at most 1"},
		{"no study", "study", exitUsage, "have study \"\", want one of imbalance, methods"},
		{"a method for a study", "study collapse --method byol", exitUsage, "--method: a study decides that itself"},
		{"one ratio", "study imbalance --ratios 10", exitUsage, "want two of each at least"},
		{"not a ratio", "study imbalance --ratios 1,many", exitUsage, "ratios: have \"1,many\", want numbers with commas between them"},
		{"unknown method to study", "study imbalance --methods supervised,sinclr", exitUsage, "have \"sinclr\", want one of"},
		{"bad name", "up --name a.b", exitUsage, `name "a.b"`},
		{"no photos to show", "preview --photos 0", exitUsage, "photos: have 0, want at least 1"},
		{"no such folder", "up --data " + empty + "/none", exitFailed, "no such file"},
		{"a file for a folder", "up --data " + file, exitFailed, "is not a folder"},
		{"no such configuration", "up --config " + empty + "/none.yaml", exitUsage, "none.yaml"},
		{"no NATS", "augmenter --s3 http://" + nowhere + " --nats nats://" + nowhere, exitFailed, nowhere},
		{"no S3", "trainer --backend go --s3 http://" + nowhere, exitFailed, nowhere},
		{"no dataset asked for", "run", exitUsage, "which --dataset?"},
		{"no state", "runs --state " + empty + "/none", exitFailed, "name another with --state"},
		{"no such dataset to get", "datasets get mnist --state " + empty, exitUsage, `"mnist"`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			args := strings.Fields(tc.args)
			if len(args) > 0 && args[0] == "up" {
				args = append(args, "--state", t.TempDir(), "--nats-port", "0", "--s3-port", "0", "--http-port", "0", "--until-done")
			}
			code, stdout, stderr := selfstream(t, args...)
			lines := strings.Split(strings.TrimSpace(stderr), "\n")
			last := lines[len(lines)-1]
			if code != tc.code || !strings.Contains(last, tc.want) || !strings.HasPrefix(last, "selfstream: ") {
				t.Errorf("have exit code %d, last line %q; want %d and %q\nstdout: %s", code, last, tc.code, tc.want, stdout)
			}
		})
	}
}

func TestHelp(t *testing.T) {
	code, stdout, _ := selfstream(t, "help")
	if code != 0 || !strings.Contains(stdout, "splits → samples") {
		t.Errorf("have exit code %d and %q, want the flow", code, stdout)
	}
	for _, c := range commands() {
		code, stdout, stderr := selfstream(t, "help", c.name)
		if c.name == "version" {
			continue
		}
		if code != 0 || !strings.Contains(stdout, "selfstream "+c.name) || stderr != "" {
			t.Errorf("help %s: have exit code %d, %q and %q", c.name, code, stdout, stderr)
		}
	}
}

func TestVersion(t *testing.T) {
	if code, stdout, _ := selfstream(t, "version"); code != 0 || !strings.HasPrefix(stdout, "selfstream ") {
		t.Errorf("have exit code %d and %q, want selfstream and a version", code, stdout)
	}
}

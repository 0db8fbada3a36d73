package evaluator

import (
	"context"
	"encoding/json"
	"fmt"
	"path"
	"strconv"
	"strings"

	"selfstream/schemas/safetensors"
)

// featuresKey is where the features of a step lie in the bucket "runs".
func featuresKey(run string, step int) string {
	return fmt.Sprintf("%s/features/%08d.safetensors", run, step)
}

// export keeps the features of the newest snapshot for other programs; see
// docs/exhibits.md. Older ones are deleted.
func (c *candidate) export(ctx context.Context, t Task, v Verdict) error {
	s := c.snapshot
	var older []string
	for info, err := range c.Runs.List(ctx, s.Run+"/features/") {
		if err != nil {
			return fmt.Errorf("listing the features of run %s: %w", s.Run, err)
		}
		step, err := strconv.Atoi(strings.TrimSuffix(path.Base(info.Key), ".safetensors"))
		if err != nil || featuresKey(s.Run, step) != info.Key {
			continue
		}
		if step > s.Step {
			return nil // another evaluator was faster with a newer one
		}
		if step < s.Step {
			older = append(older, info.Key)
		}
	}
	data, err := c.pack(t, v)
	if err != nil {
		return err
	}
	if err := c.Runs.Put(ctx, featuresKey(s.Run, s.Step), data); err != nil {
		return fmt.Errorf("writing features: %w", err)
	}
	for _, key := range older {
		if err := c.Runs.Delete(ctx, key); err != nil {
			return fmt.Errorf("deleting old features: %w", err)
		}
	}
	return nil
}

// pack puts into a file what the probes have seen.
func (c *candidate) pack(t Task, v Verdict) ([]byte, error) {
	f := safetensors.File{Metadata: map[string]string{"run": c.snapshot.Run, "step": strconv.Itoa(c.snapshot.Step)}}
	for name, list := range map[string][]string{"classes": t.Classes, "train_keys": c.images.train.keys, "test_keys": c.images.test.keys} {
		text, err := json.Marshal(append([]string{}, list...))
		if err != nil {
			return nil, fmt.Errorf("packing %s: %w", name, err)
		}
		f.Metadata[name] = string(text)
	}
	for name, value := range v.Constants {
		f.Metadata["probe_"+name] = value
	}
	if len(v.Predicted) > 0 {
		f.Metadata["probe_value"] = strconv.FormatFloat(v.Value, 'g', -1, 64)
	}
	for _, part := range []struct {
		name string
		of   Features
	}{{"train", t.Train}, {"test", t.Test}} {
		f.Tensors = append(f.Tensors,
			safetensors.FromFloat32s(part.name+"_features", []int{part.of.Len(), part.of.Dim}, part.of.X),
			safetensors.FromInt32s(part.name+"_labels", []int{part.of.Len()}, part.of.Labels),
		)
	}
	f.Tensors = append(f.Tensors, safetensors.FromInt32s("test_predicted", []int{len(v.Predicted)}, v.Predicted))
	return f.Marshal()
}

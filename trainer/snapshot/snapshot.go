// Package snapshot turns the state of a training into files of the bucket
// "runs", and back.
//
//	<run>/snapshots/<step>/encoder.safetensors   the encoder alone; names and shapes are torchvision's
//	<run>/snapshots/<step>/state.safetensors     every variable: encoder, heads, optimiser, moving averages
//	<run>/snapshots/<step>/card.json             Card, with the digests of the other two
//
// The card is written last, and whoever reads a snapshot begins with its card
// and checks the digests in it, so that half of a snapshot is never read.
package snapshot

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"

	"github.com/gomlx/gomlx/ml/model"

	"selfstream/schemas"
	"selfstream/schemas/digest"
	"selfstream/stages/bucket"
	"selfstream/trainer/plan"
)

// ErrDamaged is wrapped by errors about a snapshot whose files are missing or
// are not those of its card.
var ErrDamaged = errors.New("snapshot is damaged")

// EncoderScope is where the variables of the encoder lie in the store of a
// training.
const EncoderScope = "/encoder"

const (
	encoderFile = "encoder.safetensors"
	stateFile   = "state.safetensors"
	cardFile    = "card.json"

	maxCard  = 64 << 20 // bytes; a jigsaw's permutations are in it
	maxState = 16 << 30
)

// Card says what a snapshot is, for people and for a trainer that resumes.
type Card struct {
	Run     string         `json:"run"`
	Dataset string         `json:"dataset"`
	Config  schemas.Config `json:"config"`
	Recipe  schemas.Recipe `json:"recipe"`            // of the samples; a jigsaw's permutations are in it
	Classes []string       `json:"classes,omitempty"` // of the dataset's labels
	Step    int            `json:"step"`
	Steps   int            `json:"steps"` // planned
	Epoch   float64        `json:"epoch"` // passes over the manifest
	Loss    float64        `json:"loss"`  // of the last batch; 0 before the first
	Final   bool           `json:"final"`

	Cursor         plan.Cursor `json:"cursor"`
	ManifestSHA256 string      `json:"manifest_sha256"`
	Fingerprint    string      `json:"fingerprint"`    // of the augmenters
	BatchesSHA256  string      `json:"batches_sha256"` // see feed.Digest
	EncoderSHA256  string      `json:"encoder_sha256"` // of encoder.safetensors
	WeightsSHA256  string      `json:"weights_sha256"` // of state.safetensors
	SamplesTrained int64       `json:"samples_trained"`
	Seconds        float64     `json:"seconds"` // of training so far, all starts together
	Version        string      `json:"version"` // of selfstream
}

// Planned tells whether the snapshot is one of those that the run's settings
// ask for, and not one that a trainer left when it was told to stop.
func (c Card) Planned() bool {
	return c.Final || c.Config.SnapshotEvery > 0 && c.Step%c.Config.SnapshotEvery == 0
}

// Prefix is the folder of a snapshot, without the last slash.
func Prefix(run string, step int) string { return fmt.Sprintf("%s/snapshots/%08d", run, step) }

// Write keeps the store as the snapshot of card.Step, and returns the card with
// its digests. Writing the same step again is no error.
func Write(ctx context.Context, b bucket.Bucket, store *model.Store, card Card) (Card, error) {
	prefix := Prefix(card.Run, card.Step)
	encoder, err := marshal(store, EncoderScope)
	if err != nil {
		return card, fmt.Errorf("writing snapshot %s: %w", prefix, err)
	}
	state, err := marshal(store, "")
	if err != nil {
		return card, fmt.Errorf("writing snapshot %s: %w", prefix, err)
	}
	card.EncoderSHA256, card.WeightsSHA256 = digestOf(encoder), digestOf(state)
	text, err := json.MarshalIndent(card, "", " ")
	if err != nil {
		return card, fmt.Errorf("writing snapshot %s: %w", prefix, err)
	}
	// An old card would vouch for files that are being replaced.
	if err := b.Delete(ctx, prefix+"/"+cardFile); err != nil {
		return card, fmt.Errorf("writing snapshot %s: %w", prefix, err)
	}
	for _, f := range []struct {
		name string
		data []byte
	}{{encoderFile, encoder}, {stateFile, state}, {cardFile, append(text, '\n')}} {
		if err := b.Put(ctx, prefix+"/"+f.name, f.data); err != nil {
			return card, fmt.Errorf("writing snapshot %s: %w", prefix, err)
		}
	}
	return card, nil
}

// ReadCard reads the card of a snapshot. A missing one is fs.ErrNotExist.
func ReadCard(ctx context.Context, b bucket.Bucket, prefix string) (Card, error) {
	var card Card
	data, _, err := b.Get(ctx, prefix+"/"+cardFile, maxCard)
	if err != nil {
		return card, fmt.Errorf("reading snapshot %s: %w", prefix, err)
	}
	if err := json.Unmarshal(data, &card); err != nil {
		return card, fmt.Errorf("reading snapshot %s: %w: card: %w", prefix, ErrDamaged, err)
	}
	return card, nil
}

// ReadEncoder returns a store with the encoder of a snapshot below
// EncoderScope.
func ReadEncoder(ctx context.Context, b bucket.Bucket, prefix string) (*model.Store, Card, error) {
	return read(ctx, b, prefix, encoderFile, EncoderScope)
}

// ReadState returns a store with everything that was in the store of the
// training.
func ReadState(ctx context.Context, b bucket.Bucket, prefix string) (*model.Store, Card, error) {
	return read(ctx, b, prefix, stateFile, "")
}

func read(ctx context.Context, b bucket.Bucket, prefix, file, scope string) (*model.Store, Card, error) {
	card, err := ReadCard(ctx, b, prefix)
	if err != nil {
		return nil, card, err
	}
	want := card.WeightsSHA256
	if file == encoderFile {
		want = card.EncoderSHA256
	}
	data, _, err := b.Get(ctx, prefix+"/"+file, maxState)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, card, fmt.Errorf("reading snapshot %s: %w: %w", prefix, ErrDamaged, err)
	case err != nil:
		return nil, card, fmt.Errorf("reading snapshot %s: %w", prefix, err)
	case digestOf(data) != want:
		return nil, card, fmt.Errorf("reading snapshot %s: %w: %s has digest %s, its card says %s", prefix, ErrDamaged, file, digestOf(data), want)
	}
	store, err := unmarshal(data, scope)
	if err != nil {
		return nil, card, fmt.Errorf("reading snapshot %s: %s: %w: %w", prefix, file, ErrDamaged, err)
	}
	return store, card, nil
}

func digestOf(b []byte) string {
	sum := digest.Sum(b)
	return hex.EncodeToString(sum[:])
}

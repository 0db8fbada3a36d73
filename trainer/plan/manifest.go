package plan

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"

	"selfstream/schemas"
	"selfstream/schemas/digest"
	"selfstream/stages/bucket"
)

// Manifest is the list of the images of a run, made once when it starts and
// kept with it: files that come later are for the next run.
type Manifest struct {
	Dataset string          `json:"dataset"`
	Classes []string        `json:"classes"` // names of the labels, in their order
	Images  []schemas.Image `json:"images"`  // sorted by key; an image's ID is its place here
}

// NewManifest lists the images of d that a run of that config trains on: all
// that d offers for training, or the subset that the config asks for.
func NewManifest(d *bucket.Dataset, c schemas.Config) (*Manifest, error) {
	files, err := subset(d, c)
	if err != nil {
		return nil, fmt.Errorf("choosing images of dataset %q: %w", d.Name, err)
	}
	m := &Manifest{Dataset: d.Name, Classes: d.Classes, Images: make([]schemas.Image, len(files))}
	for i, f := range files {
		m.Images[i] = schemas.Image{ID: int64(i), Key: f.Key, Size: f.Size, ETag: f.ETag, Label: f.Label, Tar: f.Tar, Offset: f.Offset}
	}
	return m, nil
}

// PerClass counts the images of each class.
func (m *Manifest) PerClass() []int {
	counts := make([]int, len(m.Classes))
	for _, img := range m.Images {
		if img.Label >= 0 {
			counts[img.Label]++
		}
	}
	return counts
}

// Validate checks a manifest that was read from a bucket.
func (m *Manifest) Validate() error {
	for i, img := range m.Images {
		if img.ID != int64(i) {
			return fmt.Errorf("checking manifest of dataset %q: image %q has id %d, want %d", m.Dataset, img.Key, img.ID, i)
		}
	}
	return nil
}

// SHA256 names the manifest's content, as lower-case hex: the digest of its JSON
// without spaces. That is made piece by piece, as all of it would take as much
// memory as the manifest.
func (m *Manifest) SHA256() string {
	sum := sha256.New()
	marshal := func(v any) []byte {
		b, err := json.Marshal(v)
		if err != nil {
			panic("marshalling a manifest: " + err.Error()) // strings and numbers always marshal
		}
		return b
	}
	rest := *m
	rest.Images = nil
	head, _ := bytes.CutSuffix(marshal(rest), []byte("null}"))
	digest.Write(sum, head)
	if m.Images == nil {
		digest.Write(sum, []byte("null"))
	}
	before := byte('[')
	for some := range slices.Chunk(m.Images, 1000) {
		b := marshal(some) // [1,2,3]
		b[0] = before
		digest.Write(sum, b[:len(b)-1])
		before = ','
	}
	switch {
	case before == ',':
		digest.Write(sum, []byte("]"))
	case m.Images != nil:
		digest.Write(sum, []byte("[]"))
	}
	digest.Write(sum, []byte("}"))
	return hex.EncodeToString(sum.Sum(nil))
}

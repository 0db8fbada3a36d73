package schemas

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	"selfstream/schemas/safetensors"
)

// AugmenterHeader names the augmenter that made a Samples message. It is not
// part of the body, which is the same whoever makes it.
const AugmenterHeader = "Selfstream-Augmenter"

// Samples are the views of the images of one split. The body is a safetensors
// file, for n images that could be read:
//
//	ids       I64 [n]             ids in the manifest, in the order of the split
//	labels    I32 [n]             classes, −1 where none is known
//	answers   I32 [n]             answers, if the recipe makes some
//	view0, …  U8  [n, S, S, 3]    one tensor for each view of the recipe, of side S, RGB
//
// and its metadata are run, epoch, index, fingerprint, and the holes as a JSON
// array. Equal samples have equal bodies, bit for bit.
type Samples struct {
	Run         string
	Epoch       int    // of the split
	Index       int    // of the split
	Fingerprint string // of the code that made the pixels
	Holes       []Hole // images that could not be read, in the order of the split
	Views       []Pixels
	Labels      []int32
	Answers     []int32 // see Recipe.Answers; nil if the recipe asks nothing, and empty if it does and no image could be read
	IDs         []int64

	room []byte // that the views lie in; see Reserve
}

// Hole is an image of a split that could not be used.
type Hole struct {
	ID     int64  `json:"id"`
	Key    string `json:"key"`
	Reason string `json:"reason"`
}

// Pixels are one view of all images: uint8 [len(IDs), Size, Size, 3], RGB.
type Pixels struct {
	Size int // side in pixels
	Data []byte
}

// Reserve gives m views of those sizes without images, which have room for n of
// them, in memory if there is enough of it. Where all n come, MarshalBinary
// leaves the pixels where they are, and what it returns is good until it is
// called again. The memory that is returned may be given to other samples once
// these, and what they were packed into, are not used any more.
func (m *Samples) Reserve(memory []byte, n int, sizes []int) []byte {
	front := frontBytes + n*(8+4+4) // ids, labels and answers
	size := front
	for _, s := range sizes {
		size += n * s * s * 3
	}
	if cap(memory) < size {
		memory = make([]byte, size)
	}
	m.room, m.Views = memory[:size], make([]Pixels, len(sizes))
	for i, s := range sizes {
		m.Views[i] = Pixels{Size: s, Data: m.room[front : front : front+n*s*s*3]}
		front += n * s * s * 3
	}
	return m.room
}

// frontBytes is more than the header of samples takes, unless there are holes.
const frontBytes = 4096

func (Samples) Type() string      { return "samples.v1" }
func (m Samples) Subject() string { return "samples." + m.Run }

func (m Samples) Validate() error {
	if err := CheckName(m.Run); err != nil {
		return err
	}
	switch {
	case m.Epoch < 0 || m.Index < 0:
		return invalid("epoch and index: have %d and %d, want at least 0", m.Epoch, m.Index)
	case m.Fingerprint == "":
		return invalid("fingerprint is empty")
	case len(m.IDs)+len(m.Holes) == 0:
		return invalid("samples have neither images nor holes")
	case len(m.Labels) != len(m.IDs):
		return invalid("labels: have %d for %d images", len(m.Labels), len(m.IDs))
	case m.Answers != nil && len(m.Answers) != len(m.IDs):
		return invalid("answers: have %d for %d images", len(m.Answers), len(m.IDs))
	case len(m.Views) < 1 || len(m.Views) > MaxViews:
		return invalid("views: have %d, want 1 to %d", len(m.Views), MaxViews)
	}
	for i, v := range m.Views {
		if v.Size < 1 || v.Size > MaxSize {
			return invalid("view %d: have size %d, want 1 to %d", i, v.Size, MaxSize)
		}
		if want := len(m.IDs) * v.Size * v.Size * 3; len(v.Data) != want {
			return invalid("view %d: have %d bytes, want %d for %d images of %d×%d", i, len(v.Data), want, len(m.IDs), v.Size, v.Size)
		}
	}
	return m.validateImages()
}

func (m Samples) validateImages() error {
	seen := make(map[int64]bool, len(m.IDs)+len(m.Holes))
	check := func(id int64) error {
		switch {
		case id < 0:
			return invalid("image %d: want an id of at least 0", id)
		case seen[id]:
			return invalid("image %d: comes twice", id)
		}
		seen[id] = true
		return nil
	}
	for i, id := range m.IDs {
		if err := check(id); err != nil {
			return err
		}
		if m.Labels[i] < -1 {
			return invalid("image %d: have label %d, want at least -1", id, m.Labels[i])
		}
		if m.Answers != nil && m.Answers[i] < 0 {
			return invalid("image %d: have answer %d, want at least 0", id, m.Answers[i])
		}
	}
	for _, h := range m.Holes {
		if err := check(h.ID); err != nil {
			return err
		}
		if h.Key == "" || h.Reason == "" {
			return invalid("hole %d: have key %q, reason %q, want both", h.ID, h.Key, h.Reason)
		}
	}
	return nil
}

// MarshalBinary packs m; see Reserve. It wraps ErrInvalid if m is not valid.
func (m Samples) MarshalBinary() ([]byte, error) {
	if err := m.Validate(); err != nil {
		return nil, err
	}
	holes, err := json.Marshal(append([]Hole{}, m.Holes...)) // none is [], never null
	if err != nil {
		return nil, fmt.Errorf("packing holes: %w", err)
	}
	n := len(m.IDs)
	f := safetensors.File{
		Metadata: map[string]string{
			"run":         m.Run,
			"epoch":       strconv.Itoa(m.Epoch),
			"index":       strconv.Itoa(m.Index),
			"fingerprint": m.Fingerprint,
			"holes":       string(holes),
		},
		// Wide elements first, so that all tensors are aligned.
		Tensors: []safetensors.Tensor{
			safetensors.FromInt64s("ids", []int{n}, m.IDs),
			safetensors.FromInt32s("labels", []int{n}, m.Labels),
		},
	}
	if m.Answers != nil {
		f.Tensors = append(f.Tensors, safetensors.FromInt32s("answers", []int{n}, m.Answers))
	}
	for i, v := range m.Views {
		f.Tensors = append(f.Tensors, safetensors.Tensor{
			Name: viewName(i), DType: "U8", Shape: []int{n, v.Size, v.Size, 3}, Data: v.Data,
		})
	}
	return f.MarshalIn(m.room)
}

func viewName(i int) string { return "view" + strconv.Itoa(i) }

// UnmarshalBinary unpacks b. The pixels stay views of b. A tensor that does
// not belong there is refused; metadata that m does not know are skipped.
func (m *Samples) UnmarshalBinary(b []byte) error {
	f, err := safetensors.Parse(b)
	if err != nil {
		return err
	}
	s := Samples{Run: f.Metadata["run"], Fingerprint: f.Metadata["fingerprint"]}
	if s.Epoch, err = strconv.Atoi(f.Metadata["epoch"]); err != nil {
		return invalid("epoch: have %q, want a number", f.Metadata["epoch"])
	}
	if s.Index, err = strconv.Atoi(f.Metadata["index"]); err != nil {
		return invalid("index: have %q, want a number", f.Metadata["index"])
	}
	if err := json.Unmarshal([]byte(f.Metadata["holes"]), &s.Holes); err != nil {
		return invalid("holes: %v", err)
	}
	if len(s.Holes) == 0 {
		s.Holes = nil
	}
	if err := s.takeTensors(f); err != nil {
		return err
	}
	if err := s.Validate(); err != nil {
		return err
	}
	*m = s
	return nil
}

// takeTensors fills the slices of m that are tensors.
func (m *Samples) takeTensors(f *safetensors.File) (err error) {
	ids, haveIDs := f.Tensor("ids")
	labels, haveLabels := f.Tensor("labels")
	if !haveIDs || !haveLabels {
		return invalid("tensors: want ids and labels")
	}
	if m.IDs, err = safetensors.Int64s(ids); err != nil {
		return err
	}
	if m.Labels, err = safetensors.Int32s(labels); err != nil {
		return err
	}
	n := len(m.IDs)
	if !slices.Equal(ids.Shape, []int{n}) || !slices.Equal(labels.Shape, []int{n}) {
		return invalid("ids and labels: have shapes %v and %v, want two vectors of one length", ids.Shape, labels.Shape)
	}
	known := 2
	if answers, ok := f.Tensor("answers"); ok {
		if m.Answers, err = safetensors.Int32s(answers); err != nil {
			return err
		}
		if !slices.Equal(answers.Shape, []int{n}) {
			return invalid("answers: have shape %v, want [%d]", answers.Shape, n)
		}
		known++
	}
	for i := range MaxViews {
		v, ok := f.Tensor(viewName(i))
		if !ok {
			break
		}
		if v.DType != "U8" || len(v.Shape) != 4 || !slices.Equal(v.Shape, []int{n, v.Shape[1], v.Shape[1], 3}) {
			return invalid("tensor %q: have %s %v, want U8 [%d, S, S, 3]", v.Name, v.DType, v.Shape, n)
		}
		m.Views = append(m.Views, Pixels{Size: v.Shape[1], Data: v.Data})
	}
	if extra := len(f.Tensors) - len(m.Views) - known; extra != 0 {
		return invalid("tensors: have %d besides ids, labels, answers and %d views", extra, len(m.Views))
	}
	return nil
}

package schemas

// Split asks for the samples of one slice of an epoch. It is all that an
// augmenter needs to know: the same split gives the same bytes anywhere.
type Split struct {
	Run    string  `json:"run"`
	Epoch  int     `json:"epoch"` // from 0
	Index  int     `json:"index"` // of the split within its epoch, from 0
	Seed   uint64  `json:"seed"`  // of the run
	Recipe Recipe  `json:"recipe"`
	Images []Image `json:"images"` // in the order of the epoch
}

// Image is one image of the manifest: an object, or a member of a tar.
type Image struct {
	ID     int64  `json:"id"`               // its place in the manifest, from 0
	Key    string `json:"key"`              // in the bucket "datasets"; of a member, that of its tar, a slash and its name
	Size   int64  `json:"size"`             // in bytes
	ETag   string `json:"etag,omitempty"`   // of the object or the tar; empty for objects copied into the bucket's folder by hand
	Label  int32  `json:"label"`            // class, −1 where none is known
	Tar    int    `json:"tar,omitempty"`    // bytes of Key that are the key of a tar; 0: an object
	Offset int64  `json:"offset,omitempty"` // of its first byte in the tar
}

func (Split) Type() string      { return "split.v1" }
func (m Split) Subject() string { return "splits." + m.Run }

func (m Split) Validate() error {
	if err := CheckName(m.Run); err != nil {
		return err
	}
	if m.Epoch < 0 || m.Index < 0 {
		return invalid("epoch and index: have %d and %d, want at least 0", m.Epoch, m.Index)
	}
	if len(m.Images) == 0 {
		return invalid("split has no images")
	}
	seen := make(map[int64]bool, len(m.Images))
	for _, img := range m.Images {
		switch {
		case seen[img.ID]:
			return invalid("image %d: comes twice", img.ID)
		case img.ID < 0 || img.Size < 0 || img.Label < -1:
			return invalid("image %d: have size %d, label %d", img.ID, img.Size, img.Label)
		}
		seen[img.ID] = true
		if err := checkKey("image", img.Key); err != nil {
			return err
		}
		if inTar := img.Tar != 0; inTar && (img.Tar < 0 || img.Tar >= len(img.Key) || img.Key[img.Tar] != '/') || inTar != (img.Offset > 0) || img.Offset < 0 {
			return invalid("image %d: have %d bytes of the tar's key in %q, and offset %d", img.ID, img.Tar, img.Key, img.Offset)
		}
	}
	if err := m.Recipe.Validate(); err != nil {
		return err
	}
	if n := len(m.Images) * m.Recipe.BytesPerImage(); n > MaxPayload-maxHeader {
		return invalid("split: its samples would have %d bytes, want at most %d; choose smaller or fewer views", n, MaxPayload-maxHeader)
	}
	return nil
}

// maxHeader is room for all that samples carry besides pixels, such as the
// reasons of holes.
const maxHeader = 1 << 20

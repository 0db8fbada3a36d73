package bucket

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strconv"
	"strings"

	"selfstream/stages/decode"
)

// tarIndex is what has to be known of a tar to read its images alone.
type tarIndex struct {
	Images []tarImage `json:"images"` // in the order of the tar
	Others Others     `json:"others"` // members that are no images
	Broken []string   `json:"broken"` // what is wrong with the tar, for people
}

// tarImage is a member of a tar that is an image.
type tarImage struct {
	Name   string `json:"name"`            // cleaned: a part of a key
	Offset int64  `json:"offset"`          // of its first byte in the tar
	Size   int64  `json:"size"`            // in bytes
	Class  string `json:"class,omitempty"` // what its .cls member says; empty without
}

const (
	block    = 512   // bytes, of which tars are made
	maxClass = 256   // bytes of a .cls member
	classEnd = "cls" // what its name ends in, after the first dot
)

// indexTar finds the images of a tar of that many bytes. It ends in an error
// only if r does. A damaged tar costs what is damaged: the index has the rest,
// and says in Broken what is lost.
//
// Like tar itself it takes the last of several members of one name. Members that
// are hidden, links, sparse or cannot be named in a bucket are left out.
func indexTar(r io.ReadSeeker, size int64) (tarIndex, error) {
	x := &indexer{r: &content{ReadSeeker: r}, size: size, places: map[string]int{}, classes: map[string]string{}}
	for x.at < size {
		damaged, err := x.walk()
		if err != nil {
			return tarIndex{}, err
		}
		if damaged == nil {
			break
		}
		if err := x.resume(damaged); err != nil {
			return tarIndex{}, err
		}
	}
	if size == 0 {
		x.complain("it is empty")
	}
	for i, img := range x.index.Images {
		x.index.Images[i].Class = x.classes[sample(img.Name)]
	}
	return x.index, nil
}

// content is what a tar is read from. It tells its own errors from those of the
// tar.
type content struct {
	io.ReadSeeker
	err error // its own; nil: none so far
}

func (c *content) Read(p []byte) (int, error) {
	n, err := c.ReadSeeker.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		c.err = err
	}
	return n, err
}

// indexer is an index in the making.
type indexer struct {
	r       *content
	size    int64
	at      int64 // where the next member begins
	index   tarIndex
	places  map[string]int    // in index.Images, by name
	classes map[string]string // what .cls members say, by sample
}

func (x *indexer) complain(format string, args ...any) {
	x.index.Broken = append(x.index.Broken, fmt.Sprintf(format, args...))
}

// walk takes in members up to the end of the tar, or up to a damage, which
// begins at x.at.
func (x *indexer) walk() (damaged, err error) {
	if _, err := x.r.Seek(x.at, io.SeekStart); err != nil {
		return nil, err
	}
	tr := tar.NewReader(x.r)
	for {
		h, err := tr.Next()
		switch {
		case err == nil, errors.Is(err, tar.ErrInsecurePath): // names are cleaned
		case errors.Is(err, io.EOF):
			return nil, nil
		default:
			return err, x.r.err
		}
		begin, err := x.r.Seek(0, io.SeekCurrent)
		if err != nil {
			return nil, err
		}
		if holdsData(h) {
			if h.Size > x.size-begin {
				return io.ErrUnexpectedEOF, nil
			}
			if err := x.member(tr, h, begin); err != nil {
				return nil, err
			}
			begin += (h.Size + block - 1) / block * block
		}
		x.at = begin
	}
}

// holdsData tells whether what follows a header are the bytes of a file, one
// after the other.
func holdsData(h *tar.Header) bool {
	for key := range h.PAXRecords {
		if strings.HasPrefix(key, "GNU.sparse.") {
			return false
		}
	}
	return h.Typeflag == tar.TypeReg
}

// member takes in a file.
func (x *indexer) member(data io.Reader, h *tar.Header, begin int64) error {
	name := path.Clean("/" + h.Name)[1:]
	if unseen(name) {
		return nil
	}
	if !fs.ValidPath(name) {
		x.index.Others.Add(strings.ToValidUTF8(name, "�"))
		return nil
	}
	if _, end, _ := strings.Cut(path.Base(name), "."); end == classEnd && h.Size <= maxClass {
		text, err := io.ReadAll(data)
		x.classes[sample(name)] = className(text)
		return err
	}
	isImage := hasImageExtension(name)
	if !isImage {
		head := make([]byte, min(h.Size, decode.SniffBytes))
		if _, err := io.ReadFull(data, head); err != nil {
			return err
		}
		isImage = decode.Sniff(head) != ""
	}
	if !isImage {
		x.index.Others.Add(name)
		return nil
	}
	img := tarImage{Name: name, Offset: begin, Size: h.Size}
	if i, again := x.places[name]; again {
		x.index.Images[i] = img
		return nil
	}
	x.places[name] = len(x.index.Images)
	x.index.Images = append(x.index.Images, img)
	return nil
}

// sample is the name of what an image and its .cls member have in common: their
// path up to the first dot of the last part.
func sample(name string) string {
	dir, file := path.Split(name)
	file, _, _ = strings.Cut(file, ".")
	return dir + file
}

// className is the class that a .cls member names, or "" if that is no line of
// text.
func className(text []byte) string {
	name := strings.TrimSpace(string(text))
	if !fs.ValidPath(name) || name == "." || strings.ContainsAny(name, "/\n\r") {
		return ""
	}
	return name
}

// resume looks for the next header behind a damage.
func (x *indexer) resume(damaged error) error {
	from, head := x.at, make([]byte, block)
	if _, err := x.r.Seek(from, io.SeekStart); err != nil {
		return err
	}
	for x.at < x.size {
		_, err := io.ReadFull(x.r, head)
		switch {
		case x.r.err != nil:
			return x.r.err
		case x.at == 0 && bytes.HasPrefix(head, []byte("\x1f\x8b")):
			x.at = x.size
			x.complain("it is compressed: parts of it cannot be read alone; unpack it with gunzip")
			return nil
		case err != nil, errors.Is(damaged, io.ErrUnexpectedEOF):
			x.at = x.size
		case x.at > from && isHeader(head):
			x.complain("bytes %d to %d are damaged, and what was in them is left out", from, x.at)
			return nil
		default:
			x.at += block
		}
	}
	switch {
	case errors.Is(damaged, io.ErrUnexpectedEOF) && from == 0:
		x.complain("it is no tar, or cut off in its first member")
	case errors.Is(damaged, io.ErrUnexpectedEOF):
		x.complain("it is cut off: the member at byte %d is not whole; copy it again", from)
	case from == 0:
		x.complain("it is no tar")
	default:
		x.complain("it is damaged from byte %d to its end, and what was there is left out", from)
	}
	return nil
}

// isHeader tells whether b is the header of a member: it has the word and the
// sum of one.
func isHeader(b []byte) bool {
	const sumAt, sumEnd, magicAt = 148, 156, 257
	if !bytes.HasPrefix(b[magicAt:], []byte("ustar")) {
		return false
	}
	want, err := strconv.ParseInt(strings.Trim(string(b[sumAt:sumEnd]), " \x00"), 8, 64)
	if err != nil {
		return false
	}
	var sum int64
	for i, c := range b {
		if i >= sumAt && i < sumEnd {
			c = ' '
		}
		sum += int64(c)
	}
	return sum == want
}

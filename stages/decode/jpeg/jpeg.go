// Package jpeg decodes parts of JPEG files, at full size or shrunk, and no more
// of them than is asked for.
//
// At full size its samples are those of image/jpeg, bit for bit. Shrunk by 2, 4
// or 8, they are made from the lowest frequencies of each block alone, which
// costs a fraction of it.
//
// It knows what nearly all photos are: 8 bits, Huffman codes, sequential or
// progressive, grey or three colours. Whatever it does not know, or finds
// wrong, is an error, and image/jpeg has the last word about the file.
package jpeg

import (
	"errors"
	"fmt"
)

// Decoder decodes one file after the other, with memory that is used again. The
// zero value is ready; a Decoder serves one goroutine.
type Decoder struct {
	frame
	specs   [2][4][]byte // of Huffman tables, as the file has them: DC, AC
	tables  [2][4]table
	current scan
	bits    bits
	data    []byte // of one segment, without stuffing
	coefs   [3][]block
	eobRun  int // blocks whose band is known to be over
}

// frame is what the headers of a file say.
type frame struct {
	w, h        int
	baseline    bool // at most two tables of a kind
	progressive bool
	comps       []component
	array       [3]component // that comps lies in
	hmax, vmax  int
	jfif        bool
	adobe       int          // the transform that an Adobe segment names; −1: there is none
	quant       [4][64]int32 // in the order of a block
	haveQuant   [4]bool
	restart     int // units between two restart markers; 0: there are none
}

type component struct {
	id     byte
	h, v   int // blocks in a unit
	quant  int
	across int // blocks in a row of units
	down   int
	done   bool // a scan has had it
}

// Picture is what the headers of a file say about it.
type Picture struct {
	W, H  int  // in pixels
	YCbCr bool // three planes are this, not RGB
}

var (
	errTruncated = errors.New("the file ends early")
	errUnknown   = errors.New("a kind of JPEG that is not known here")
)

// Header reads the size of a file. A file whose header is fine may still be
// broken.
func (d *Decoder) Header(data []byte) (Picture, error) {
	if err := d.walk(data, func(int) (int, error) { return 0, errStop }); !errors.Is(err, errStop) {
		return Picture{}, fmt.Errorf("reading the header: %w", err)
	}
	return d.picture(), nil
}

// errStop ends a walk.
var errStop = errors.New("stop")

// picture tells which colours they are as image/jpeg does.
func (d *Decoder) picture() Picture {
	p := Picture{W: d.w, H: d.h}
	if len(d.comps) == 3 {
		named := d.comps[0].id == 'R' && d.comps[1].id == 'G' && d.comps[2].id == 'B'
		p.YCbCr = d.jfif || d.adobe != 0 && !named
	}
	return p
}

// Decode sets the planes of all parts. The whole file is read, whatever they
// need of it, so that a file is either broken or not.
func (d *Decoder) Decode(data []byte, parts ...*Part) error {
	begun := false
	err := d.walk(data, func(at int) (int, error) {
		if !begun {
			begun = true
			d.begin(parts)
		}
		return d.scan(data, at, parts)
	})
	if err != nil {
		return err
	}
	for _, c := range d.comps {
		if !c.done {
			return errors.New("a colour is missing")
		}
	}
	if d.progressive {
		d.renderAll(parts)
	}
	return nil
}

func (d *Decoder) begin(parts []*Part) {
	if d.progressive {
		d.clearCoefs()
	}
	for _, p := range parts {
		p.begin(&d.frame)
	}
}

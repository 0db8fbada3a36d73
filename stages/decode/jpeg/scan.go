package jpeg

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// scan is what the header of a scan says: which components come, with which
// tables, and which bits of which coefficients.
type scan struct {
	comps       []scanned
	array       [3]scanned // that comps lies in
	first, last int        // coefficients in zigzag order
	high, low   uint       // bits that were known before, and that are missing after
}

type scanned struct {
	*component
	index        int
	unitH, unitV int // blocks in a unit of this scan
	dc, ac       *table
}

var errData = errors.New("the data of a scan are wrong")

// scan reads the scan whose header is at a position of the file, and returns
// the position of the marker after it.
func (d *Decoder) scan(data []byte, at int, parts []*Part) (int, error) {
	n := int(binary.BigEndian.Uint16(data[at:]))
	s := &d.current
	*s = scan{}
	if err := d.scanHeader(s, data[at+2:at+n]); err != nil {
		return 0, err
	}
	at += n
	units, left := d.units(s), 0
	for first, marker := 0, rst0; first < units; first += left {
		if first > 0 {
			if at+2 > len(data) || data[at] != 0xff || int(data[at+1]) != marker {
				return 0, errors.New("a restart marker is missing")
			}
			at += 2
			marker = rst0 | (marker+1)&7
		}
		left = units - first
		if d.restart > 0 {
			left = min(left, d.restart)
		}
		var read int
		d.data, read = unstuff(d.data[:0], data[at:])
		at += read
		d.bits = bits{data: d.data}
		d.eobRun = 0
		var err error
		if d.progressive {
			err = d.progress(s, first, left)
		} else {
			err = d.sequence(s, first, left, parts)
		}
		if err != nil {
			return 0, err
		}
	}
	return at, nil
}

func (d *Decoder) scanHeader(s *scan, b []byte) error {
	if len(b) < 1 {
		return errUnknown
	}
	n := int(b[0])
	if n < 1 || n > len(d.comps) || len(b) != 4+2*n {
		return errUnknown
	}
	s.comps = s.array[:n]
	blocks := 0
	for i := range s.comps {
		id := b[1+2*i]
		index := -1
		for j, c := range d.comps {
			if c.id == id {
				index = j
			}
		}
		if index < 0 {
			return errUnknown
		}
		c := &d.comps[index]
		for _, other := range s.comps[:i] {
			if other.component == c {
				return errUnknown
			}
		}
		if !d.haveQuant[c.quant] {
			return errors.New("a quantisation table is missing")
		}
		if n == 1 && c.h*c.v > 1 && d.restart > 0 {
			return errUnknown // image/jpeg counts other units than the standard
		}
		s.comps[i] = scanned{component: c, index: index, unitH: c.h, unitV: c.v}
		if n == 1 {
			s.comps[i].unitH, s.comps[i].unitV = 1, 1
		}
		blocks += c.h * c.v
	}
	if n > 1 && blocks > 10 {
		return errUnknown
	}
	s.last = 63
	if d.progressive {
		tail := b[1+2*n:]
		s.first, s.last = int(tail[0]), int(tail[1])
		s.high, s.low = uint(tail[2]>>4), uint(tail[2]&15)
		if s.first > s.last || s.last > 63 || s.first == 0 && s.last > 0 || s.first > 0 && n > 1 ||
			s.high > 0 && s.high != s.low+1 || s.low > 13 {
			return fmt.Errorf("a progressive scan has a wrong header: %w", errUnknown)
		}
	}
	for i := range s.comps {
		if err := d.scanTables(s, &s.comps[i], b[2+2*i]); err != nil {
			return err
		}
	}
	return nil
}

// scanTables gives a component of a scan the tables that it needs.
func (d *Decoder) scanTables(s *scan, c *scanned, ids byte) error {
	dc, ac := int(ids>>4), int(ids&15)
	if top := max(dc, ac); top > 3 || d.baseline && top > 1 {
		return errHuffman
	}
	make := func(class, id int, k kind) (*table, error) {
		t := &d.tables[class][id]
		if d.specs[class][id] == nil {
			return nil, errors.New("a Huffman table is missing")
		}
		return t, t.set(d.specs[class][id], k)
	}
	var err error
	if c.done && !d.progressive {
		return errUnknown // it comes twice
	}
	c.done = true
	switch {
	case !d.progressive:
		if c.dc, err = make(0, dc, dcBaseline); err == nil {
			c.ac, err = make(1, ac, acBaseline)
		}
	case s.first > 0:
		c.ac, err = make(1, ac, acProgressive)
	case s.high == 0:
		c.dc, err = make(0, dc, dcProgressive)
	}
	return err
}

// units is the number of units in a scan: of all blocks that belong to an area,
// or of single blocks if the scan has one component.
func (d *Decoder) units(s *scan) int {
	c := s.comps[0]
	if len(s.comps) == 1 {
		w, h := d.blocks(c.component)
		return w * h
	}
	return d.unitsAcross(s) * (c.down / c.v)
}

func (d *Decoder) unitsAcross(s *scan) int {
	c := s.comps[0]
	if len(s.comps) == 1 {
		w, _ := d.blocks(c.component)
		return w
	}
	return c.across / c.h
}

// blocks is how many blocks of a component hold anything of the picture.
func (d *Decoder) blocks(c *component) (w, h int) {
	return ceilDiv(ceilDiv(d.w*c.h, d.hmax), 8), ceilDiv(ceilDiv(d.h*c.v, d.vmax), 8)
}

func ceilDiv(a, b int) int { return (a + b - 1) / b }

// visit calls each with the blocks of the units from first on, in the order of
// the file.
func (d *Decoder) visit(s *scan, first, units int, each func(c *scanned, bx, by int) error) error {
	w := d.unitsAcross(s)
	x, y := first%w, first/w
	for range units {
		for i := range s.comps {
			c := &s.comps[i]
			for j := range c.unitV {
				for k := range c.unitH {
					if err := each(c, c.unitH*x+k, c.unitV*y+j); err != nil {
						return err
					}
				}
			}
		}
		if x++; x == w {
			x, y = 0, y+1
		}
	}
	return nil
}

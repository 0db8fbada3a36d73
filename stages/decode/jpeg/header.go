package jpeg

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Markers, the byte after 0xff (table B.1).
const (
	sof0 = 0xc0 // baseline
	sof1 = 0xc1 // extended sequential
	sof2 = 0xc2 // progressive
	dht  = 0xc4
	rst0 = 0xd0
	soi  = 0xd8
	eoi  = 0xd9
	sos  = 0xda
	dqt  = 0xdb
	dri  = 0xdd
	app0 = 0xe0
	appE = 0xee
	appF = 0xef
	com  = 0xfe
)

// zigzag gives for each coefficient of a file its place in a block.
var zigzag = [64]uint8{
	0, 8, 1, 2, 9, 16, 24, 17,
	10, 3, 4, 11, 18, 25, 32, 40,
	33, 26, 19, 12, 5, 6, 13, 20,
	27, 34, 41, 48, 56, 49, 42, 35,
	28, 21, 14, 7, 15, 22, 29, 36,
	43, 50, 57, 58, 51, 44, 37, 30,
	23, 31, 38, 45, 52, 59, 60, 53,
	46, 39, 47, 54, 61, 62, 55, 63,
}

// walk reads the segments of a file, up to its end. At each scan it calls scan
// with the position of the scan's header, and goes on where that says.
func (d *Decoder) walk(data []byte, scan func(at int) (int, error)) error {
	d.frame = frame{adobe: -1}
	d.specs = [2][4][]byte{}
	if len(data) < 2 || data[0] != 0xff || data[1] != soi {
		return errUnknown
	}
	scans := 0
	for at := 2; ; {
		for at < len(data)-1 && data[at] == 0xff && data[at+1] == 0xff {
			at++ // fill bytes
		}
		if at+2 > len(data) {
			return errTruncated
		}
		if data[at] != 0xff {
			return errUnknown
		}
		marker := data[at+1]
		at += 2
		if marker == eoi {
			if scans == 0 {
				return errors.New("there is no picture")
			}
			return nil
		}
		if at+2 > len(data) {
			return errTruncated
		}
		n := int(binary.BigEndian.Uint16(data[at:]))
		if n < 2 || at+n > len(data) {
			return errTruncated
		}
		if marker == sos {
			if len(d.comps) == 0 {
				return errUnknown
			}
			scans++
			next, err := scan(at)
			if err != nil {
				return err
			}
			at = next
			continue
		}
		if err := d.segment(marker, data[at+2:at+n], scans > 0); err != nil {
			return err
		}
		at += n
	}
}

// segment takes in one segment other than a scan.
func (d *Decoder) segment(marker byte, b []byte, late bool) error {
	switch {
	case marker == sof0, marker == sof1, marker == sof2:
		return d.startFrame(marker, b)
	case marker == dht:
		return d.huffmanTables(b)
	case marker == dqt:
		return d.quantTables(b)
	case marker == dri && len(b) == 2:
		d.restart = int(binary.BigEndian.Uint16(b))
		return nil
	case marker == app0 && len(b) >= 5 && !late:
		d.jfif = string(b[:5]) == "JFIF\x00"
		return nil
	case marker == appE && len(b) >= 12 && !late:
		if string(b[:5]) == "Adobe" {
			d.adobe = int(b[11])
		}
		return nil
	case marker == app0, marker == appE:
		if late {
			return errUnknown
		}
		return nil
	case app0 <= marker && marker <= appF, marker == com:
		return nil
	}
	return fmt.Errorf("marker %#x: %w", marker, errUnknown)
}

func (d *Decoder) startFrame(marker byte, b []byte) error {
	if len(d.comps) > 0 || len(b) < 6 || b[0] != 8 { // bits
		return errUnknown
	}
	d.baseline, d.progressive = marker == sof0, marker == sof2
	d.h, d.w = int(binary.BigEndian.Uint16(b[1:])), int(binary.BigEndian.Uint16(b[3:]))
	n := int(b[5])
	if n != 1 && n != 3 || len(b) != 6+3*n || d.w == 0 || d.h == 0 {
		return errUnknown
	}
	d.comps = d.array[:n]
	for i := range d.comps {
		b := b[6+3*i:]
		c := component{id: b[0], h: int(b[1] >> 4), v: int(b[1] & 15), quant: int(b[2])}
		if c.quant > 3 || c.h != 1 && c.h != 2 && c.h != 4 || c.v != 1 && c.v != 2 && c.v != 4 {
			return errUnknown
		}
		for _, other := range d.comps[:i] {
			if c.id == other.id {
				return errUnknown
			}
		}
		if n == 1 {
			c.h, c.v = 1, 1 // blocks come one at a time, whatever the header says
		}
		d.comps[i] = c
	}
	return d.layOut()
}

// layOut works out how many blocks there are. The first of three components
// must have as many samples as the picture has pixels, the others as many as
// each other.
func (d *Decoder) layOut() error {
	first, second := d.comps[0], d.comps[len(d.comps)-1]
	if n := len(d.comps); n == 3 && (d.comps[1].h != second.h || d.comps[1].v != second.v) {
		return errUnknown
	}
	d.hmax, d.vmax = first.h, first.v
	if d.vmax == 4 {
		return errUnknown
	}
	for _, c := range []component{first, second} {
		if c.h != 1 && c.h != d.hmax || c.v != 1 && c.v != d.vmax {
			return errUnknown
		}
	}
	for i := range d.comps {
		c := &d.comps[i]
		c.across = (d.w + 8*d.hmax - 1) / (8 * d.hmax) * c.h
		c.down = (d.h + 8*d.vmax - 1) / (8 * d.vmax) * c.v
	}
	return nil
}

func (d *Decoder) quantTables(b []byte) error {
	for len(b) > 0 {
		id, wide := int(b[0]&15), int(b[0]>>4)
		if id > 3 || wide > 1 || len(b) < 1+64*(1+wide) {
			return errUnknown
		}
		b = b[1:]
		for i, place := range zigzag {
			if wide == 1 {
				d.quant[id][place] = int32(binary.BigEndian.Uint16(b[2*i:]))
			} else {
				d.quant[id][place] = int32(b[i])
			}
		}
		d.haveQuant[id] = true
		b = b[64*(1+wide):]
	}
	return nil
}

// huffmanTables notes where tables are. They are made when a scan needs them.
func (d *Decoder) huffmanTables(b []byte) error {
	for len(b) > 0 {
		class, id := int(b[0]>>4), int(b[0]&15)
		if class > 1 || id > 3 || len(b) < 17 {
			return errHuffman
		}
		n := 0
		for _, count := range b[1:17] {
			n += int(count)
		}
		if n == 0 || n > 256 || len(b) < 17+n {
			return errHuffman
		}
		d.specs[class][id] = b[1 : 17+n]
		b = b[17+n:]
	}
	return nil
}

package jpeg

import "errors"

// block holds the coefficients of 8×8 samples: column by column, the lowest
// frequencies first.
type block [64]int16

// sequence decodes units of a sequential scan, and renders each block for the
// parts that need it.
func (d *Decoder) sequence(s *scan, first, units int, parts []*Part) error {
	var b block
	var dc [3]int32
	err := d.visit(s, first, units, func(c *scanned, bx, by int) error {
		needed := false
		for _, p := range parts {
			needed = needed || p.needs(c.index, bx, by)
		}
		if !needed {
			return d.bits.skip(c, &dc[c.index])
		}
		b = block{}
		last, err := d.bits.block(&b, c, &dc[c.index])
		if err != nil {
			return err
		}
		for _, p := range parts {
			if p.needs(c.index, bx, by) {
				p.render(c.index, &b, &d.quant[c.quant], last, bx, by)
			}
		}
		return nil
	})
	if err == nil && d.bits.overrun() {
		err = errTruncated
	}
	return err
}

var errRange = errors.New("a coefficient is out of range")

// block decodes the coefficients of a block, all zero before. It returns the
// last one that is set, in zigzag order.
func (r *bits) block(b *block, c *scanned, dc *int32) (last int, err error) {
	acc, n := r.acc, r.n
	if n < 32 {
		r.refill()
		acc, n = r.acc, r.n
	}
	e := c.dc.next(acc)
	if e == 0 {
		return 0, errData
	}
	*dc += extend(acc<<(e.code()&63), e.size())
	if *dc != int32(int16(*dc)) {
		return 0, errRange
	}
	b[0] = int16(*dc)
	acc <<= e.total() & 63
	n -= e.total()

	for k := 0; k < 63; {
		if n < 32 {
			r.acc, r.n = acc, n
			r.refill()
			acc, n = r.acc, r.n
		}
		e := c.ac.next(acc)
		k += e.advance()
		if k > 63 || e == 0 {
			if e.advance() != endOfBlock {
				return 0, errData
			}
			acc <<= e.total() & 63
			n -= e.total()
			break
		}
		b[zigzag[k&63]] = int16(extend(acc<<(e.code()&63), e.size()))
		last = k
		acc <<= e.total() & 63
		n -= e.total()
	}
	r.acc, r.n = acc, n
	return last, nil
}

// skip reads a block without its coefficients.
func (r *bits) skip(c *scanned, dc *int32) error {
	if r.n < 32 {
		r.refill()
	}
	e := c.dc.next(r.acc)
	if e == 0 {
		return errData
	}
	*dc += extend(r.acc<<(e.code()&63), e.size())
	if *dc != int32(int16(*dc)) {
		return errRange
	}
	acc, n := r.acc<<(e.total()&63), r.n-e.total()
	for k := 0; k < 63; {
		if n < 32 {
			r.acc, r.n = acc, n
			r.refill()
			acc, n = r.acc, r.n
		}
		e := c.ac.next(acc)
		k += e.advance()
		acc <<= e.total() & 63
		n -= e.total()
		if k > 63 {
			if e.advance() != endOfBlock {
				return errData
			}
			break
		}
		if e == 0 {
			return errData
		}
	}
	r.acc, r.n = acc, n
	return nil
}

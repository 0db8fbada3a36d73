package jpeg

import "errors"

// block holds the coefficients of 8×8 samples: column by column, the lowest
// frequencies first.
type block [64]int16

// sequence decodes units of a sequential scan, and renders each block for the
// parts that need it.
func (d *Decoder) sequence(s *scan, first, units int, parts []*Part) error {
	var b, unused block
	var dc [3]int32
	err := d.visit(s, first, units, func(c *scanned, bx, by int) error {
		needed := false
		for _, p := range parts {
			needed = needed || p.needs(c.index, bx, by)
		}
		if !needed { // yet it must be read to find the next
			_, err := d.bits.block(&unused, c, &dc[c.index])
			return err
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

// block decodes the coefficients of a block, all zero before. It returns how far
// those that are set can reach, in zigzag order.
func (r *bits) block(b *block, c *scanned, dc *int32) (last int, err error) {
	r.refill()
	e := c.dc.next(r.acc)
	if e == 0 {
		return 0, errData
	}
	*dc += extend(r.acc<<(e.code()&63), e.size())
	if *dc != int32(int16(*dc)) {
		return 0, errRange
	}
	b[0] = int16(*dc)
	r.drop(e.total())

	t, k := c.ac, 0
refill:
	for k < 63 {
		r.refill()
		acc, n := r.acc, r.n
		for range refillPairs {
			p := t.pairs[acc>>(64-lookup)]
			first := k + p.advance()
			second := first + p.second()
			if second < 63 {
				b[zigzag[first&63]] = p.value()
				b[zigzag[second&63]] = p.value2()
				k = second
				acc <<= p.total() & 63
				n -= p.total()
				continue
			}
			if p.second() == endOfBlock && first < 63 {
				b[zigzag[first&63]] = p.value()
				r.acc, r.n = acc<<(p.total()&63), n-p.total()
				if p.value() != 0 {
					k = first
				}
				return k, nil
			}
			r.acc, r.n = acc, n
			if k, err = r.single(b, t, p, k); k == endOfBlock || err != nil {
				return 63, err
			}
			continue refill
		}
		r.acc, r.n = acc, n
	}
	return k, nil
}

// single decodes what is no pair: one coefficient, or two of which the second
// lies at the end. It returns the last one's place, endOfBlock if none came.
func (r *bits) single(b *block, t *table, p pair, k int) (int, error) {
	if p.second() != notPaired {
		if k += p.advance(); k > 63 {
			return 0, errData
		}
		b[zigzag[k&63]] = p.value()
		r.drop(p.firstTotal())
		if k == 63 {
			return k, nil
		}
	}
	r.refill()
	e := t.next(r.acc)
	if e == 0 {
		return 0, errData
	}
	value := extend(r.acc<<(e.code()&63), e.size())
	r.drop(e.total())
	if e.advance() == endOfBlock {
		return endOfBlock, nil
	}
	if k += e.advance(); k > 63 {
		return 0, errData
	}
	b[zigzag[k&63]] = int16(value)
	return k, nil
}

package jpeg

// progress decodes units of a progressive scan into the coefficients that are
// kept from scan to scan (annex G).
func (d *Decoder) progress(s *scan, first, units int) error {
	var dc [3]int32
	err := d.visit(s, first, units, func(c *scanned, bx, by int) error {
		b := &d.coefs[c.index][by*c.across+bx]
		switch {
		case s.first == 0 && s.high == 0:
			return d.firstDC(b, c.dc, s.low, &dc[c.index])
		case s.first == 0:
			if d.bits.take(1) != 0 {
				b[0] |= 1 << s.low
			}
			return nil
		case s.high == 0:
			return d.firstAC(b, c.ac, s)
		default:
			return d.refineAC(b, c.ac, s)
		}
	})
	switch {
	case err != nil:
		return err
	case d.bits.overrun():
		return errTruncated
	case d.eobRun > 0:
		return errData // for more blocks than there are
	}
	return nil
}

func (d *Decoder) firstDC(b *block, t *table, low uint, dc *int32) error {
	r := &d.bits
	if r.n < 32 {
		r.refill()
	}
	e := t.next(r.acc)
	if e == 0 {
		return errData
	}
	*dc += extend(r.acc<<(e.code()&63), e.size())
	r.acc <<= e.total() & 63
	r.n -= e.total()
	x := *dc << low
	if x != int32(int16(x)) {
		return errRange
	}
	b[0] = int16(x)
	return nil
}

func (d *Decoder) firstAC(b *block, t *table, s *scan) error {
	if d.eobRun > 0 {
		d.eobRun--
		return nil
	}
	r := &d.bits
	for k := s.first - 1; k < s.last; {
		if r.n < 32 {
			r.refill()
		}
		e := t.next(r.acc)
		if e == 0 {
			return errData
		}
		if e.advance() == endOfBlock {
			d.takeRun(e)
			d.eobRun--
			return nil
		}
		k += e.advance()
		if k > s.last {
			return errData
		}
		x := extend(r.acc<<(e.code()&63), e.size()) << s.low
		if x != int32(int16(x)) {
			return errRange
		}
		b[zigzag[k&63]] = int16(x)
		r.acc <<= e.total() & 63
		r.n -= e.total()
	}
	return nil
}

// takeRun reads for how many blocks, this one included, the band is over.
func (d *Decoder) takeRun(e symbol) {
	d.bits.acc <<= e.total() & 63
	d.bits.n -= e.total()
	d.eobRun = 1<<e.size() + int(d.bits.take(e.size()))
}

// refineAC adds one bit to the coefficients of a band.
func (d *Decoder) refineAC(b *block, t *table, s *scan) error {
	r, k := &d.bits, s.first
	for d.eobRun == 0 && k <= s.last {
		if r.n < 32 {
			r.refill()
		}
		e := t.next(r.acc)
		if e == 0 {
			return errData
		}
		if e.advance() == endOfBlock {
			d.takeRun(e)
			break
		}
		x := int16(0)
		switch e.size() {
		case 0:
		case 1:
			x = int16(extend(r.acc<<(e.code()&63), 1)) << s.low
		default:
			return errData
		}
		r.acc <<= e.total() & 63
		r.n -= e.total()
		var err error
		if k, err = d.refineRun(b, k, s.last, e.advance()-1, s.low); err != nil {
			return err
		}
		if k > s.last {
			return errData
		}
		if x != 0 {
			b[zigzag[k&63]] = x
		}
		k++
	}
	if d.eobRun > 0 {
		d.eobRun--
		_, err := d.refineRun(b, k, s.last, -1, s.low)
		return err
	}
	return nil
}

// refineRun reads a bit for each coefficient from k to last that is not 0, and
// stops at the one that is 0 after zeros others.
func (d *Decoder) refineRun(b *block, k, last, zeros int, low uint) (int, error) {
	for ; k <= last; k++ {
		x := &b[zigzag[k&63]]
		if *x == 0 {
			if zeros == 0 {
				break
			}
			zeros--
			continue
		}
		if d.bits.take(1) == 0 {
			continue
		}
		more := int32(1) << low
		if *x < 0 {
			more = -more
		}
		sum := int32(*x) + more
		if sum != int32(int16(sum)) {
			return 0, errRange
		}
		*x = int16(sum)
	}
	return k, nil
}

// clearCoefs makes room for the coefficients of a new file.
func (d *Decoder) clearCoefs() {
	for i, c := range d.comps {
		n := c.across * c.down
		if cap(d.coefs[i]) < n {
			d.coefs[i] = make([]block, n)
		}
		d.coefs[i] = d.coefs[i][:n]
		clear(d.coefs[i])
	}
}

// renderAll renders what all scans together have made.
func (d *Decoder) renderAll(parts []*Part) {
	for i := range d.comps {
		c := &d.comps[i]
		for _, p := range parts {
			area := p.comps[i].blocks
			for by := area.Min.Y; by < area.Max.Y; by++ {
				for bx := area.Min.X; bx < area.Max.X; bx++ {
					p.render(i, &d.coefs[i][by*c.across+bx], &d.quant[c.quant], 63, bx, by)
				}
			}
		}
	}
}

//go:build goexperiment.simd && amd64

package view

import "simd/archsimd"

// sixteens are taps as vectors take them: for sixteen outputs at a time, two
// taps of each. They are there if the inputs of any four neighbours, for two
// taps, lie within eight numbers: where a plane shrinks by less than two.
type sixteens struct {
	n, pairs int // of outputs; of pairs of taps for each
	places   []places
	weight   [][2][16]int16 // for each sixteen outputs, one for each pair
}

// places say where sixteen outputs take their first two inputs from. The first
// vector makes outputs 0 … 3 and 8 … 11, the second makes the others: packed,
// they are in order.
type places struct {
	from [4]int      // the first input of outputs 0, 4, 8 and 12
	pick [2][32]int8 // which bytes of the eight from there on
}

// arrange lays the taps out. Where there are no sixteen outputs, or they are
// too far apart, n is 0.
func (t *taps) arrange(outputs int) {
	s := &t.wide
	s.n, s.pairs = 0, (t.n+1)/2
	if !avx2 || outputs < wide {
		return
	}
	groups := (outputs + wide - 1) / wide
	s.places, s.weight = grow(s.places, groups), grow(s.weight, groups*s.pairs)
	for g := range groups {
		k := min(wide*g, outputs-wide)
		p, weight := &s.places[g], s.weight[s.pairs*g:][:s.pairs]
		for four := range 4 {
			first := t.first[k+4*four:][:4]
			from := min(first[0], first[3]) // of outputs in reverse, the last
			p.from[four] = from
			for i, f := range first {
				if f-from > 6 {
					return
				}
				at := 8*(four/2) + 2*i // in words of a vector
				for b := range 4 {
					p.pick[four%2][2*at+b] = int8(2*(f-from) + b)
				}
				w := t.weight[(k+4*four+i)*t.pad:]
				for j := range weight {
					weight[j][four%2][at], weight[j][four%2][at+1] = w[2*j], w[2*j+1]
				}
			}
		}
	}
	s.n = outputs
}

// mix makes out, which has n outputs.
func (s *sixteens) mix(out, in []int16) {
	half, top := archsimd.BroadcastInt32x8(1<<(weightBits-1)), archsimd.BroadcastInt16x16(255<<fineBits)
	load := func(lo, hi int) archsimd.Uint8x32 {
		var x words
		return x.SetLo(archsimd.LoadInt16x8Slice(in[lo:])).SetHi(archsimd.LoadInt16x8Slice(in[hi:])).AsUint8x32()
	}
	for g := range s.places {
		p, weight := &s.places[g], s.weight[s.pairs*g:][:s.pairs]
		pick0, pick1 := archsimd.LoadInt8x32(&p.pick[0]), archsimd.LoadInt8x32(&p.pick[1])
		a, b := half, half
		for j := range weight {
			x := load(p.from[0]+2*j, p.from[2]+2*j).PermuteOrZeroGrouped(pick0).AsInt16x16()
			y := load(p.from[1]+2*j, p.from[3]+2*j).PermuteOrZeroGrouped(pick1).AsInt16x16()
			a = a.Add(x.DotProductPairs(archsimd.LoadInt16x16(&weight[j][0])))
			b = b.Add(y.DotProductPairs(archsimd.LoadInt16x16(&weight[j][1])))
		}
		x := a.ShiftAllRight(weightBits).SaturateToInt16ConcatGrouped(b.ShiftAllRight(weightBits))
		x.Max(words{}).Min(top).StoreSlice(out[min(wide*g, s.n-wide):])
	}
	archsimd.ClearAVXUpperBits()
}

package view

import (
	"fmt"
	"reflect"
	"slices"
	"testing"

	"selfstream/stages/random"
)

// TestVectors: in a build with vectors, each step has the bits of its loops, for
// rows of any length.
func TestVectors(t *testing.T) {
	noise := random.New(3)
	bytes := func(n int, i uint64) []uint8 {
		out := make([]uint8, n)
		for k := range out {
			out[k] = uint8(noise.Fold(i).Uint64(uint64(k)))
			if k%5 == 0 {
				out[k] = out[k] & 1 * 255
			}
		}
		return out
	}
	words := func(n int, i uint64) []int16 {
		out := make([]int16, n)
		for k, v := range bytes(n, i) {
			out[k] = int16(v)<<fineBits + int16(k&63)
			out[k] = min(out[k], 255<<fineBits)
		}
		return out
	}
	for n := range 70 {
		check := func(name string, step, loops func() []any) {
			t.Helper()
			if have, want := step(), loops(); !reflect.DeepEqual(have, want) {
				t.Errorf("%s of %d: have %v, want %v", name, n, have, want)
			}
		}
		for taps := 1; taps < 6; taps++ {
			weight := []int16{5000, 9000, -500, 2384, 500}[:taps]
			mix := func(do func([]int16, []uint8, int, []int16)) func() []any {
				return func() []any {
					out := make([]int16, n)
					do(out, bytes((n+3)*taps, 1), n+3, weight)
					return []any{out}
				}
			}
			check("mixDown", mix(mixDown), mix(mixDownLoops))
			kernel, pairs := []int16{9000, 4000, 2384, 900, 100}[:taps], []int{5, 5, 4, 6, 3, 7, 2, 8, 1, 9}
			blur := func(do func(out, in []int16, pairs []int, weight []int16)) func() []any {
				return func() []any {
					out := make([]int16, n)
					do(out, words(n+9, 2), pairs, kernel)
					return []any{out}
				}
			}
			check("mixPairs", blur(mixPairs), blur(mixPairsLoops))
		}
		for _, length := range []int{1, n/2 + 1, n + 1, 3*n + 2, 20*n + 7} {
			if n == 0 {
				continue
			}
			across := func(do func(out, in []int16, t *taps)) func() []any {
				return func() []any {
					var t taps
					t.set(axis{length: length, step: 1, out: n, n: n})
					out := make([]int16, n)
					do(out, words(length+lanes, 3), &t)
					return []any{out}
				}
			}
			check(fmt.Sprintf("mixAcross from %d", length), across(mixAcross), across(mixAcrossLoops))
		}
		three := func(do func(r, g, b []uint8)) func() []any {
			return func() []any {
				r, g, b := bytes(n, 4), bytes(n, 5), bytes(n, 6)
				for i := 0; i < n; i += 7 {
					g[i], b[i] = r[i], r[i] // grey
				}
				do(r, g, b)
				return []any{r, g, b}
			}
		}
		for _, factor := range []float32{0, 0.3, 1.4, 17} {
			check("saturate", three(func(r, g, b []uint8) { saturate(r, g, b, factor) }), three(func(r, g, b []uint8) { saturateLoops(r, g, b, factor) }))
			check("blendAll", three(func(r, _, _ []uint8) { blendAll(r, 77, factor) }), three(func(r, _, _ []uint8) { blendAllLoops(r, 77, factor) }))
		}
		check("toLuma", three(toLuma), three(toLumaLoops))
		summed := func(sum func(r, g, b []uint8) int) func() []any {
			return func() []any { return []any{sum(bytes(n, 4), bytes(n, 5), bytes(n, 6))} }
		}
		check("sumLuma", summed(sumLuma), summed(sumLumaLoops))
		for _, add := range []uint8{0, 1, 100, 255} {
			check("turnHue", three(func(r, g, b []uint8) { turnHue(r, g, b, add) }), three(func(r, g, b []uint8) { turnHueLoops(r, g, b, add) }))
		}
		rows := func(do func(r, g, b []uint8, y, cb, cr []int16)) func() []any {
			return three(func(r, g, b []uint8) { do(r, g, b, words(n, 7), words(n, 8), words(n, 9)) })
		}
		check("toRGB", rows(toRGB), rows(toRGBLoops))
		check("round", three(func(r, _, _ []uint8) { round(r, words(n, 7)) }), three(func(r, _, _ []uint8) { roundLoops(r, words(n, 7)) }))
		wider := func(do func([]int16, []uint8)) func() []any {
			return func() []any {
				out := make([]int16, n)
				do(out, bytes(n, 1))
				return []any{out}
			}
		}
		check("widen", wider(widen), wider(widenLoops))
		pixels := func(do func(dst, r, g, b []uint8)) func() []any {
			return func() []any {
				out := make([]uint8, 3*n)
				do(out, bytes(n, 1), bytes(n, 2), bytes(n, 3))
				return []any{out}
			}
		}
		check("interleave", pixels(interleave), pixels(interleaveLoops))
	}
}

// TestAllHues: every colour on a grid is turned alike, and as saturated.
func TestAllHues(t *testing.T) {
	var have, want canvas
	have.reset(1<<15, 1)
	for i := range have.r {
		have.r[i], have.g[i], have.b[i] = uint8(i>>10*8+i%3), uint8(i>>5&31*8+i%5), uint8(i&31*8+i%7)
	}
	want = canvas{w: have.w, h: 1, r: slices.Clone(have.r), g: slices.Clone(have.g), b: slices.Clone(have.b)}
	for add := 0; add < 256; add += 51 {
		turnHue(have.r, have.g, have.b, uint8(add))
		turnHueLoops(want.r, want.g, want.b, uint8(add))
		saturate(have.r[:5000], have.g[:5000], have.b[:5000], 1+float32(add-100)/100)
		saturateLoops(want.r[:5000], want.g[:5000], want.b[:5000], 1+float32(add-100)/100)
		if !reflect.DeepEqual(have.planes(), want.planes()) {
			t.Fatalf("hue by %d: vectors have other bits", add)
		}
	}
}

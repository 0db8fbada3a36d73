package view

import (
	"bytes"
	"fmt"
	"reflect"
	"testing"

	"selfstream/stages/random"
)

// TestVectors: in a build with vectors, each step has the bits of its loops, for
// rows of any length.
func TestVectors(t *testing.T) {
	noise := random.New(3)
	noisy := func(n int, i uint64) []uint8 {
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
		for k, v := range noisy(n, i) {
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
					do(out, noisy((n+3)*taps, 1), n+3, weight)
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
		for _, length := range []int{1, n/2 + 1, n + 1, 7*n/4 + 1, 2 * n, 3*n + 2, 20*n + 7} {
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
				r, g, b := noisy(n, 4), noisy(n, 5), noisy(n, 6)
				for i := 0; i < n; i += 7 {
					g[i], b[i] = r[i], r[i] // grey
				}
				do(r, g, b)
				return []any{r, g, b}
			}
		}
		change := func(do func(r, g, b []uint8, changes []change) int, changes []change) func() []any {
			sum := 0
			colours := three(func(r, g, b []uint8) { sum = do(r, g, b, changes) })
			return func() []any { return append(colours(), sum) }
		}
		for _, changes := range changesToTest() {
			check(fmt.Sprintf("recolor %v", changes), change(recolor, changes), change(recolorLoops, changes))
		}
		rows := func(do func(r, g, b []uint8, y, cb, cr []int16)) func() []any {
			return three(func(r, g, b []uint8) { do(r, g, b, words(n, 7), words(n, 8), words(n, 9)) })
		}
		check("toRGB", rows(toRGB), rows(toRGBLoops))
		check("round", three(func(r, _, _ []uint8) { round(r, words(n, 7)) }), three(func(r, _, _ []uint8) { roundLoops(r, words(n, 7)) }))
		wider := func(do func([]int16, []uint8)) func() []any {
			return func() []any {
				out := make([]int16, n)
				do(out, noisy(n, 1))
				return []any{out}
			}
		}
		check("widen", wider(widen), wider(widenLoops))
		pixels := func(do func(dst, r, g, b []uint8)) func() []any {
			return func() []any {
				out := make([]uint8, 3*n)
				do(out, noisy(n, 1), noisy(n, 2), noisy(n, 3))
				return []any{out}
			}
		}
		check("interleave", pixels(interleave), pixels(interleaveLoops))
	}
}

// changesToTest are all kinds, one at a time and some after each other.
func changesToTest() (all [][]change) {
	for _, factor := range []float32{0, 0.3, 1.4, 17} {
		all = append(all, []change{{kind: blendGrey, factor: factor}}, []change{{kind: blendGrey, factor: factor, with: 77}}, []change{{kind: blendLuma, factor: factor}})
	}
	for _, turn := range []uint8{0, 1, 100, 255} {
		all = append(all, []change{{kind: turnHue, turn: turn}})
	}
	return append(all, []change{{kind: toGray}}, []change{{kind: sumLuma}}, nil,
		[]change{{kind: blendLuma, factor: 1.3}, {kind: turnHue, turn: 9}, {kind: blendGrey, factor: 0.7}, {kind: sumLuma}, {kind: toGray}})
}

// TestAllHues turns every colour there is.
func TestAllHues(t *testing.T) {
	const all = 1 << 16 // colours of the same red
	var have, want canvas
	have.reset(all, 1)
	want.reset(all, 1)
	for red := range 256 {
		for i := range all {
			have.r[i], have.g[i], have.b[i] = uint8(red), uint8(i>>8), uint8(i)
		}
		for i, p := range want.planes() {
			copy(p, have.planes()[i])
		}
		turn := []change{{kind: turnHue, turn: uint8(3 * red)}}
		recolor(have.r, have.g, have.b, turn)
		recolorLoops(want.r, want.g, want.b, turn)
		for i, p := range want.planes() {
			if !bytes.Equal(have.planes()[i], p) {
				t.Fatalf("hue by %d: vectors have other bits for colours with red %d", turn[0].turn, red)
			}
		}
	}
}

package view

import "selfstream/stages/random"

// drop keeps one channel and puts noise in place of the others: each value is
// 127 or 128, by the throw of a coin. Its standard deviation of 0.5 is about a
// hundredth of that of a photo's channel, as in the paper. (Doersch et al.,
// 2015, section 3.1.)
func drop(c *canvas, keep int, noise random.Key) {
	p := c.planes()
	first, second := p[(keep+1)%3], p[(keep+2)%3]
	var coins uint64
	for i := range first {
		if i%32 == 0 {
			coins = noise.Uint64(uint64(i / 32))
		}
		first[i] = 127 + uint8(coins&1)
		second[i] = 127 + uint8(coins>>1&1)
		coins >>= 2
	}
}

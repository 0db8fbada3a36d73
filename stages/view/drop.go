package view

import "selfstream/stages/random"

// drop keeps one channel and puts noise in place of the others: each value is
// 127 or 128, by the throw of a coin. Its standard deviation of 0.5 is about a
// hundredth of that of a photo's channel, as in the paper. (Doersch et al.,
// 2015, section 3.1.)
func drop(img *RGB, keep int, noise random.Key) {
	var coins uint64
	for i := range img.W * img.H {
		p := img.Pix[3*i:][:3]
		if i%32 == 0 {
			coins = noise.Uint64(uint64(i / 32))
		}
		p[(keep+1)%3] = 127 + uint8(coins&1)
		p[(keep+2)%3] = 127 + uint8(coins>>1&1)
		coins >>= 2
	}
}

// Package digest turns bytes into their SHA-256, at the speed of the processor.
package digest

import (
	"crypto/sha256"
	"hash"
)

// Size of a digest, in bytes.
const Size = sha256.Size

// Sum is the SHA-256 of the parts, one after the other.
func Sum(parts ...[]byte) [Size]byte {
	h := sha256.New()
	for _, part := range parts {
		Write(h, part)
	}
	return [Size]byte(h.Sum(nil))
}

// Write adds data to a hash.
//
// Go built with GOEXPERIMENT=simd leaves the upper halves of the vector registers
// in use, after vectors of our own and whenever it has interrupted a goroutine.
// Until that ends, SHA-256 by the instructions of x86 takes 15 times as long.
func Write(h hash.Hash, data []byte) {
	clearVectors()
	h.Write(data)
}

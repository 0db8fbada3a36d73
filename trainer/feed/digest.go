package feed

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"

	"selfstream/schemas/digest"
)

// Digest names all batches of a run so far, in their order:
//
//	D₀ = 32 zero bytes
//	Dₖ = SHA-256(Dₖ₋₁ ‖ SHA-256(batch k))
//
// where a batch is the bytes of its views, one view after the other, then its
// labels (int32), its answers (int32) if the recipe makes some, and its image
// ids (int64), little endian. A chain, unlike one
// long hash, goes on from its last value after a restart.
type Digest [sha256.Size]byte

// ParseDigest reads what String wrote.
func ParseDigest(s string) (Digest, error) {
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != sha256.Size {
		return Digest{}, fmt.Errorf("parsing digest %q: want %d hex digits", s, 2*sha256.Size)
	}
	return Digest(b), nil
}

// String is lower-case hex.
func (d Digest) String() string { return hex.EncodeToString(d[:]) }

// Add returns the digest after one more batch.
func (d Digest) Add(b *Batch) Digest {
	h := sha256.New()
	for _, v := range b.Views {
		for _, piece := range v.Pieces {
			digest.Write(h, piece)
		}
	}
	buf := make([]byte, 0, 16*b.Size())
	for _, numbers := range [][]int32{b.Labels, b.Answers} {
		for _, n := range numbers {
			buf = binary.LittleEndian.AppendUint32(buf, uint32(n))
		}
	}
	for _, id := range b.IDs {
		buf = binary.LittleEndian.AppendUint64(buf, uint64(id))
	}
	digest.Write(h, buf)
	batch := h.Sum(nil)
	return digest.Sum(d[:], batch)
}

package schemas

import (
	"encoding/hex"

	"github.com/zeebo/xxh3"
)

// Digest is the XXH3 of a body, in its form of 128 bits, as `xxhsum -H2` prints
// it. It tells accidents, not forgers: whoever makes samples makes their digest,
// too. See docs/adr/0014.
type Digest [16]byte

// DigestOf a body.
func DigestOf(body []byte) Digest { return xxh3.Hash128(body).Bytes() }

// ParseDigest reads what String wrote.
func ParseDigest(s string) (Digest, error) {
	var d Digest
	if n, err := hex.Decode(d[:], []byte(s)); n != len(d) || err != nil || len(s) != hex.EncodedLen(len(d)) {
		return Digest{}, invalid("digest %q: want %d hex digits", s, hex.EncodedLen(len(d)))
	}
	return d, nil
}

// String is lower-case hex.
func (d Digest) String() string { return hex.EncodeToString(d[:]) }

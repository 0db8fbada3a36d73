package decode

import "bytes"

// SniffBytes is how much of a file's beginning Sniff wants to see.
const SniffBytes = 16

// Sniff names the format of a file by its first bytes: "jpeg", "png", "gif",
// "webp", "bmp" or "tiff", and "" for anything else.
func Sniff(head []byte) string {
	for _, m := range []struct{ format, magic string }{
		{"jpeg", "\xff\xd8\xff"},
		{"png", "\x89PNG\r\n\x1a\n"},
		{"gif", "GIF87a"},
		{"gif", "GIF89a"},
		{"bmp", "BM"},
		{"tiff", "II*\x00"},
		{"tiff", "MM\x00*"},
	} {
		if bytes.HasPrefix(head, []byte(m.magic)) {
			return m.format
		}
	}
	if len(head) >= 12 && string(head[:4]) == "RIFF" && string(head[8:12]) == "WEBP" {
		return "webp"
	}
	return ""
}

package decode

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image"
	"image/jpeg"
	"io"
	"testing"
)

// sides says, for each orientation, which side of the upright picture the first
// row and the first column of the file are (EXIF 2.32, 4.6.4, tag 274).
var sides = [9]struct{ row, column string }{
	1: {"top", "left"},
	2: {"top", "right"},
	3: {"bottom", "right"},
	4: {"bottom", "left"},
	5: {"left", "top"},
	6: {"right", "top"},
	7: {"right", "bottom"},
	8: {"left", "bottom"},
}

// stored is the drawing as a camera that was held so would have stored it.
func stored(orientation int) *image.NRGBA {
	src := drawing()
	w, h := 48, 32
	at := func(row, column int) (x, y int) {
		for side, n := range map[string]int{sides[orientation].row: row, sides[orientation].column: column} {
			switch side {
			case "top":
				y = n
			case "bottom":
				y = h - 1 - n
			case "left":
				x = n
			case "right":
				x = w - 1 - n
			}
		}
		return x, y
	}
	rows, columns := h, w
	if orientation >= 5 {
		rows, columns = w, h
	}
	out := image.NewNRGBA(image.Rect(0, 0, columns, rows))
	for row := range rows {
		for column := range columns {
			out.Set(column, row, src.At(at(row, column)))
		}
	}
	return out
}

// exif is a TIFF structure of one tag.
func exif(order binary.AppendByteOrder, orientation int) []byte {
	b := []byte("MM")
	if order == binary.AppendByteOrder(binary.LittleEndian) {
		b = []byte("II")
	}
	b = order.AppendUint16(b, 42)
	b = order.AppendUint32(b, 8)      // where the tags begin
	b = order.AppendUint16(b, 1)      // how many
	b = order.AppendUint16(b, 0x0112) // orientation
	b = order.AppendUint16(b, 3)      // of 16 bits
	b = order.AppendUint32(b, 1)      // one of them
	b = order.AppendUint16(b, uint16(orientation))
	return append(b, make([]byte, 6)...)
}

// withAPP1 puts EXIF data into a JPEG, behind its first two bytes.
func withAPP1(jpeg, exif []byte) []byte {
	b := append(bytes.Clone(jpeg[:2]), 0xff, 0xe1)
	b = binary.BigEndian.AppendUint16(b, uint16(2+6+len(exif)))
	b = append(b, "Exif\x00\x00"...)
	return append(append(b, exif...), jpeg[2:]...)
}

// withEXIF puts EXIF data into a PNG, behind its header.
func withEXIF(png, exif []byte) []byte {
	const header = 8 + 12 + 13
	b := appendChunk(bytes.Clone(png[:header]), "eXIf", exif)
	return append(b, png[header:]...)
}

func TestOrientation(t *testing.T) {
	for o := 1; o <= 8; o++ {
		for _, order := range []binary.AppendByteOrder{binary.BigEndian, binary.LittleEndian} {
			t.Run(fmt.Sprintf("%d, %v", o, order), func(t *testing.T) {
				img := stored(o)
				for format, data := range map[string][]byte{
					"png":  withEXIF(encodePNG(t, img), exif(order, o)),
					"jpeg": withAPP1(encode(t, func(w io.Writer) error { return jpeg.Encode(w, img, &jpeg.Options{Quality: 100}) }), exif(order, o)),
				} {
					have, err := Image(data, DefaultLimits())
					if err != nil {
						t.Fatal(err)
					}
					if have.W != 48 || have.H != 32 {
						t.Fatalf("%s: have %d×%d pixels, want 48×32", format, have.W, have.H)
					}
					want := drawing()
					for y := range 32 {
						for x := range 48 {
							c := want.NRGBAAt(x, y)
							if have := pixel(have, x, y); !near(have, [3]uint8{c.R, c.G, c.B}, 2) {
								t.Fatalf("%s at %d, %d: have %v, want %v", format, x, y, have, c)
							}
						}
					}
				}
			})
		}
	}
}

// TestOrientationOfPrefixedWebP: some programs write JPEG's prefix into WebP.
func TestOrientationOfPrefixedWebP(t *testing.T) {
	data := testdata(t, "side.webp")
	at := bytes.LastIndex(data, []byte("EXIF")) + 4 // where the length of the chunk is, the last one
	const prefix = "Exif\x00\x00"
	exif := bytes.TrimPrefix(data[at+4:], []byte(prefix))
	with := binary.LittleEndian.AppendUint32(bytes.Clone(data[:at]), uint32(len(prefix)+len(exif)))
	with = append(append(with, prefix...), exif...)
	binary.LittleEndian.PutUint32(with[4:], uint32(len(with)-8))
	img, err := Image(with, DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	if img.W != 48 || img.H != 32 {
		t.Errorf("have %d×%d pixels, want 48×32", img.W, img.H)
	}
}

// TestOrientationOfDamagedEXIF: the image counts, not what is said about it.
func TestOrientationOfDamagedEXIF(t *testing.T) {
	jpeg := encode(t, func(w io.Writer) error { return jpeg.Encode(w, drawing(), nil) })
	for name, exif := range map[string][]byte{
		"none":        nil,
		"cut":         exif(binary.BigEndian, 6)[:12],
		"no such one": exif(binary.BigEndian, 9),
		"zero":        exif(binary.BigEndian, 0),
		"noise":       bytes.Repeat([]byte{0xa5, 0x3c}, 40),
	} {
		img, err := Image(withAPP1(jpeg, exif), DefaultLimits())
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if img.W != 48 || img.H != 32 {
			t.Errorf("%s: have %d×%d pixels, want 48×32 as stored", name, img.W, img.H)
		}
	}
}

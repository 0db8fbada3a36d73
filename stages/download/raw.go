package download

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"os"
	"path"
)

// errEnough ends eachFile early.
var errEnough = errors.New("enough")

// eachFile calls do with the base name and the content of every file in a
// .tar.gz archive.
func eachFile(ctx context.Context, archive string, progress func(done, total int64), do func(name string, r io.Reader) error) error {
	f, err := os.Open(archive)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	zipped := &counter{r: f, tell: func(n int64) { progress(n, info.Size()) }}
	unzipped, err := gzip.NewReader(zipped)
	if err != nil {
		return err
	}
	for tr := tar.NewReader(unzipped); ; {
		if err := ctx.Err(); err != nil {
			return err
		}
		header, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if header.Typeflag != tar.TypeReg {
			continue
		}
		err = do(path.Base(header.Name), tr)
		if errors.Is(err, errEnough) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s: %w", header.Name, err)
		}
	}
}

// eachRecord calls do with each record of size bytes that r is made of, which
// it may keep.
func eachRecord(ctx context.Context, r io.Reader, size int, do func(i int, record []byte) error) error {
	for i := 0; ; i++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		record := make([]byte, size)
		_, err := io.ReadFull(r, record)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("record %d of %d bytes: %w", i, size, err)
		}
		if err := do(i, record); err != nil {
			return err
		}
	}
}

// planes is a square image as three planes of red, green and blue.
type planes struct {
	pix      []byte
	side     int
	byColumn bool // the pixels of a column follow each other, not those of a row
}

func (p planes) ColorModel() color.Model { return color.RGBAModel }
func (p planes) Bounds() image.Rectangle { return image.Rect(0, 0, p.side, p.side) }
func (p planes) Opaque() bool            { return true }

func (p planes) At(x, y int) color.Color {
	if p.byColumn {
		x, y = y, x
	}
	at, plane := y*p.side+x, p.side*p.side
	return color.RGBA{p.pix[at], p.pix[at+plane], p.pix[at+2*plane], 0xff}
}

func (p planes) png() ([]byte, error) {
	var buf bytes.Buffer
	err := png.Encode(&buf, p)
	return buf.Bytes(), err
}

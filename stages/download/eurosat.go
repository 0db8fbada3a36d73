package download

import (
	"archive/zip"
	"context"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strconv"
	"strings"
)

// eurosat is a zip of "2750/<class>/<class>_<number>.jpg". It has no split of
// its own: here every fifth image of a class is held out.
// https://github.com/phelber/eurosat; the second address is the copy that
// torchvision uses.
var eurosat = Set{
	Name:  "eurosat",
	About: "EuroSAT RGB (Helber et al., 2019): 27,000 satellite images of 10 classes, 64×64, a fifth held out; 94 MB",
	Addresses: []string{
		"https://madm.dfki.de/files/sentinel/EuroSAT.zip",
		"https://huggingface.co/datasets/torchgeo/eurosat/resolve/c877bcd43f099cd0196738f714544e355477f3fd/EuroSAT.zip",
	},
	MD5:    "c8fa014336c82ac7804f0398fcb19387",
	unpack: unpackEuroSAT,
}

func unpackEuroSAT(ctx context.Context, archive string, put putFunc, progress func(done, total int64)) error {
	z, err := zip.OpenReader(archive)
	if err != nil {
		return err
	}
	defer z.Close()
	var done, total int64
	for _, f := range z.File {
		total += int64(f.CompressedSize64)
	}
	for _, f := range z.File {
		if err := ctx.Err(); err != nil {
			return err
		}
		done += int64(f.CompressedSize64)
		progress(done, total)
		if path.Ext(f.Name) != ".jpg" {
			continue
		}
		key, err := eurosatKey(f.Name)
		if err != nil {
			return err
		}
		data, err := readEntry(f)
		if err != nil {
			return fmt.Errorf("%s: %w", f.Name, err)
		}
		if err := put(key, func() ([]byte, error) { return data, nil }); err != nil {
			return err
		}
	}
	return nil
}

// eurosatKey is where the file called name in the archive goes.
func eurosatKey(name string) (string, error) {
	parts := strings.Split(name, "/")
	if !fs.ValidPath(name) || len(parts) != 3 {
		return "", fmt.Errorf("%q: want <folder>/<class>/<class>_<number>.jpg", name)
	}
	class, file := parts[1], parts[2]
	n, err := strconv.Atoi(strings.TrimSuffix(strings.TrimPrefix(file, class+"_"), ".jpg"))
	if err != nil {
		return "", fmt.Errorf("%q: want a number in the name: %w", name, err)
	}
	split := "train"
	if n%5 == 0 {
		split = "test"
	}
	return split + "/" + class + "/" + file, nil
}

// readEntry reads a file of a zip, unless it is far larger than an image of
// 64×64 can be.
func readEntry(f *zip.File) ([]byte, error) {
	const limit = 1 << 20
	if f.UncompressedSize64 > limit {
		return nil, fmt.Errorf("have %d bytes, want at most %d", f.UncompressedSize64, limit)
	}
	r, err := f.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(io.LimitReader(r, limit))
}

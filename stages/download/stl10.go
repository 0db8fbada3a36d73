package download

import (
	"context"
	"fmt"
	"io"
)

// stl10 is three planes of 96×96 bytes an image, column by column, with the
// labels, from 1, in files of their own. The unlabelled images lie beside the
// classes in train/, without a folder of their own: to learn from, and of no
// class.
// https://cs.stanford.edu/~acoates/stl10/
var stl10 = Set{
	Name:      "stl10",
	About:     "STL-10 (Coates et al., 2011): 5,000 + 8,000 images of 10 classes and 100,000 unlabelled, 96×96; 2.6 GB",
	Addresses: []string{"http://ai.stanford.edu/~acoates/stl10/stl10_binary.tar.gz"},
	MD5:       "91f7769df0f17e558f3565bffb0c7dfb",
	unpack:    unpackSTL10,
}

var stl10Classes = []string{"airplane", "bird", "car", "cat", "deer", "dog", "horse", "monkey", "ship", "truck"}

func unpackSTL10(ctx context.Context, archive string, put putFunc, progress func(done, total int64)) error {
	labels, err := stl10Labels(ctx, archive)
	if err != nil {
		return err
	}
	const side = 96
	return eachFile(ctx, archive, progress, func(name string, r io.Reader) error {
		var key func(i int) (string, error)
		switch name {
		case "train_X.bin":
			key = func(i int) (string, error) { return stl10Key("train", labels["train_y.bin"], i) }
		case "test_X.bin":
			key = func(i int) (string, error) { return stl10Key("test", labels["test_y.bin"], i) }
		case "unlabeled_X.bin":
			key = func(i int) (string, error) { return fmt.Sprintf("train/unlabeled-%06d.png", i), nil }
		default:
			return nil
		}
		return eachRecord(ctx, r, 3*side*side, func(i int, record []byte) error {
			k, err := key(i)
			if err != nil {
				return err
			}
			return put(k, planes{pix: record, side: side, byColumn: true}.png)
		})
	})
}

// stl10Labels reads the files of labels, which may come after the images.
func stl10Labels(ctx context.Context, archive string) (map[string][]byte, error) {
	labels := map[string][]byte{}
	err := eachFile(ctx, archive, func(int64, int64) {}, func(name string, r io.Reader) (err error) {
		if name == "train_y.bin" || name == "test_y.bin" {
			if labels[name], err = io.ReadAll(io.LimitReader(r, 1<<20)); err == nil && len(labels) == 2 {
				err = errEnough
			}
		}
		return err
	})
	return labels, err
}

func stl10Key(split string, labels []byte, i int) (string, error) {
	if i >= len(labels) {
		return "", fmt.Errorf("image %d: have labels for %d", i, len(labels))
	}
	label := int(labels[i])
	if label < 1 || label > len(stl10Classes) {
		return "", fmt.Errorf("image %d: have label %d, want 1 to %d", i, label, len(stl10Classes))
	}
	return fmt.Sprintf("%s/%s/%05d.png", split, stl10Classes[label-1], i), nil
}

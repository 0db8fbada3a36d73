package download

import (
	"context"
	"fmt"
	"io"
)

// cifar10 is in the binary version: records of one byte label and three planes
// of 32×32 bytes, row by row.
// https://www.cs.toronto.edu/~kriz/cifar.html
var cifar10 = Set{
	Name:      "cifar10",
	About:     "CIFAR-10 (Krizhevsky, 2009): 50,000 + 10,000 images of 10 classes, 32×32; 170 MB",
	Addresses: []string{"https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz"},
	MD5:       "c32a1d4ab5d03f1284b67883e8d87530",
	unpack:    unpackCIFAR10,
}

var cifar10Classes = []string{"airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"}

func unpackCIFAR10(ctx context.Context, archive string, put putFunc, progress func(done, total int64)) error {
	const side, perBatch = 32, 10_000
	files := map[string]struct {
		split string
		first int
	}{
		"data_batch_1.bin": {"train", 0 * perBatch},
		"data_batch_2.bin": {"train", 1 * perBatch},
		"data_batch_3.bin": {"train", 2 * perBatch},
		"data_batch_4.bin": {"train", 3 * perBatch},
		"data_batch_5.bin": {"train", 4 * perBatch},
		"test_batch.bin":   {"test", 0},
	}
	return eachFile(ctx, archive, progress, func(name string, r io.Reader) error {
		f, ok := files[name]
		if !ok {
			return nil
		}
		return eachRecord(ctx, r, 1+3*side*side, func(i int, record []byte) error {
			label := int(record[0])
			if label >= len(cifar10Classes) {
				return fmt.Errorf("record %d: have label %d, want below %d", i, label, len(cifar10Classes))
			}
			key := fmt.Sprintf("%s/%s/%05d.png", f.split, cifar10Classes[label], f.first+i)
			return put(key, planes{pix: record[1:], side: side}.png)
		})
	})
}

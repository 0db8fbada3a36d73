package bucket

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"selfstream/stages/decode"
)

// Dataset is what lies below one prefix of a bucket: images, and where folders
// say so, what they show and which of them are held out.
type Dataset struct {
	Name    string
	Classes []string // sorted; empty where there are no labels
	Train   []File   // to learn from, sorted by key
	Test    []File   // held out, sorted by key; empty where no folder says so
	Others  Others   // files that are no images
	Unused  Others   // images outside of the folders that are used
}

// File is an image of a dataset.
type File struct {
	Key   string
	Size  int64  // in bytes
	ETag  string // empty where the server knows none; see Info
	Label int32  // index into Classes, −1 without
}

// Others are files that are left aside.
type Others struct {
	Count int
	Names []string // keys of the first few
}

// Add counts one more.
func (o *Others) Add(key string) {
	o.Count++
	if len(o.Names) < 5 {
		o.Names = append(o.Names, key)
	}
}

// ErrNoImages is wrapped by the error about a dataset without images.
var ErrNoImages = errors.New("no images")

// peekers is how many files are looked into at once.
const peekers = 32

// ReadDataset lists the dataset called name: the images below "<name>/" in b.
//
// A file is an image by its content. Those with the extension of an image
// format are believed until they are decoded; of all others the first bytes
// are read. Hidden files and folders, whose names start with a dot, and the
// empty objects that some tools put in place of folders ("x/") are skipped.
//
// Below train/ are the images to learn from, if there is such a folder, and
// below val/, or else test/, those held out. An image's label is the name of
// the folder directly below that, or directly below the dataset where there is
// no train/; deeper folders do not matter. An image in no such folder has no
// label, and where all images share one folder, none has. A train/ without
// val/ or test/, but with other folders of images beside it, is no split but a
// class like them: of trains, say.
//
// If progress is not nil, it is called now and then with the number of images
// found so far, never twice at once. A dataset without images is ErrNoImages.
func ReadDataset(ctx context.Context, b Bucket, name string, progress func(found int)) (*Dataset, error) {
	if err := CheckKey(name); err != nil {
		return nil, fmt.Errorf("reading dataset: name: %w", err)
	}
	if progress == nil {
		progress = func(int) {}
	}
	images, others, err := findImages(ctx, b, name+"/", progress)
	if err != nil {
		return nil, fmt.Errorf("reading dataset %s: %w", name, err)
	}
	if len(images) == 0 {
		return nil, fmt.Errorf("reading dataset %s: %w", name, noImages(name, others))
	}
	d := &Dataset{Name: name, Others: others}
	d.sort(images)
	return d, nil
}

func noImages(name string, others Others) error {
	if others.Count == 0 {
		return fmt.Errorf("%w: nothing lies below %s/: copy images there, or check the name", ErrNoImages, name)
	}
	return fmt.Errorf("%w among the %d files below %s/, such as %s: want JPEG, PNG, WebP, GIF, BMP or TIFF",
		ErrNoImages, others.Count, name, strings.Join(others.Names, ", "))
}

// findImages lists prefix and tells images from other files.
func findImages(ctx context.Context, b Bucket, prefix string, progress func(int)) ([]Info, Others, error) {
	var files []Info
	var unsure []int // indices into files
	for info, err := range b.List(ctx, prefix) {
		if err != nil {
			return nil, Others{}, err
		}
		if unseen(info.Key[len(prefix):]) {
			continue
		}
		if !hasImageExtension(info.Key) {
			unsure = append(unsure, len(files))
		}
		if files = append(files, info); len(files)%1000 == 0 {
			progress(len(files) - len(unsure))
		}
	}
	isImage, err := peekAll(ctx, b, files, unsure, progress)
	if err != nil {
		return nil, Others{}, err
	}

	var others Others
	images := files[:0]
	for i, info := range files {
		if len(unsure) > 0 && unsure[0] == i {
			image := isImage[0]
			unsure, isImage = unsure[1:], isImage[1:]
			if !image {
				others.Add(info.Key)
				continue
			}
		}
		images = append(images, info)
	}
	progress(len(images))
	return images, others, nil
}

// peekAll tells of each of the unsure ones of files whether it is an image.
func peekAll(ctx context.Context, b Bucket, files []Info, unsure []int, progress func(int)) ([]bool, error) {
	isImage := make([]bool, len(unsure))
	var mu sync.Mutex
	found := len(files) - len(unsure)

	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(peekers)
	for u, i := range unsure {
		group.Go(func() error {
			head, _, err := b.GetRange(ctx, files[i].Key, 0, decode.SniffBytes)
			if errors.Is(err, fs.ErrNotExist) {
				return nil // deleted since it was listed
			}
			if err != nil {
				return err
			}
			if isImage[u] = decode.Sniff(head) != ""; isImage[u] {
				mu.Lock()
				defer mu.Unlock()
				if found++; found%1000 == 0 {
					progress(found)
				}
			}
			return nil
		})
	}
	return isImage, group.Wait()
}

// unseen tells whether rel, a key within a dataset, is not of a file, or of one
// that is hidden.
func unseen(rel string) bool {
	return rel == "" || strings.HasSuffix(rel, "/") || strings.HasPrefix(rel, ".") || strings.Contains(rel, "/.")
}

func hasImageExtension(key string) bool {
	switch strings.ToLower(path.Ext(key)) {
	case ".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".gif", ".bmp", ".dib", ".tif", ".tiff":
		return true
	}
	return false
}

// sort puts images into splits and gives them their labels.
func (d *Dataset) sort(images []Info) {
	in := layoutOf(images, len(d.Name)+1)
	numbers := map[string]int32{}
	for _, info := range images {
		if _, class := in.place(info.Key); class != "" {
			numbers[class] = -1
		}
	}
	if len(numbers) > 1 { // a single folder tells nothing apart
		d.Classes = slices.Sorted(maps.Keys(numbers))
		for i, class := range d.Classes {
			numbers[class] = int32(i)
		}
	}
	for _, info := range images {
		file := File{Key: info.Key, Size: info.Size, ETag: info.ETag, Label: -1}
		use, class := in.place(info.Key)
		if class != "" {
			file.Label = numbers[class]
		}
		switch use {
		case learn:
			d.Train = append(d.Train, file)
		case holdOut:
			d.Test = append(d.Test, file)
		case leave:
			d.Unused.Add(file.Key)
		}
	}
}

// layout says which folders of a dataset are its splits.
type layout struct {
	prefix      int    // bytes of the dataset's name and slash, at the start of all keys
	train, test string // folders; train is empty where all images are to learn from
}

func layoutOf(images []Info, prefix int) layout {
	folders := map[string]bool{}
	for _, info := range images {
		if folder, _, ok := strings.Cut(info.Key[prefix:], "/"); ok {
			folders[folder] = true
		}
	}
	switch {
	case !folders["train"]:
		return layout{prefix: prefix}
	case folders["val"]:
		return layout{prefix, "train", "val"}
	case folders["test"]:
		return layout{prefix, "train", "test"}
	case len(folders) > 1: // a class of trains
		return layout{prefix: prefix}
	}
	return layout{prefix: prefix, train: "train"}
}

// use is what becomes of an image.
type use int

const (
	leave use = iota
	learn
	holdOut
)

// place returns what the image at key is for, and its class or "".
func (l layout) place(key string) (use, string) {
	to, rel := learn, key[l.prefix:]
	if l.train != "" {
		folder, rest, inFolder := strings.Cut(rel, "/")
		switch {
		case inFolder && folder == l.train:
		case inFolder && folder == l.test && l.test != "":
			to = holdOut
		default:
			return leave, ""
		}
		rel = rest
	}
	if class, _, ok := strings.Cut(rel, "/"); ok {
		return to, class
	}
	return to, ""
}

package bucket

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
)

// Dataset is what lies below one prefix of a bucket: images, and where folders
// or the members of tars say so, what they show and which of them are held out.
type Dataset struct {
	Name    string
	Classes []string // sorted; empty where there are no labels
	Train   []File   // to learn from, sorted by key
	Test    []File   // held out, sorted by key; empty where no folder says so
	Others  Others   // files that are no images
	Unused  Others   // images outside of the folders that are used
	Broken  Others   // tars that are damaged, each with what is wrong with it
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

// ReadDataset lists the dataset called name: the images below "<name>/" in b.
//
// A file is an image by its content. Those with the extension of an image
// format are believed until they are decoded; of all others the first bytes
// are read. Hidden files and folders, whose names start with a dot, and the
// empty objects that some tools put in place of folders ("x/") are skipped.
//
// A file called *.tar counts as a folder with what is in it: its members lie
// where the tar does, as if it had been unpacked there. Finding them takes
// reading all of the tar, once: kept, the bucket "runs" or nil, keeps what was
// found, and a tar that is changed is read again. Of a damaged tar what is whole
// is used.
//
// Below train/ are the images to learn from, if there is such a folder, and
// below val/, or else test/, those held out. An image's label is the name of
// the folder directly below that, or directly below the dataset where there is
// no train/; deeper folders do not matter. A member of a tar has the label that
// the .cls member beside it holds, if there is one, as in a WebDataset. An image
// with neither has no label, and where all images share one, none has. A train/
// without val/ or test/, but with other folders of images beside it, is no split
// but a class like them: of trains, say.
//
// If progress is not nil, it is called now and then with the number of images
// found so far, never twice at once. A dataset without images is ErrNoImages.
func ReadDataset(ctx context.Context, b Source, kept Bucket, name string, progress func(found int)) (*Dataset, error) {
	if err := CheckKey(name); err != nil {
		return nil, fmt.Errorf("reading dataset: name: %w", err)
	}
	s := &search{from: b, kept: kept, prefix: name + "/", tell: progress}
	if err := s.run(ctx); err != nil {
		return nil, fmt.Errorf("reading dataset %s: %w", name, err)
	}
	d := &Dataset{Name: name, Others: s.others, Broken: s.broken}
	if len(s.images) == 0 {
		return nil, fmt.Errorf("reading dataset %s: %w", name, d.noImages())
	}
	d.sort(s.images)
	return d, nil
}

// noImages says what there is instead.
func (d *Dataset) noImages() error {
	switch {
	case d.Broken.Count > 0:
		return fmt.Errorf("%w: %s", ErrNoImages, strings.Join(d.Broken.Names, "; "))
	case d.Others.Count == 0:
		return fmt.Errorf("%w: nothing lies below %s/: copy images there, or check the name", ErrNoImages, d.Name)
	}
	return fmt.Errorf("%w among the %d files below %s/, such as %s: want JPEG, PNG, WebP, GIF, BMP or TIFF, or tars of them",
		ErrNoImages, d.Others.Count, d.Name, strings.Join(d.Others.Names, ", "))
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
func (d *Dataset) sort(images []found) {
	in := layoutOf(images)
	classes := map[string]int32{}
	numbered := false // by .cls members
	for i := range images {
		img := &images[i]
		var folder string
		if img.use, folder = in.place(img.path); img.class == "" {
			img.class = folder
		} else {
			numbered = true
		}
		if img.use != leave && img.class != "" {
			classes[img.class] = -1
		}
	}
	if len(classes) > 1 { // a single one tells nothing apart
		d.Classes = sortClasses(classes, numbered)
		for i, class := range d.Classes {
			classes[class] = int32(i)
		}
	}
	for _, img := range images {
		img.Label = -1
		if img.class != "" {
			img.Label = classes[img.class]
		}
		switch img.use {
		case learn:
			d.Train = append(d.Train, img.File)
		case holdOut:
			d.Test = append(d.Test, img.File)
		case leave:
			d.Unused.Add(img.Key)
		}
	}
}

// sortClasses sorts the names of classes: as numbers if that is what all are and
// .cls members say so, so that class 7 of a WebDataset is label 7.
func sortClasses(classes map[string]int32, numbered bool) []string {
	names := slices.Sorted(maps.Keys(classes))
	if !numbered || slices.ContainsFunc(names, func(name string) bool { return !isNumber(name) }) {
		return names
	}
	slices.SortFunc(names, func(a, b string) int { return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b)) })
	return names
}

// isNumber tells whether name is a number as it is written: 7, but not 007.
func isNumber(name string) bool {
	return name == "0" || name[0] != '0' && strings.Trim(name, "0123456789") == ""
}

// layout says which folders of a dataset are its splits.
type layout struct {
	train, test string // folders; train is empty where all images are to learn from
}

func layoutOf(images []found) layout {
	folders := map[string]bool{}
	for _, img := range images {
		if folder, _, ok := strings.Cut(img.path, "/"); ok {
			folders[folder] = true
		}
	}
	switch {
	case !folders["train"]:
		return layout{}
	case folders["val"]:
		return layout{"train", "val"}
	case folders["test"]:
		return layout{"train", "test"}
	case len(folders) > 1: // a class of trains
		return layout{}
	}
	return layout{train: "train"}
}

// use is what becomes of an image.
type use int

const (
	leave use = iota
	learn
	holdOut
)

// place returns what the image at a path below the dataset is for, and the class
// that its folder gives it, or "".
func (l layout) place(rel string) (use, string) {
	to := learn
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

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"selfstream/stages/bucket"
	"selfstream/stages/download"
	"selfstream/stages/local"
	"selfstream/stages/scenes"
	"selfstream/trainer/drop"
)

// The demonstration's dataset.
const (
	demoDataset = "demo"
	demoSeed    = 1
	demoTrain   = 160 // pictures of each class
	demoTest    = 40
)

// drawDemo draws the demonstration's pictures into the bucket, if they are not
// there.
func drawDemo(ctx context.Context, datasets bucket.Bucket, progress func(int)) error {
	const marker = demoDataset + "/.drawn" // hidden from listings; written last
	want := fmt.Sprintf("%d %d %d\n", demoSeed, demoTrain, demoTest)
	have, _, err := datasets.Get(ctx, marker, 1<<10)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("looking for the demonstration's pictures: %w", err)
	}
	if string(have) == want {
		return nil
	}
	n := 0
	for key, png := range scenes.All(demoSeed, demoTrain, demoTest) {
		if err := datasets.Put(ctx, demoDataset+"/"+key, png); err != nil {
			return fmt.Errorf("drawing the demonstration's pictures: %w", err)
		}
		n++
		progress(n)
	}
	return datasets.Put(ctx, marker, []byte(want))
}

// throttled tells a person about progress now and then.
func throttled(e *env, doing string) func(int) {
	told := time.Now()
	return func(n int) {
		if time.Since(told) > 2*time.Second {
			told = time.Now()
			fmt.Fprintf(e.stdout, "%s: %d\n", doing, n)
		}
	}
}

// listDatasets writes what is in the bucket, one line a dataset, and why none of
// its runs was started where it is so.
func listDatasets(ctx context.Context, e *env, b buckets) error {
	names, err := b.datasets.Folders(ctx, "")
	if err != nil {
		return err
	}
	if len(names) == 0 {
		fmt.Fprintln(e.stdout, "no datasets yet; add one with: selfstream datasets put FOLDER")
		return nil
	}
	tw := tabwriter.NewWriter(e.stdout, 0, 0, 3, ' ', 0)
	fmt.Fprintln(tw, "dataset\timages\theld out\tclasses\tother files")
	var problems []string
	for _, name := range names {
		d, err := bucket.ReadDataset(ctx, b.datasets, b.runs, name, nil)
		if errors.Is(err, bucket.ErrNoImages) {
			d, err = &bucket.Dataset{}, nil
			problems = append(problems, name+": it has no images")
		}
		if err != nil {
			return err
		}
		fmt.Fprintf(tw, "%s\t%d\t%d\t%d\t%d\n", name, len(d.Train), len(d.Test), len(d.Classes), d.Others.Count)
		problems = append(problems, d.Broken.Names...)
		seen, err := drop.Read(ctx, b.runs, name)
		if err != nil {
			return err
		}
		if seen.Problem != "" && len(d.Train) > 0 {
			problems = append(problems, name+": "+seen.Problem)
		}
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	for _, problem := range problems {
		fmt.Fprintln(e.stdout, problem)
	}
	return nil
}

func runDatasets(ctx context.Context, e *env, args []string) error {
	o := newOptions("datasets", "ls | put FOLDER [NAME] | get NAME",
		"Lists the datasets in the bucket, adds a folder of photos, or downloads a well-known dataset:\n"+wellKnown())
	at := o.placeFlags()
	if err := o.parse(e, args, 3); err != nil {
		return err
	}
	words := o.words
	switch {
	case len(words) == 1 && words[0] == "ls":
	case len(words) >= 2 && words[0] == "put":
	case len(words) == 2 && words[0] == "get":
		if _, err := download.Find(words[1]); err != nil {
			return usageError{err}
		}
	default:
		return usageError{errors.New("want ls, put FOLDER [NAME] or get NAME; see: selfstream help datasets")}
	}
	dir, err := filepath.Abs(o.word(1)) // before an embedded S3 changes the working directory
	if err != nil {
		return err
	}
	b, done, err := at.open(ctx, e)
	if err != nil {
		return err
	}
	defer done()
	switch words[0] {
	case "put":
		name := o.word(2)
		if name == "" {
			name = datasetName(dir)
		}
		if err := checkSettings(dir, name); err != nil {
			return err
		}
		return putFolder(ctx, e, b.datasets, dir, name)
	case "get":
		return getDataset(ctx, e, b.datasets, words[1])
	}
	return listDatasets(ctx, e, b)
}

func wellKnown() string {
	text := ""
	for _, s := range download.Sets() {
		text += fmt.Sprintf("  %-8s %s\n", s.Name, s.About)
	}
	return strings.TrimRight(text, "\n")
}

// checkSettings refuses a folder whose settings no run could have.
func checkSettings(dir, name string) error {
	file := filepath.Join(dir, drop.SettingsFile)
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		_, err = new(dropFlags).requests(name, "", text)
	}
	if err != nil {
		return usageError{fmt.Errorf("%s: %w", file, err)}
	}
	return nil
}

// putFolder uploads a folder of photos.
func putFolder(ctx context.Context, e *env, datasets bucket.Bucket, dir, name string) error {
	progress, n := throttled(e, "uploading photos"), 0
	err := filepath.WalkDir(dir, func(file string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		rel, err := filepath.Rel(dir, file)
		if err != nil {
			return err
		}
		data, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		n++
		progress(n)
		return datasets.Put(ctx, path.Join(name, filepath.ToSlash(rel)), data)
	})
	if err != nil {
		return fmt.Errorf("uploading %s as dataset %s: %w", dir, name, err)
	}
	fmt.Fprintf(e.stdout, "dataset %s: %d files\n", name, n)
	return nil
}

// getDataset downloads a well-known dataset, with a progress bar.
func getDataset(ctx context.Context, e *env, datasets bucket.Bucket, name string) error {
	set, err := download.Find(name)
	if err != nil {
		return usageError{err}
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return err
	}
	bar := newByteBar(e.stderr)
	defer bar.close()
	if err := set.Get(ctx, datasets, filepath.Join(cache, "selfstream"), bar.show); err != nil {
		return err
	}
	fmt.Fprintf(e.stdout, "dataset %s is in the bucket\n", name)
	return nil
}

// dataFlags say what to learn from.
type dataFlags struct{ data, dataset string }

func (o *options) dataFlags() *dataFlags {
	d := &dataFlags{}
	o.StringVar(&d.data, "data", "", "`folder` of photos to learn from")
	o.StringVar(&d.dataset, "dataset", "", "`name` of a dataset in the bucket, or for the photos in --data (default: as their folder)")
	return d
}

// resolve looks whether the folder is there, makes its path absolute and names
// the dataset.
func (d *dataFlags) resolve() error {
	if d.data == "" {
		d.dataset = cmp.Or(d.dataset, demoDataset)
		return nil
	}
	if err := absolute(&d.data); err != nil {
		return err
	}
	info, err := os.Stat(d.data)
	if err != nil {
		return fmt.Errorf("looking for photos: %w", err)
	}
	if !info.IsDir() {
		return fmt.Errorf("looking for photos: %s is not a folder", d.data)
	}
	if d.dataset == "" {
		d.dataset = datasetName(d.data)
	}
	return nil
}

// datasetName is the name of a folder as that of a dataset.
func datasetName(dir string) string {
	name := strings.Trim(notName.ReplaceAllString(strings.ToLower(filepath.Base(dir)), "-"), "-")
	return cmp.Or(name, "photos")
}

// fill puts the photos of --data, or the drawn ones, into the bucket.
func (d *dataFlags) fill(ctx context.Context, e *env, x *engine) error {
	switch {
	case d.data != "":
		return importFolder(ctx, e, x.servers.Import, d.data, d.dataset)
	case d.dataset == demoDataset:
		return drawDemo(ctx, x.datasets, throttled(e, "drawing pictures"))
	}
	return nil
}

// importFolder makes a folder the dataset of that name.
func importFolder(ctx context.Context, e *env, into func(context.Context, string, string, func(int)) (local.Imported, error), dir, name string) error {
	done, err := into(ctx, dir, name, throttled(e, "adding photos"))
	if err != nil {
		return err
	}
	fmt.Fprintf(e.stdout, "dataset %s: %d files of %s, %d of them new\n", name, done.Files, dir, done.Added)
	if n := done.Skipped.Count; n > 0 {
		fmt.Fprintf(e.stdout, "%d files could not be read, such as %s\n", n, strings.Join(done.Skipped.Names, ", "))
	}
	return nil
}

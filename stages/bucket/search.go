package bucket

import (
	"context"
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"selfstream/stages/decode"
)

// found is an image before it has its place in a dataset.
type found struct {
	File
	path  string // below the dataset, as if tars were folders' contents
	class string // that a .cls member gives it; empty without
	use   use
}

// peekers is how many files are looked into at once.
const peekers = 32

// search looks for the images below a prefix.
type search struct {
	from   Source
	kept   Bucket // indexes of tars; nil: none
	prefix string
	tell   func(found int)

	unsure []Info // to be looked into
	tars   []Info
	kinds  []bool // of unsure: whether they are images

	mu     sync.Mutex
	sure   int     // images so far
	told   int     // of them
	images []found // sorted by key, in the end
	others Others
	broken Others
}

func (s *search) run(ctx context.Context) error {
	if err := s.list(ctx); err != nil {
		return err
	}
	listed := len(s.images)
	group, peeking := errgroup.WithContext(ctx)
	group.SetLimit(peekers)
	s.peek(peeking, group)
	if err := group.Wait(); err != nil {
		return err
	}
	for i, info := range s.unsure {
		if s.kinds[i] {
			s.images = append(s.images, s.object(info))
		} else {
			s.others.Add(info.Key)
		}
	}
	indexes, err := s.open(ctx)
	if err != nil {
		return err
	}
	for i, x := range indexes {
		s.unpack(s.tars[i], x)
	}
	if len(s.images) > listed {
		slices.SortFunc(s.images, func(a, b found) int { return strings.Compare(a.Key, b.Key) })
	}
	if s.tell != nil {
		s.tell(s.sure)
	}
	return nil
}

// list lists everything, and takes in what is an image by its name.
func (s *search) list(ctx context.Context) error {
	for info, err := range s.from.List(ctx, s.prefix) {
		if err != nil {
			return err
		}
		switch {
		case unseen(info.Key[len(s.prefix):]):
		case hasImageExtension(info.Key):
			s.images = append(s.images, s.object(info))
			s.add(1)
		case isTar(info.Key):
			s.tars = append(s.tars, info)
		default:
			s.unsure = append(s.unsure, info)
		}
	}
	return nil
}

func (s *search) object(info Info) found {
	return found{File: File{Key: info.Key, Size: info.Size, ETag: info.ETag}, path: info.Key[len(s.prefix):]}
}

// add counts images, and tells of every thousand.
func (s *search) add(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sure += n; s.sure-s.told >= 1000 && s.tell != nil {
		s.told = s.sure
		s.tell(s.sure)
	}
}

// peek looks into the files whose names tell nothing.
func (s *search) peek(ctx context.Context, group *errgroup.Group) {
	s.kinds = make([]bool, len(s.unsure))
	for i, info := range s.unsure {
		group.Go(func() error {
			head, _, err := s.from.GetRange(ctx, info.Key, 0, decode.SniffBytes)
			if errors.Is(err, fs.ErrNotExist) {
				return nil // deleted since it was listed
			}
			if err == nil && decode.Sniff(head) != "" {
				s.kinds[i] = true
				s.add(1)
			}
			return err
		})
	}
}

// open returns the indexes of the tars.
func (s *search) open(ctx context.Context) ([]tarIndex, error) {
	indexes := make([]tarIndex, len(s.tars))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(tarsAtOnce)
	for i, info := range s.tars {
		group.Go(func() (err error) {
			indexes[i], err = readIndex(ctx, s.from, s.kept, info)
			s.add(len(indexes[i].Images))
			return err
		})
	}
	return indexes, group.Wait()
}

// unpack takes in the members of a tar.
func (s *search) unpack(info Info, x tarIndex) {
	below := path.Dir(info.Key)[len(s.prefix)-1:] // "" or "/train"
	for _, problem := range x.Broken {
		s.broken.Add(info.Key + ": " + problem)
	}
	for _, name := range x.Others.Names {
		s.others.Add(info.Key + "/" + name)
	}
	s.others.Count += x.Others.Count - len(x.Others.Names)
	for _, m := range x.Images {
		key := info.Key + "/" + m.Name
		if CheckKey(key) != nil {
			s.others.Add(key)
			continue
		}
		s.images = append(s.images, found{
			File:  File{Key: key, Size: m.Size, ETag: info.stamp(), Tar: len(info.Key), Offset: m.Offset},
			path:  strings.TrimPrefix(below+"/"+m.Name, "/"),
			class: m.Class,
		})
	}
}

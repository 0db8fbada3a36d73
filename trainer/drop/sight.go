package drop

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"selfstream/schemas"
	"selfstream/stages/bucket"
)

// sight is what this process knows of a dataset.
type sight struct {
	dataset  string
	version  string
	since    time.Time // when version was seen first
	next     time.Time // when to look again
	read     bool      // whether record has been read
	record   Record
	reminded time.Time // when the queue was last held against the record
}

// remindEvery is how often the queue is looked through for requests that it
// may have lost.
const remindEvery = time.Minute

// visit looks at a dataset, and asks for its runs if it is time to.
func (w *watcher) visit(s *sight) error {
	v, err := bucket.ReadVersion(w.ctx, w.Datasets, s.dataset)
	if err != nil || v.Files == 0 {
		return err
	}
	if !s.read {
		s.record, err = Read(w.ctx, w.Runs, s.dataset)
		if err != nil {
			return err
		}
		s.read = true
	}
	if v.SHA256 != s.version {
		s.version, s.since = v.SHA256, time.Now()
		if s.record.Version != v.SHA256 {
			w.Log.Info("waiting until a dataset is quiet", "dataset", s.dataset, "files", v.Files, "for", w.Quiet)
		}
	}
	switch {
	case s.record.Version == s.version:
		return w.remind(s)
	case time.Since(s.since) < w.Quiet:
		return nil
	}
	return w.offer(s)
}

// offer asks for the runs of a dataset that is quiet.
func (w *watcher) offer(s *sight) error {
	record := Record{Version: s.version}
	requests, problem, err := w.requests(s)
	if err != nil {
		return err
	}
	if problem != nil {
		record.Problem = problem.Error()
	}
	for _, r := range requests {
		record.Runs = append(record.Runs, r.Run)
	}
	record.Waiting = requests
	s.reminded = time.Time{}
	if err := w.keep(s, record); err != nil {
		return err
	}
	if problem != nil {
		w.Log.Warn("starting no run on a dataset", "dataset", s.dataset, "err", problem)
	}
	return nil
}

// maxSettings bounds a SettingsFile.
const maxSettings = 64 << 10

// requests are the runs that a dataset asks for, or what is wrong with it.
func (w *watcher) requests(s *sight) (requests []schemas.RunRequest, problem, err error) {
	settings, _, err := w.Datasets.Get(w.ctx, s.dataset+"/"+SettingsFile, maxSettings)
	switch {
	case errors.Is(err, bucket.ErrTooLarge):
		return nil, err, nil
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return nil, nil, err
	}
	if requests, err = w.Requests(s.dataset, s.version, settings); err != nil {
		return nil, fmt.Errorf("%s: %w", SettingsFile, err), nil
	}
	_, err = bucket.ReadDataset(w.ctx, w.Datasets, w.Runs, s.dataset, nil)
	if errors.Is(err, bucket.ErrNoImages) {
		return nil, err, nil
	}
	return requests, nil, err
}

// remind asks for the runs that no trainer has begun and that the queue does
// not have: because they are new, or because it has lost them.
func (w *watcher) remind(s *sight) error {
	if len(s.record.Waiting) == 0 || time.Since(s.reminded) < remindEvery {
		return nil
	}
	// In this order: a request leaves the queue when its run has been begun.
	queued, err := w.Queue.Asked(w.ctx)
	if err != nil {
		return err
	}
	record := s.record
	record.Waiting = nil
	for _, r := range s.record.Waiting {
		begun, err := w.ledger.Exists(w.ctx, r.Run)
		if err != nil {
			return err
		}
		if begun {
			continue
		}
		record.Waiting = append(record.Waiting, r)
		if slices.Contains(queued, r.Run) {
			continue
		}
		w.Log.Info("asking for a run on a dataset", "dataset", s.dataset, "run", r.Run)
		if err := w.Queue.Ask(w.ctx, r); err != nil {
			return err
		}
	}
	s.reminded = time.Now()
	if len(record.Waiting) == len(s.record.Waiting) {
		return nil
	}
	return w.keep(s, record)
}

// keep writes a record, and asks for the runs in it.
func (w *watcher) keep(s *sight, record Record) error {
	if err := write(w.ctx, w.kept, s.dataset, record); err != nil {
		return err
	}
	s.record = record
	return w.remind(s)
}

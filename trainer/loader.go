package trainer

import (
	"context"
	"fmt"

	"github.com/gomlx/compute"

	"selfstream/trainer/feed"
)

// loaded is a batch whose images are where passes compute on them.
type loaded struct {
	*feed.Batch
	parts []inputs // of one pass each, in order
}

// loader brings batches to where passes compute on them. It has room for two:
// while a step takes one, the next is brought.
type loader struct {
	backend compute.Backend
	all     [][]inputs
	free    chan []inputs
}

// newLoader makes room for batches of n images in that many parts.
func newLoader(b compute.Backend, what lesson) (*loader, error) {
	const room = 2
	parts := max(what.parts, 1)
	l := &loader{backend: b, free: make(chan []inputs, room)}
	for range room {
		batch := make([]inputs, parts)
		l.all = append(l.all, batch)
		for i := range batch {
			var err error
			if batch[i], err = newInputs(b, inputShapes(what.recipe, what.batch/parts)); err != nil {
				l.close()
				return nil, err
			}
		}
		l.free <- batch
	}
	return l, nil
}

// load brings a batch, as soon as there is room for it.
func (l *loader) load(ctx context.Context, b *feed.Batch) (loaded, error) {
	select {
	case <-ctx.Done():
		return loaded{}, ctx.Err()
	case parts := <-l.free:
		for i, in := range parts {
			if err := in.fill(b, i*b.Size()/len(parts)); err != nil {
				return loaded{}, err
			}
			if err := in.send(l.backend); err != nil {
				return loaded{}, err
			}
		}
		return loaded{b, parts}, nil
	}
}

// loadAll brings batches and passes them on until there are no more, and only
// then closes the channel.
func (l *loader) loadAll(ctx context.Context, batches <-chan *feed.Batch, ready chan<- loaded) error {
	for {
		var b *feed.Batch
		select {
		case <-ctx.Done():
			return nil
		case next, more := <-batches:
			if !more {
				close(ready)
				return nil
			}
			b = next
		}
		on, err := l.load(ctx, b)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return fmt.Errorf("bringing a batch to the device: %w", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case ready <- on:
		}
	}
}

// release makes room again. No pass may be at work on the batch.
func (l *loader) release(b loaded) { l.free <- b.parts }

func (l *loader) close() {
	for _, batch := range l.all {
		for _, in := range batch {
			free(in)
		}
	}
}

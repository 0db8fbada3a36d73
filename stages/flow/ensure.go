package flow

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"

	"selfstream/schemas"
)

// Ensure creates the streams of package schemas and the consumers that guests
// pull from, or brings them up to date. It may be called again at any time, by
// several processes at once. Publish, Work and Watch call it when a stream has
// gone. A guest gets ErrNoStream.
func (f *Flow) Ensure(ctx context.Context) error {
	if f.guest {
		return ErrNoStream
	}
	select {
	case f.ensuring <- struct{}{}:
		defer func() { <-f.ensuring }()
	case <-ctx.Done():
		return ctx.Err()
	}
	ctx, cancel := f.attempt(ctx)
	defer cancel()
	for _, cfg := range schemas.Streams(f.replicas) {
		if err := f.ensureStream(ctx, cfg); err != nil {
			return fmt.Errorf("creating stream %s: %w%s", cfg.Name, err, advice(err))
		}
	}
	for _, c := range schemas.SharedConsumers() {
		if _, err := f.js.CreateOrUpdateConsumer(ctx, c.Stream, c.Config); err != nil {
			return fmt.Errorf("creating consumer %s of stream %s: %w", c.Config.Durable, c.Stream, err)
		}
	}
	return nil
}

// ensureStream leaves the replicas of a stream as they are where none are asked
// for: another process may have been.
func (f *Flow) ensureStream(ctx context.Context, cfg jetstream.StreamConfig) error {
	there, err := f.js.Stream(ctx, cfg.Name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		_, err = f.js.CreateStream(ctx, cfg)
		if !errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) {
			return err
		}
		there, err = f.js.Stream(ctx, cfg.Name) // another process was faster
	}
	if err != nil {
		return err
	}
	if f.replicas == 0 {
		cfg.Replicas = there.CachedInfo().Config.Replicas
	}
	_, err = f.js.UpdateStream(ctx, cfg)
	return err
}

// advice is what to do about a server that refuses a stream.
func advice(err error) string {
	var api *jetstream.APIError
	if !errors.As(err, &api) {
		return ""
	}
	switch api.ErrorCode {
	case codeNoStorage:
		return "; make room on the disk of the NATS server, or raise its max_file_store"
	case codeNoMemory:
		return "; raise max_memory_store of the NATS server"
	case codeNoPeers, codeNotClustered:
		return "; ask for fewer --nats-replicas, or start more NATS servers"
	}
	return ""
}

// consumer creates a consumer or brings it up to date, and its stream as well
// if that has gone. A guest takes what is there.
func (f *Flow) consumer(ctx context.Context, stream string, cfg jetstream.ConsumerConfig) (jetstream.Consumer, error) {
	ctx, cancel := f.attempt(ctx)
	defer cancel()
	if f.guest {
		c, err := f.js.Consumer(ctx, stream, cfg.Durable)
		if missing(err) {
			err = ErrNoStream
		}
		return c, err
	}
	c, err := f.js.CreateOrUpdateConsumer(ctx, stream, cfg)
	if missing(err) {
		if err = f.Ensure(ctx); err == nil {
			c, err = f.js.CreateOrUpdateConsumer(ctx, stream, cfg)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("opening a consumer: %w", err)
	}
	return c, nil
}

// Purge removes what a run leaves behind when it ends: its queued splits and
// samples, and the consumer of its samples. It is no error if nothing is left.
// While the server is away, it is tried again until ctx ends.
func (f *Flow) Purge(ctx context.Context, run string) error {
	var pause backoff
	for {
		err := f.purge(ctx, run)
		if err != nil && temporary(err) && pause.sleep(ctx) == nil {
			continue
		}
		if err != nil {
			return fmt.Errorf("purging run %s: %w", run, err)
		}
		return nil
	}
}

func (f *Flow) purge(ctx context.Context, run string) error {
	ctx, cancel := f.attempt(ctx)
	defer cancel()
	err := f.js.DeleteConsumer(ctx, schemas.SamplesStream, schemas.SamplesConsumer(run).Durable)
	if err != nil && !notFound(err) {
		return err
	}
	if err := f.purgeSubject(ctx, schemas.SplitsStream, schemas.Split{Run: run}.Subject()); err != nil {
		return err
	}
	return f.purgeSubject(ctx, schemas.SamplesStream, schemas.Samples{Run: run}.Subject())
}

func (f *Flow) purgeSubject(ctx context.Context, stream, subject string) error {
	s, err := f.js.Stream(ctx, stream)
	if err == nil {
		err = s.Purge(ctx, jetstream.WithPurgeSubject(subject))
	}
	if notFound(err) {
		return nil
	}
	return err
}

// Retract removes the splits of a run that are queued. Those at work go on, and
// do not come again.
func (f *Flow) Retract(ctx context.Context, run string) error {
	if err := f.purgeSubject(ctx, schemas.SplitsStream, schemas.Split{Run: run}.Subject()); err != nil {
		return fmt.Errorf("retracting the splits of run %s: %w", run, err)
	}
	return nil
}

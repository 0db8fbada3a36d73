package schemas_test

import (
	"errors"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"selfstream/schemas"
)

// TestServerTakesTopology as it is, also a second time, and changes nothing.
func TestServerTakesTopology(t *testing.T) {
	js := startJetStream(t)
	for range 2 {
		createTopology(t, js, "a", "b")
	}
	var disk int64
	for _, want := range schemas.Streams(0) {
		s, err := js.Stream(t.Context(), want.Name)
		if err != nil {
			t.Fatal(err)
		}
		have := s.CachedInfo().Config
		if have.Retention != want.Retention || have.Discard != want.Discard || have.Storage != want.Storage ||
			have.MaxBytes != want.MaxBytes || have.MaxAge != want.MaxAge || have.MaxMsgSize != want.MaxMsgSize ||
			max(have.MaxMsgsPerSubject, 0) != want.MaxMsgsPerSubject || have.Duplicates != want.Duplicates {
			t.Errorf("stream %s: have %+v, want %+v", want.Name, have, want)
		}
		if want.MaxBytes <= 0 || want.MaxMsgSize <= 0 {
			t.Errorf("stream %s has no bound", want.Name)
		}
		if (want.Retention == jetstream.WorkQueuePolicy) != (want.Discard == jetstream.DiscardNew) {
			t.Errorf("stream %s: a work queue must refuse what does not fit, and nothing else may", want.Name)
		}
		if want.Storage == jetstream.FileStorage {
			disk += want.MaxBytes
		}
	}
	if disk != 384<<20 {
		t.Errorf("have %d MiB on disk, want the 384 MiB of the comment", disk>>20)
	}
}

// TestEveryMessageHasOneStream publishes each message and finds it where the
// table of the package says, which may be nowhere.
func TestEveryMessageHasOneStream(t *testing.T) {
	js := startJetStream(t)
	createTopology(t, js)
	seen := map[string]bool{}
	for _, k := range kinds {
		stream := publish(t, js, k.message)
		if stream != k.stream {
			t.Errorf("%s: have stream %s, want %s", k.message.Subject(), stream, k.stream)
		}
		seen[stream] = true
	}
	for _, s := range schemas.Streams(0) {
		if !seen[s.Name] {
			t.Errorf("stream %s carries no message", s.Name)
		}
	}
}

// TestConsumers checks who gets what: each run its samples, all augmenters
// together each split once.
func TestConsumers(t *testing.T) {
	js := startJetStream(t)
	createTopology(t, js, "a", "b")
	send := func(subject, body string) {
		t.Helper()
		if _, err := js.Publish(t.Context(), subject, []byte(body)); err != nil {
			t.Fatal(err)
		}
	}
	send("samples.a", "1")
	send("samples.b", "2")
	send("samples.a", "3")
	send("splits.a", "4")
	send("splits.b", "5")
	send("runs.request", "6")
	send("snapshots.b", "7")

	for _, tc := range []struct {
		stream   string
		consumer jetstream.ConsumerConfig
		want     string
	}{
		{schemas.SamplesStream, schemas.SamplesConsumer("a"), "13"},
		{schemas.SamplesStream, schemas.SamplesConsumer("b"), "2"},
		{schemas.SplitsStream, schemas.SplitsConsumer(), "45"},
		{schemas.RunsStream, schemas.RunsConsumer(), "6"},
		{schemas.SnapshotsStream, schemas.SnapshotsConsumer(), "7"},
	} {
		c, err := js.Consumer(t.Context(), tc.stream, tc.consumer.Durable)
		if err != nil {
			t.Fatal(err)
		}
		batch, err := c.Fetch(len(tc.want), jetstream.FetchMaxWait(10*time.Second))
		if err != nil {
			t.Fatal(err)
		}
		have := ""
		for msg := range batch.Messages() {
			have += string(msg.Data())
			if err := msg.DoubleAck(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		info, err := c.Info(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if have != tc.want || info.NumPending != 0 {
			t.Errorf("consumer %s: have %q and %d more, want %q", tc.consumer.Durable, have, info.NumPending, tc.want)
		}
	}
	for stream, want := range map[string]uint64{schemas.SamplesStream: 0, schemas.SplitsStream: 0, schemas.RunsStream: 0, schemas.SnapshotsStream: 1} {
		s, err := js.Stream(t.Context(), stream)
		if err != nil {
			t.Fatal(err)
		}
		if have := s.CachedInfo().State.Msgs; have != want {
			t.Errorf("stream %s after all is acknowledged: have %d messages, want %d", stream, have, want)
		}
	}
}

// TestFullQueueRefuses with an error for the publisher, and loses nothing.
func TestFullQueueRefuses(t *testing.T) {
	js := startJetStream(t)
	createTopology(t, js)
	body := make([]byte, schemas.MaxPayload-1024) // the subject counts too
	stored := 0
	var err error
	for err == nil && stored < 64 {
		if _, err = js.Publish(t.Context(), "samples.a", body); err == nil {
			stored++
		}
	}
	var refused *jetstream.APIError
	if !errors.As(err, &refused) || refused.ErrorCode != 10077 {
		t.Errorf("have error %v, want \"maximum bytes exceeded\"", err)
	}
	s, err := js.Stream(t.Context(), schemas.SamplesStream)
	if err != nil {
		t.Fatal(err)
	}
	if want := schemas.SamplesBytes / schemas.MaxPayload; stored != want || s.CachedInfo().State.Msgs != uint64(want) {
		t.Errorf("have %d messages of 8 MiB stored and %d kept, want %d", stored, s.CachedInfo().State.Msgs, want)
	}
}

// publish returns the stream that took m.
func publish(t *testing.T, js jetstream.JetStream, m schemas.Message) string {
	t.Helper()
	msg, err := schemas.Encode(m)
	if err != nil {
		t.Fatal(err)
	}
	ack, err := js.PublishMsg(t.Context(), msg, jetstream.WithRetryAttempts(0))
	if errors.Is(err, jetstream.ErrNoStreamResponse) {
		return ""
	}
	if err != nil {
		t.Fatalf("publishing to %s: %v", msg.Subject, err)
	}
	return ack.Stream
}

func createTopology(t *testing.T, js jetstream.JetStream, runs ...string) {
	t.Helper()
	for _, cfg := range schemas.Streams(0) {
		if _, err := js.CreateOrUpdateStream(t.Context(), cfg); err != nil {
			t.Fatalf("creating stream %s: %v", cfg.Name, err)
		}
	}
	create := func(stream string, cfg jetstream.ConsumerConfig) {
		t.Helper()
		if _, err := js.CreateOrUpdateConsumer(t.Context(), stream, cfg); err != nil {
			t.Fatalf("creating consumer %s: %v", cfg.Durable, err)
		}
	}
	create(schemas.RunsStream, schemas.RunsConsumer())
	create(schemas.SplitsStream, schemas.SplitsConsumer())
	create(schemas.SnapshotsStream, schemas.SnapshotsConsumer())
	for _, run := range runs {
		create(schemas.SamplesStream, schemas.SamplesConsumer(run))
	}
}

// startJetStream starts a server for t, with a port on this machine only.
func startJetStream(t *testing.T) jetstream.JetStream {
	t.Helper()
	srv, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT,
		JetStream: true, StoreDir: t.TempDir(),
		MaxPayload: schemas.MaxPayload,
		NoLog:      true, NoSigs: true,
	})
	if err != nil {
		t.Fatalf("starting nats-server: %v", err)
	}
	srv.Start()
	t.Cleanup(func() { srv.Shutdown(); srv.WaitForShutdown() })
	if !srv.ReadyForConnections(10 * time.Second) {
		t.Fatal("starting nats-server: not ready after 10s")
	}
	nc, err := nats.Connect(srv.ClientURL())
	if err != nil {
		t.Fatalf("connecting: %v", err)
	}
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatalf("opening JetStream: %v", err)
	}
	return js
}

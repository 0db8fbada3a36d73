package schemas

import (
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// Names of the streams.
const (
	RunsStream      = "RUNS"
	SplitsStream    = "SPLITS"
	SamplesStream   = "SAMPLES"
	RejectsStream   = "REJECTS"
	MetricsStream   = "METRICS"
	SnapshotsStream = "SNAPSHOTS"
	ReportsStream   = "REPORTS"
)

const (
	mib = 1 << 20
	day = 24 * time.Hour

	// MaxPayload bounds a message; the server must allow as much. Above it
	// nats-server warns and its throughput falls.
	MaxPayload = 8 * mib

	// SamplesBytes bounds the samples that wait in SAMPLES, of all runs
	// together. It has to hold a run's byte credit twice, as splits may be
	// issued again. The server sets as much memory aside.
	SamplesBytes = 256 * mib

	// abandoned is when samples that nobody fetches are taken for those of a
	// run that is gone. Without it, dead runs would fill SAMPLES for good. A
	// trainer that only slept for so long issues its splits again.
	abandoned = 30 * time.Minute

	// ackWait is how soon the work of a process that died goes to another
	// one. Handlers that take longer say InProgress within it, be it for hours.
	ackWait = 30 * time.Second

	// maxAckPending is far above what byte credits let out. It is shared by
	// all that pull from a consumer, and a smaller one would idle some of them.
	maxAckPending = 1024
)

// Streams are the streams of the flow, in the order in which messages meet
// them. All subjects but runs.request end in the name of a run, one token.
//
// Work queues refuse what does not fit, so that the publisher knows and waits;
// the others drop their oldest messages. What the server must be able to set
// aside is 384 MiB on disk and SamplesBytes in memory.
//
// On a cluster, replicas is how many of its servers keep each stream; 0 is 1.
// Samples are no exception, though they can be made again: a stream of one server
// is away with it, and the others take minutes to see that it has died.
func Streams(replicas int) []jetstream.StreamConfig {
	streams := []jetstream.StreamConfig{
		{
			Name: RunsStream, Subjects: []string{"runs.request"},
			Description: "runs that a trainer should do",
			Retention:   jetstream.WorkQueuePolicy,
			MaxBytes:    16 * mib, MaxMsgSize: mib,
		},
		{
			Name: SplitsStream, Subjects: []string{"splits.*"},
			Description: "slices of an epoch that an augmenter should make samples of",
			Retention:   jetstream.WorkQueuePolicy,
			MaxBytes:    128 * mib, MaxMsgSize: MaxPayload,
			MaxAge: day, // of an abandoned run; augmenters may join hours after the trainer
		},
		{
			Name: SamplesStream, Subjects: []string{"samples.*"},
			Description: "samples on their way to the trainer, which can be made again",
			Retention:   jetstream.WorkQueuePolicy,
			Storage:     jetstream.MemoryStorage,
			MaxBytes:    SamplesBytes, MaxMsgSize: MaxPayload,
			MaxAge: abandoned,
		},
		{
			Name: RejectsStream, Subjects: []string{"rejects.*"},
			Description: "images that could not be used",
			MaxBytes:    32 * mib, MaxMsgSize: mib,
			MaxMsgsPerSubject: 10_000, // a broken image is met again in every epoch
			MaxAge:            30 * day,
		},
		{
			Name: MetricsStream, Subjects: []string{"metrics.*"},
			Description: "how runs do, step by step",
			MaxBytes:    128 * mib, MaxMsgSize: mib,
			MaxMsgsPerSubject: 50_000,
			MaxAge:            30 * day,
		},
		{
			Name: SnapshotsStream, Subjects: []string{"snapshots.*"},
			Description: "snapshots that lie in the bucket",
			MaxBytes:    16 * mib, MaxMsgSize: mib,
			MaxMsgsPerSubject: 10_000,
		},
		{
			Name: ReportsStream, Subjects: []string{"reports.*"},
			Description: "what probes say of snapshots",
			MaxBytes:    64 * mib, MaxMsgSize: 4 * mib, // one value for each of 21,841 classes is 1 MiB
			MaxMsgsPerSubject: 10_000,
		},
	}
	for i := range streams {
		s := &streams[i]
		s.Replicas = max(1, replicas)
		s.Duplicates = time.Second // nothing relies on it, and the server holds ids in memory for as long
		if s.Retention == jetstream.WorkQueuePolicy {
			s.Discard = jetstream.DiscardNew
		}
	}
	return streams
}

// SharedConsumer is a consumer that a service pulls from in all its processes.
type SharedConsumer struct {
	Stream string
	Config jetstream.ConsumerConfig
}

// SharedConsumers are those that exist all the time.
func SharedConsumers() []SharedConsumer {
	return []SharedConsumer{
		{RunsStream, RunsConsumer()},
		{SplitsStream, SplitsConsumer()},
		{SnapshotsStream, SnapshotsConsumer()},
	}
}

// RunsConsumer is what all trainers pull RUNS from.
func RunsConsumer() jetstream.ConsumerConfig { return consumer("trainer", "runs.request") }

// SplitsConsumer is what all augmenters pull SPLITS from, of all runs.
func SplitsConsumer() jetstream.ConsumerConfig { return consumer("augmenter", "splits.*") }

// SamplesConsumer is what the trainer of a run pulls SAMPLES from. It goes
// away when the run has been gone for half an hour.
func SamplesConsumer(run string) jetstream.ConsumerConfig {
	c := consumer("trainer-"+run, Samples{Run: run}.Subject())
	c.InactiveThreshold = abandoned
	return c
}

// SnapshotsConsumer is what all evaluators pull SNAPSHOTS from.
func SnapshotsConsumer() jetstream.ConsumerConfig { return consumer("evaluator", "snapshots.*") }

// consumer is durable and shared by all who pull from it. A message comes
// again until it is settled: who cannot handle it has to terminate it.
func consumer(name, subject string) jetstream.ConsumerConfig {
	return jetstream.ConsumerConfig{
		Durable:       name,
		FilterSubject: subject,
		DeliverPolicy: jetstream.DeliverAllPolicy, // the only one that a work queue takes, as is AckExplicit
		AckPolicy:     jetstream.AckExplicitPolicy,
		AckWait:       ackWait,
		MaxDeliver:    -1,
		MaxAckPending: maxAckPending,
	}
}

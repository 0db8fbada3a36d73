package schemas

import (
	"slices"
	"strings"

	"github.com/nats-io/nats.go/jetstream"
)

// Rights are the subjects that a service publishes and subscribes to, sorted.
// They may have wildcards. Nothing else is its business; deploy/nats/nats.conf
// has a user for each service who may do this and no more.
type Rights struct{ Publish, Subscribe []string }

// Names of those who connect to NATS.
const (
	TrainerService   = "trainer"
	AugmenterService = "augmenter"
	EvaluatorService = "evaluator"
	PersonService    = "person" // who asks for runs, and watches them
)

// Inbox is the prefix of the subjects to which a service has its answers sent. A
// service that could subscribe to those of another would read what that pulls.
func Inbox(service string) string { return "_INBOX." + service }

// role is what a service has to do with the streams.
type role struct {
	name    string
	sends   []Message
	pulls   []SharedConsumer
	watches []string // streams that it reads without taking anything away
	owner   bool     // creates the streams and consumers
	listens []Message
}

func roles() []role {
	return []role{
		{
			name:  TrainerService,
			sends: []Message{RunRequest{}, Split{Run: "*"}, Metric{Run: "*"}, Snapshot{Run: "*"}},
			pulls: []SharedConsumer{{RunsStream, RunsConsumer()}, {SamplesStream, SamplesConsumer("*")}},
			owner: true,
		},
		{
			name:  AugmenterService,
			sends: []Message{Samples{Run: "*"}, Reject{Run: "*"}, Pulse{}},
			pulls: []SharedConsumer{{SplitsStream, SplitsConsumer()}},
		},
		{
			name:    EvaluatorService,
			sends:   []Message{Report{Run: "*"}},
			pulls:   []SharedConsumer{{SnapshotsStream, SnapshotsConsumer()}},
			watches: []string{RejectsStream, MetricsStream, SnapshotsStream, ReportsStream}, // for its page
			listens: []Message{Samples{Run: "*"}, Pulse{}},                                  // alike
		},
		{
			name:    PersonService,
			sends:   []Message{RunRequest{}},
			listens: []Message{Reject{Run: "*"}, Metric{Run: "*"}, Snapshot{Run: "*"}, Report{Run: "*"}},
		},
	}
}

// AllRights are the rights of all services, by their names.
func AllRights() map[string]Rights {
	all := map[string]Rights{}
	for _, r := range roles() {
		all[r.name] = r.rights()
	}
	return all
}

func (r role) rights() Rights {
	publish, subscribe := []string{"$JS.API.INFO"}, []string{Inbox(r.name) + ".>"}
	for _, m := range r.sends {
		publish = append(publish, m.Subject())
	}
	for _, m := range r.listens {
		subscribe = append(subscribe, m.Subject())
	}
	for _, c := range r.pulls {
		name := c.Config.Durable
		if strings.Contains(name, "*") { // a consumer of each run
			name = "*"
		}
		at := c.Stream + "." + name
		publish = append(publish, "$JS.API.CONSUMER.INFO."+at, "$JS.API.CONSUMER.MSG.NEXT."+at, "$JS.ACK."+at+".>")
		if r.owner {
			publish = append(publish, "$JS.API.CONSUMER.CREATE."+at+"."+c.Config.FilterSubject)
		}
	}
	for _, stream := range r.watches {
		i := slices.IndexFunc(Streams(0), func(s jetstream.StreamConfig) bool { return s.Name == stream })
		publish = append(publish, "$JS.API.STREAM.INFO."+stream, "$JS.API.CONSUMER.MSG.NEXT."+stream+".*",
			"$JS.API.CONSUMER.CREATE."+stream+".*."+Streams(0)[i].Subjects[0])
	}
	if r.owner {
		publish = append(publish, ownerRights()...)
	}
	slices.Sort(publish)
	slices.Sort(subscribe)
	return Rights{slices.Compact(publish), subscribe}
}

// ownerRights are those of who makes the streams and the consumers, and removes
// what a run leaves in them.
func ownerRights() (subjects []string) {
	for _, s := range Streams(0) {
		for _, op := range []string{"CREATE", "INFO", "UPDATE"} {
			subjects = append(subjects, "$JS.API.STREAM."+op+"."+s.Name)
		}
	}
	for _, c := range SharedConsumers() {
		subjects = append(subjects, "$JS.API.CONSUMER.CREATE."+c.Stream+"."+c.Config.Durable+"."+c.Config.FilterSubject)
	}
	return append(subjects,
		"$JS.API.STREAM.PURGE."+SplitsStream, "$JS.API.STREAM.PURGE."+SamplesStream,
		"$JS.API.STREAM.MSG.GET."+RunsStream,          // which runs wait
		"$JS.API.CONSUMER.DELETE."+SamplesStream+".*", // of a run that is over
	)
}

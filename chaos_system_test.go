package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"selfstream/evaluator/history"
	"selfstream/schemas"
	"selfstream/stages/bucket"
	"selfstream/stages/ledger"
	"selfstream/stages/scenes"
)

const (
	chaosKey, chaosSecret = "chaos", "chaos-secret"
	chaosRun              = "chaos"
	chaosSteps            = 160             // of chaosConfig
	snapshotEvery         = 20              // alike
	patience              = 5 * time.Minute // with anything that a test waits for, on a machine that is busy, too
)

// chaosConfig is the run of most chaos tests: 40 epochs of the 80 images that
// they draw. A mebibyte of credit is a fifth of its samples, so the trainer and
// its augmenters need each other until near the end.
var chaosConfig = []string{
	"--encoder", "tiny", "--set", "dim=16", "--image-size", "16", "--batch", "20",
	"--steps", "160", "--snapshot-every", "20",
}

// system is NATS, S3, and the services, each a process of its own.
type system struct {
	t        testing.TB
	dir      string
	natsPort string // several of a cluster, with commas between them
	s3Port   string
	faulty   *faultyS3 // between the services and the S3
	nats, s3 *process
	ledger   *ledger.Ledger // past the faulty S3
}

// newSystem starts the servers over a fresh folder with photos.
func newSystem(t testing.TB) *system {
	t.Helper()
	return newSystemIn(t, t.TempDir())
}

func newSystemIn(t testing.TB, dir string) *system {
	t.Helper()
	s := newSystemWithoutNATS(t, dir)
	s.natsPort = freePort(t)
	s.nats = startProcess(s.t, "nats", "nats", s.dir, s.natsPort)
	s.await("NATS", s.natsReady)
	return s
}

// newSystemWithoutNATS starts the S3 over a folder, in which it puts photos.
func newSystemWithoutNATS(t testing.TB, dir string) *system {
	t.Helper()
	s := &system{t: t, dir: dir, s3Port: freePort(t)}
	s.putPhotos(filepath.Join(dir, "s3", datasetsBucket, "photos"))
	s.faulty = newFaultyS3(t, "127.0.0.1:"+s.s3Port)
	s.s3 = startProcess(s.t, "s3", "s3", s.dir, s.s3Port)
	s.await("the S3", s.s3Ready)
	t.Cleanup(func() {
		if t.Failed() {
			s.tellQueues()
		}
	})
	return s
}

// tellQueues shows what is in the streams, and how far their consumers are.
func (s *system) tellQueues() {
	nc, err := s.connect()
	if err != nil {
		s.t.Log("asking for the queues: ", err)
		return
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		s.t.Error(err)
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second) // the test's is over
	defer cancel()
	for _, stream := range []string{schemas.RunsStream, schemas.SplitsStream, schemas.SamplesStream} {
		st, err := js.Stream(ctx, stream)
		if err != nil {
			s.t.Logf("%s: %v", stream, err)
			continue
		}
		s.t.Logf("%s: %+v", stream, st.CachedInfo().State)
		for c := range st.ListConsumers(ctx).Info() {
			s.t.Logf("%s: consumer %s: delivered %+v, acknowledged %+v, %d to be, %d redelivered, %d requests, %d to come",
				stream, c.Name, c.Delivered, c.AckFloor, c.NumAckPending, c.NumRedelivered, c.NumWaiting, c.NumPending)
		}
	}
}

func (s *system) s3Ready() bool { return listens(s.s3Port) }

func (s *system) natsReady() bool {
	nc, err := s.connect()
	if err != nil {
		return false
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		return false
	}
	_, err = js.AccountInfo(s.t.Context())
	return err == nil
}

// putPhotos fills the dataset with the images in the folder
// SELFSTREAM_CHAOS_DATA, or with drawn ones and a broken one.
func (s *system) putPhotos(dir string) {
	s.t.Helper()
	if from := os.Getenv("SELFSTREAM_CHAOS_DATA"); from != "" {
		if err := os.CopyFS(dir, os.DirFS(from)); err != nil {
			s.t.Fatal(err)
		}
		return
	}
	for key, png := range scenes.All(1, 8, 1) { // methods that learn from labels want some held out
		putFile(s.t, dir, key, png)
	}
	putFile(s.t, dir, "train/rings/broken.png", []byte("this is not a picture"))
}

// The ports that freePort gives are below those that the kernel gives to whoever
// wants any, from 32768 on: somebody else would have one of these before the
// process that it is for.
const firstPort, lastPort = 10000, 32767

// portsGiven is how many ports have been looked at.
var portsGiven atomic.Int64

// freePort is a port that nobody has, and that is given to nobody else.
func freePort(t testing.TB) string {
	t.Helper()
	for range lastPort - firstPort {
		// Two processes of tests begin at places of their own.
		at := int64(os.Getpid())*101 + portsGiven.Add(1)
		port := strconv.FormatInt(firstPort+at%(lastPort-firstPort+1), 10)
		if ln, err := net.Listen("tcp", "127.0.0.1:"+port); err == nil {
			ln.Close()
			return port
		}
	}
	t.Fatalf("no port is free from %d to %d", firstPort, lastPort)
	return ""
}

func listens(port string) bool {
	c, err := net.Dial("tcp", "127.0.0.1:"+port)
	if err == nil {
		c.Close()
	}
	return err == nil
}

// addresses are the flags by which a service finds the servers, and is let in by
// those that ask.
func (s *system) addresses(service, s3 string) []string {
	return append(s3Flags(s3), "--nats", s.natsURL(), "--nats-user", service, "--nats-password", chaosSecret)
}

func s3Flags(addr string) []string {
	return []string{"--s3", "http://" + addr, "--s3-access-key", chaosKey, "--s3-secret-key", chaosSecret}
}

// natsURL is where NATS is: several URLs with commas between them for a cluster.
func (s *system) natsURL() string {
	return "nats://127.0.0.1:" + strings.ReplaceAll(s.natsPort, ",", ",nats://127.0.0.1:")
}

func (s *system) trainer(flags ...string) *process {
	args := append([]string{"trainer", "--name", "trainer", "--backend", "go", "--credit", "1"}, s.addresses(schemas.TrainerService, s.faulty.addr)...)
	return s.service("trainer", append(args, flags...)...)
}

func (s *system) augmenter(name string, workers int) *process {
	return s.augmenterOver(s.faulty, name, workers)
}

// augmenterOver is an augmenter that has its images by way of f.
func (s *system) augmenterOver(f *faultyS3, name string, workers int) *process {
	args := append([]string{"augmenter", "--name", name, "--workers", fmt.Sprint(workers)}, s.addresses(schemas.AugmenterService, f.addr)...)
	return s.service(name, args...)
}

func (s *system) service(name string, args ...string) *process {
	return startProcess(s.t, name, "selfstream", args...)
}

// ask publishes the request for the run. Asking again spares a restarted
// trainer the wait for the first request to be delivered again.
func (s *system) ask() {
	s.t.Helper()
	s.askFor(chaosRun, chaosConfig...)
}

// askFor does so for a run of that name.
func (s *system) askFor(name string, config ...string) {
	s.t.Helper()
	s.await("the request to be taken", func() bool {
		args := slices.Concat([]string{"run"}, s.addresses(schemas.PersonService, "127.0.0.1:"+s.s3Port), []string{"--dataset", "photos", "--name", name}, config)
		var out bytes.Buffer
		return run(s.t.Context(), args, &out, &out) == 0
	})
}

// begin starts a whole system at work on the run.
func begin(t *testing.T, augmenters ...string) (*system, *process) {
	t.Helper()
	s := newSystem(t)
	s.ask()
	trainer := s.trainer()
	for _, name := range augmenters {
		s.augmenter(name, 1)
	}
	return s, trainer
}

// status is the run's last word on itself.
func (s *system) status() ledger.Status { return s.statusOf(chaosRun) }

func (s *system) statusOf(run string) (status ledger.Status) {
	if s.ledger == nil {
		cfg := bucket.Config{Endpoint: "127.0.0.1:" + s.s3Port, AccessKey: chaosKey, SecretKey: chaosSecret, Region: "us-east-1"}
		b, err := bucket.Open(s.t.Context(), cfg, runsBucket)
		if err != nil {
			return status // the S3 is away
		}
		s.t.Cleanup(b.Close)
		s.ledger = ledger.New(b)
	}
	ctx, cancel := context.WithTimeout(s.t.Context(), time.Second)
	defer cancel()
	_ = s.ledger.Read(ctx, run, ledger.State, &status) // there is none yet, or the S3 is away
	return status
}

// reach waits until the run has got to a step that it wrote down.
func (s *system) reach(step int) {
	s.t.Helper()
	s.await(fmt.Sprintf("step %d", step), func() bool {
		status := s.status()
		if status.State == ledger.Failed {
			s.t.Fatalf("the run failed: %s", status.Error)
		}
		return status.Step >= step
	})
}

// finish waits for the end of the run and holds its digests against those of
// the undisturbed run.
func (s *system) finish() {
	s.t.Helper()
	want := undisturbed(s.t.(*testing.T))
	s.compare(s.end(ledger.Finished), want)
}

// compare holds a run against the same run without disturbance.
func (s *system) compare(have, want history.Summary) {
	s.t.Helper()
	if have.BatchesSHA256 != want.BatchesSHA256 || have.WeightsSHA256 != want.WeightsSHA256 {
		s.t.Errorf("run %s: have digests %s and %s, want those of the undisturbed run, %s and %s",
			have.Run, have.BatchesSHA256, have.WeightsSHA256, want.BatchesSHA256, want.WeightsSHA256)
	}
	if have.SamplesTrained != want.SamplesTrained || have.Rejected != want.Rejected {
		s.t.Errorf("run %s: have %d samples and %d holes, want %d and %d", have.Run, have.SamplesTrained, have.Rejected, want.SamplesTrained, want.Rejected)
	}
}

// end waits for the run to end in a state.
func (s *system) end(state string) history.Summary {
	s.t.Helper()
	return s.endOf(chaosRun, state)
}

func (s *system) endOf(run, state string) history.Summary {
	s.t.Helper()
	s.await("the end of run "+run, func() bool {
		have := s.statusOf(run).State
		return have == ledger.Finished || have == ledger.Failed
	})
	sum := s.summary(run)
	if sum.State != state {
		s.t.Fatalf("run %s: have %s (%s), want %s", run, sum.State, sum.Error, state)
	}
	return sum
}

// summary is what selfstream runs --json says of a run, past the faults.
func (s *system) summary(run string) (sum history.Summary) {
	s.t.Helper()
	args := append([]string{"runs", run, "--json"}, s3Flags("127.0.0.1:"+s.s3Port)...)
	code, stdout, stderr := selfstream(s.t, args...)
	if code != 0 {
		s.t.Fatal(stderr)
	}
	if err := json.Unmarshal([]byte(stdout), &sum); err != nil {
		s.t.Fatal(err)
	}
	return sum
}

// await fails the test unless ok becomes true.
func (s *system) await(what string, ok func() bool) {
	s.t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if ok() {
			return
		}
	}
	s.t.Fatalf("waiting for %s: not so after %s", what, patience)
}

// met waits for a fault to have struck.
func (s *system) met(struck <-chan struct{}) {
	s.t.Helper()
	select {
	case <-struck:
	case <-time.After(patience):
		s.t.Fatal("the fault struck nobody")
	}
}

// connect makes a connection of the test's own.
func (s *system) connect() (*nats.Conn, error) {
	return nats.Connect(s.natsURL(), nats.UserInfo(chaosKey, chaosSecret), nats.MaxReconnects(-1), nats.ReconnectWait(50*time.Millisecond))
}

// jetStream is a connection of the test's own.
func (s *system) jetStream() jetstream.JetStream {
	s.t.Helper()
	nc, err := s.connect()
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	if err != nil {
		s.t.Fatal(err)
	}
	return js
}

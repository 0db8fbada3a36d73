// Package nats_test holds the configuration of NATS against the topology, and
// tries what it forbids.
package nats_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"selfstream/schemas"
)

var update = flag.Bool("update", false, "write users.conf as the topology wants it")

// services are in the order in which users.conf has them.
var services = []string{schemas.TrainerService, schemas.AugmenterService, schemas.EvaluatorService, schemas.PersonService}

func password(service string) string { return "password-of-" + service }

func variable(service string) string { return "NATS_" + strings.ToUpper(service) + "_PASSWORD" }

// options reads the configuration as nats-server does.
func options(t *testing.T, file string) *server.Options {
	t.Helper()
	for _, service := range services {
		t.Setenv(variable(service), password(service))
	}
	o, err := server.ProcessConfigFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// usersConf is users.conf as the topology wants it.
func usersConf() string {
	var b strings.Builder
	b.WriteString(`# What each service may publish and subscribe to. Made of schemas/rights.go by
# go test ./deploy/nats -update; the passwords are variables of the environment,
# and begin with a letter.
authorization {
  users: [
`)
	rights := schemas.AllRights()
	for _, service := range services {
		fmt.Fprintf(&b, "    {\n      user: %s, password: $%s\n      permissions: {\n", service, variable(service))
		for _, part := range []struct {
			name     string
			subjects []string
		}{{"publish", rights[service].Publish}, {"subscribe", rights[service].Subscribe}} {
			fmt.Fprintf(&b, "        %s: [\n", part.name)
			for _, subject := range part.subjects {
				fmt.Fprintf(&b, "          %q\n", subject)
			}
			b.WriteString("        ]\n")
		}
		b.WriteString("      }\n    }\n")
	}
	b.WriteString("  ]\n}\n")
	return b.String()
}

func TestUsers(t *testing.T) {
	if *update {
		if err := os.WriteFile("users.conf", []byte(usersConf()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile("users.conf")
	if err != nil {
		t.Fatal(err)
	}
	if string(have) != usersConf() {
		t.Errorf("users.conf is not what schemas/rights.go says; see: go test ./deploy/nats -update")
	}
	if have, want := len(services), len(schemas.AllRights()); have != want {
		t.Errorf("have %d users, want %d", have, want)
	}
}

// TestPasswordsAreSet: without them the server does not start.
func TestPasswordsAreSet(t *testing.T) {
	for _, service := range services {
		if _, set := os.LookupEnv(variable(service)); set {
			t.Skip("somebody has set the passwords")
		}
	}
	for _, file := range []string{"nats.conf", "cluster.conf"} {
		if _, err := server.ProcessConfigFile(file); err == nil || !strings.Contains(err.Error(), "PASSWORD") {
			t.Errorf("%s: have %v, want an error that names the variable", file, err)
		}
	}
}

// TestCluster: a node of a cluster is the one server and what cluster.conf says.
func TestCluster(t *testing.T) {
	alone := options(t, "nats.conf")
	for name, value := range map[string]string{
		"NATS_NAME": "nats-1", "NATS_CLUSTER_PASSWORD": "secret", "NATS_ROUTES": "[nats://cluster:secret@nats-0.nats:6222, nats://cluster:secret@nats-1.nats:6222]",
	} {
		t.Setenv(name, value)
	}
	node := options(t, "cluster.conf")
	c := node.Cluster
	if node.ServerName != "nats-1" || c.Name == "" || c.Port != 6222 || c.Username != "cluster" || c.Password != "secret" {
		t.Errorf("have node %q and cluster %+v, want nats-1 and a cluster that asks for a password", node.ServerName, c)
	}
	if len(node.Routes) != 2 || node.Routes[1].Host != "nats-1.nats:6222" || node.Routes[1].User == nil {
		t.Errorf("have routes %v, want two with the password", node.Routes)
	}
	if node.MaxPayload != alone.MaxPayload || node.JetStreamMaxStore != alone.JetStreamMaxStore || len(node.Users) != len(services) {
		t.Errorf("have other settings in cluster.conf than in nats.conf: %+v", node)
	}
}

// start starts a server with the configuration, but for where it keeps things
// and listens.
func start(t *testing.T) *server.Server {
	t.Helper()
	o := options(t, "nats.conf")
	o.Host, o.Port, o.HTTPPort = "127.0.0.1", server.RANDOM_PORT, 0
	o.StoreDir, o.NoLog, o.NoSigs = t.TempDir(), true, true
	s, err := server.NewServer(o)
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	if !s.ReadyForConnections(10 * time.Second) {
		t.Fatal("the server is not ready after 10 s")
	}
	return s
}

// client is a connection of a service.
type client struct {
	t  *testing.T
	nc *nats.Conn
}

func connect(t *testing.T, s *server.Server, service string) *client {
	t.Helper()
	nc, err := nats.Connect(s.ClientURL(), nats.UserInfo(service, password(service)),
		nats.CustomInboxPrefix(schemas.Inbox(service)),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			if !errors.Is(err, nats.ErrPermissionViolation) {
				t.Errorf("%s: have %v, want no errors but of permissions", service, err)
			}
		}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	return &client{t, nc}
}

// refuses tells whether the server refuses what do does to a subject.
func (c *client) refuses(subject string, do func() error) bool {
	c.t.Helper()
	if err := do(); err != nil {
		c.t.Fatal(err)
	}
	if err := c.nc.Flush(); err != nil { // a refusal comes before the answer to this
		c.t.Fatal(err)
	}
	return c.nc.LastError() != nil && strings.Contains(c.nc.LastError().Error(), `"`+subject+`"`)
}

// subjects are all that anybody could want to publish to.
func subjects() (all []string) {
	all = []string{"$JS.API.INFO", "$JS.API.STREAM.NAMES", "$JS.API.STREAM.LIST", "$JS.API.ACCOUNT.PURGE.$G", "$SYS.REQ.SERVER.PING", "elsewhere"}
	consumers := map[string][]string{}
	for _, c := range schemas.SharedConsumers() {
		consumers[c.Stream] = append(consumers[c.Stream], c.Config.Durable)
	}
	for _, s := range schemas.Streams(0) {
		all = append(all, strings.ReplaceAll(s.Subjects[0], "*", "run"))
		for _, op := range []string{"CREATE", "UPDATE", "DELETE", "INFO", "PURGE", "MSG.GET", "MSG.DELETE", "SNAPSHOT", "RESTORE", "LEADER.STEPDOWN", "PEER.REMOVE"} {
			all = append(all, "$JS.API.STREAM."+op+"."+s.Name)
		}
		all = append(all, "$JS.API.DIRECT.GET."+s.Name, "$JS.API.CONSUMER.NAMES."+s.Name, "$JS.API.CONSUMER.LIST."+s.Name)
		for _, c := range append(consumers[s.Name], "trainer-run", "mine") {
			at := s.Name + "." + c
			all = append(all, "$JS.API.CONSUMER.CREATE."+at+"."+strings.ReplaceAll(s.Subjects[0], "*", "run"), "$JS.API.CONSUMER.CREATE."+at+"."+s.Subjects[0],
				"$JS.API.CONSUMER.CREATE."+at, "$JS.API.CONSUMER.DURABLE.CREATE."+at, "$JS.API.CONSUMER.DELETE."+at, "$JS.API.CONSUMER.PAUSE."+at,
				"$JS.API.CONSUMER.INFO."+at, "$JS.API.CONSUMER.MSG.NEXT."+at, "$JS.ACK."+at+".1.1.1.1.0")
		}
	}
	for _, service := range services {
		all = append(all, schemas.Inbox(service)+".answer")
	}
	return append(all, schemas.Pulse{}.Subject(), "_INBOX.answer")
}

// covered tells whether a pattern of patterns matches subject, token by token.
func covered(patterns []string, subject string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		p, s := strings.Split(pattern, "."), strings.Split(subject, ".")
		for i, token := range p {
			if token == ">" {
				return len(s) > i
			}
			if i >= len(s) || token != "*" && token != s[i] {
				return false
			}
		}
		return len(p) == len(s)
	})
}

// TestForbidden has every service try every subject.
func TestForbidden(t *testing.T) {
	s := start(t)
	for _, service := range services {
		t.Run(service, func(t *testing.T) {
			rights, c := schemas.AllRights()[service], connect(t, s, service)
			allowed := 0
			for _, subject := range subjects() {
				want := !covered(rights.Publish, subject)
				if have := c.refuses(subject, func() error { return c.nc.Publish(subject, nil) }); have != want {
					t.Errorf("publishing %s: refused %v, want %v", subject, have, want)
				}
				if !want {
					allowed++
				}
			}
			reads := []string{schemas.Pulse{}.Subject(), ">", "*.*", "$JS.>", "$JS.API.>", "$JS.ACK.>", "$JS.EVENT.>", "$SYS.>", "_INBOX.>", "_INBOX.*.>", "_R_.>"}
			for _, stream := range schemas.Streams(0) {
				reads = append(reads, stream.Subjects[0], strings.ReplaceAll(stream.Subjects[0], "*", "run"))
			}
			for _, other := range services {
				reads = append(reads, schemas.Inbox(other)+".>", schemas.Inbox(other)+".answer")
			}
			for _, subject := range reads {
				want := !covered(rights.Subscribe, subject)
				have := c.refuses(subject, func() error { _, err := c.nc.SubscribeSync(subject); return err })
				if have != want {
					t.Errorf("subscribing to %s: refused %v, want %v", subject, have, want)
				}
			}
			t.Logf("%s may publish to %d of %d subjects", service, allowed, len(subjects()))
		})
	}
}

// TestLeast are examples in words, beside the table that TestForbidden and the
// configuration share.
func TestLeast(t *testing.T) {
	rights := schemas.AllRights()
	for _, tc := range []struct {
		service, subject string
		may              bool
	}{
		{schemas.TrainerService, "splits.run", true},
		{schemas.TrainerService, "samples.run", false},
		{schemas.TrainerService, "reports.run", false},
		{schemas.TrainerService, "$JS.API.STREAM.DELETE.RUNS", false},
		{schemas.TrainerService, "$JS.API.CONSUMER.MSG.NEXT.SPLITS.augmenter", false},
		{schemas.AugmenterService, "samples.run", true},
		{schemas.AugmenterService, "splits.run", false},
		{schemas.AugmenterService, "runs.request", false},
		{schemas.AugmenterService, "snapshots.run", false},
		{schemas.AugmenterService, "$JS.API.STREAM.PURGE.SPLITS", false},
		{schemas.AugmenterService, "$JS.API.CONSUMER.CREATE.SPLITS.augmenter.splits.*", false},
		{schemas.AugmenterService, "$JS.API.CONSUMER.MSG.NEXT.SAMPLES.trainer-run", false},
		{schemas.EvaluatorService, "reports.run", true},
		{schemas.EvaluatorService, "snapshots.run", false},
		{schemas.EvaluatorService, "samples.run", false},
		{schemas.EvaluatorService, "pulses", false},
		{schemas.EvaluatorService, "$JS.API.CONSUMER.MSG.NEXT.RUNS.trainer", false},
		{schemas.PersonService, "runs.request", true},
		{schemas.PersonService, "splits.run", false},
		{schemas.PersonService, "$JS.API.STREAM.CREATE.RUNS", false},
	} {
		if have := covered(rights[tc.service].Publish, tc.subject); have != tc.may {
			t.Errorf("%s may publish to %s: have %v, want %v", tc.service, tc.subject, have, tc.may)
		}
	}
}

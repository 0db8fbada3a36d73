package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"

	"selfstream/schemas"
)

// TestChaosClusterNodeDies: of the three nodes of deploy/nats/cluster.conf, that
// which leads SAMPLES is killed during a run and does not come back. Every
// service has its own rights, and no more.
func TestChaosClusterNodeDies(t *testing.T) {
	thorough(t)
	beside(t)
	s := newSystemWithoutNATS(t, t.TempDir())
	nodes := s.startCluster()
	s.trainer("--nats-replicas", "3")
	s.augmenter("a", 1)
	s.augmenter("b", 1)
	s.ask()
	s.reach(40)
	js := s.jetStream()
	leader := s.leader(js)
	start := time.Now()
	nodes[leader].kill()
	s.reach(s.status().Step + 2*snapshotEvery) // a snapshot of before may be on its way
	t.Logf("%s was killed; %.1f s later the run was at step %d", leader, time.Since(start).Seconds(), s.status().Step)
	s.finish()
	if now := s.leader(js); now == leader {
		t.Errorf("leader of %s: have %s still, which is dead", schemas.SamplesStream, now)
	}
}

// leader is the node that leads SAMPLES, which as all streams must have three.
func (s *system) leader(js jetstream.JetStream) string {
	s.t.Helper()
	var leader string
	for _, cfg := range schemas.Streams(3) {
		st, err := js.Stream(s.t.Context(), cfg.Name)
		if err != nil {
			s.t.Fatal(err)
		}
		info := st.CachedInfo()
		if info.Config.Replicas != 3 {
			s.t.Errorf("%s: have %d replicas, want 3", cfg.Name, info.Config.Replicas)
		}
		if cfg.Name == schemas.SamplesStream {
			leader = info.Cluster.Leader
		}
	}
	return leader
}

// startCluster starts three nodes, and returns them by their names.
func (s *system) startCluster() map[string]*process {
	s.t.Helper()
	var clients, routes []string
	for range 3 {
		clients, routes = append(clients, freePort(s.t)), append(routes, freePort(s.t))
	}
	nodes := map[string]*process{}
	for i := range clients {
		name := fmt.Sprintf("nats-%d", i)
		ports := strings.Join(slices.Concat([]string{clients[i], routes[i]}, routes), " ")
		nodes[name] = startProcess(s.t, name, clusterNode, filepath.Join(s.dir, name), ports)
	}
	s.natsPort = strings.Join(clients, ",")
	s.await("the cluster", s.natsReady)
	return nodes
}

// clusterNode is a node of deploy/nats/cluster.conf, as a process of its own.
const clusterNode = "cluster-node"

// serveNode runs it under the name of its folder, with a user for the test that
// may do everything. Its ports are that for clients, that for the other nodes,
// and then those of all nodes for each other.
func serveNode(ctx context.Context, _, dir, ports string) error {
	p := strings.Fields(ports)
	var routes []string
	for _, port := range p[2:] {
		routes = append(routes, fmt.Sprintf("nats://cluster:%s@%s", chaosSecret, net.JoinHostPort("127.0.0.1", port)))
	}
	env := map[string]string{
		"NATS_NAME": filepath.Base(dir), "NATS_ROUTES": "[" + strings.Join(routes, ", ") + "]", "NATS_CLUSTER_PASSWORD": chaosSecret,
	}
	for service := range schemas.AllRights() {
		env["NATS_"+strings.ToUpper(service)+"_PASSWORD"] = chaosSecret
	}
	for name, value := range env {
		if err := os.Setenv(name, value); err != nil {
			return err
		}
	}
	o, err := server.ProcessConfigFile("deploy/nats/cluster.conf")
	if err != nil {
		return err
	}
	var errs [2]error
	o.Host, o.Cluster.Host, o.HTTPPort = "127.0.0.1", "127.0.0.1", 0
	o.Port, errs[0] = strconv.Atoi(p[0])
	o.Cluster.Port, errs[1] = strconv.Atoi(p[1])
	o.StoreDir, o.NoSigs = dir, true
	o.Users = append(o.Users, &server.User{Username: chaosKey, Password: chaosSecret})
	if err := errors.Join(errs[:]...); err != nil {
		return err
	}
	n, err := server.NewServer(o)
	if err != nil {
		return err
	}
	n.ConfigureLogger()
	n.Start()
	<-ctx.Done()
	n.Shutdown()
	n.WaitForShutdown()
	return nil
}

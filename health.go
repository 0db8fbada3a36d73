package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"selfstream/stages/watch"
)

func runHealth(ctx context.Context, e *env, args []string) error {
	o := newOptions("health", "", "Asks the /healthz of a service on this machine, and fails if it is not well: for containers, whose\n"+
		"images have neither a shell nor curl. It takes --host and --http-port from the same variables as the service.")
	pages := o.pageFlags(watch.Off)
	if err := o.parse(e, args, 0); err != nil {
		return err
	}
	if pages.port <= 0 {
		return usageError{errors.New("which --http-port?")}
	}
	answer, err := askHealth(ctx, pages.host, pages.port)
	if err != nil {
		return err
	}
	fmt.Fprintln(e.stdout, answer)
	return nil
}

// healthTimeout is far above what a service that is well takes to say so.
const healthTimeout = 5 * time.Second

// askHealth returns what a service says of itself; an error if that is not good.
func askHealth(ctx context.Context, host string, port int) (string, error) {
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1" // the service listens there as well
	}
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+net.JoinHostPort(host, strconv.Itoa(port))+"/healthz", nil)
	if err != nil {
		return "", err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, 1<<10))
	if err != nil {
		return "", err
	}
	answer := strings.TrimSpace(string(text))
	if resp.StatusCode != http.StatusOK {
		return "", fmt.Errorf("the service is not well: %s: %s", resp.Status, answer)
	}
	return answer, nil
}

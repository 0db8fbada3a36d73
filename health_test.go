package main

import (
	"context"
	"errors"
	"log/slog"
	"net/url"
	"strings"
	"testing"

	"selfstream/stages/watch"
)

func TestHealth(t *testing.T) {
	var ill error
	pages, err := watch.Start(watch.Options{Host: "0.0.0.0", Health: func(context.Context) error { return ill }, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer pages.Close()
	u, err := url.Parse(pages.URL())
	if err != nil {
		t.Fatal(err)
	}
	// As in a container: the service's own variables say where it is.
	t.Setenv("SELFSTREAM_HOST", "0.0.0.0")
	t.Setenv("SELFSTREAM_HTTP_PORT", u.Port())

	if code, stdout, stderr := selfstream(t, "health"); code != 0 || stdout != "ok\n" {
		t.Errorf("well: have exit code %d, %q and %q, want 0 and ok", code, stdout, stderr)
	}
	ill = errors.New("NATS is away")
	if code, _, stderr := selfstream(t, "health"); code != exitFailed || !strings.Contains(stderr, "503 Service Unavailable: NATS is away") {
		t.Errorf("ill: have exit code %d and %q, want %d and the reason", code, stderr, exitFailed)
	}
	if code, _, stderr := selfstream(t, "health", "--http-port", "1"); code != exitFailed || !strings.Contains(stderr, "127.0.0.1:1") {
		t.Errorf("nobody there: have exit code %d and %q, want %d and the address", code, stderr, exitFailed)
	}
	if code, _, stderr := selfstream(t, "health", "--http-port", "-1"); code != exitUsage || !strings.Contains(stderr, "which --http-port?") {
		t.Errorf("no port: have exit code %d and %q, want %d", code, stderr, exitUsage)
	}
}

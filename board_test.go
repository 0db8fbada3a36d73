package main

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"selfstream/evaluator/board/browsertest"
	"selfstream/stages/flow/flowtest"
)

// startUp starts a system in this process that ends with t, and returns the
// address of its board.
func startUp(t *testing.T, args ...string) string {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	var out syncBuffer
	ended := make(chan int, 1)
	go func() { ended <- run(ctx, args, &out, &out) }()
	t.Cleanup(func() {
		stop()
		if code := <-ended; code != 0 {
			t.Errorf("have exit code %d\n%s", code, tail(out.String(), 40))
		}
	})
	address := regexp.MustCompile(`(?m)^board +(http://\S+)$`)
	flowtest.Eventually(t, "the board", func() bool { return address.MatchString(out.String()) })
	return address.FindStringSubmatch(out.String())[1]
}

// TestBrowserUp looks at a run of a whole system while it goes on, as a newcomer
// would: from the list, through a reload in the middle, to its end.
func TestBrowserUp(t *testing.T) {
	browser := browsertest.Start(t)
	dir := photos(t, 8, map[string][]byte{"train/rings/text.jpg": []byte("this is not a picture")})
	home := startUp(t, small(t.TempDir(), "--data", dir, "--method", "barlow", "--name", "first", "--set", "hidden=16")...)
	p := browser.Open(home, 1280, 900)
	p.Until(`!!document.querySelector('.runs a[href="/runs/first"]')`)
	p.Click(".runs a")
	p.Until(`document.getElementById("learning")?.textContent.includes("Loss")`)
	p.Reload()
	p.Until(`document.querySelector("#head .state")?.textContent === "finished"`)
	p.Until(`!!document.querySelector('[data-figure="probe-std"] .chart') && document.getElementById("head").textContent.includes("features of step 15")`)
	for _, what := range []string{
		`#sees .picture`, `[data-figure="loss"] .chart`, `[data-figure="accuracy"] .chart`, `[data-figure="confusion"] .chart`, `[data-figure="balance"] table`,
		`[data-figure="correlation"] image`, `#map-sheet-first-15 .spot`, `#stages table`, `#rejects td`, `#settings td`,
	} {
		p.Until(`!!document.querySelector('` + what + `')`)
	}
	p.Click("#map-sheet-first-15 .by-pca .spot .edge")
	p.Until(`document.querySelectorAll("#map-sheet-first-15 .chosen-image .tile").length === 7`)
	p.Click(`.switch [value="tsne"]`)
	p.Until(`document.querySelector("#map-sheet-first-15 .by-tsne .chart").getBoundingClientRect().width > 100`)
	p.Resize(360, 740)
	p.Until(`document.documentElement.scrollWidth <= 360`)
	if have := p.Complaints(); len(have) > 0 {
		t.Errorf("the page complains: %q", have)
	}
	if have := p.Elsewhere(home); len(have) > 0 {
		t.Errorf("the page asks for %q, want nothing but %s", have, home)
	}
}

// TestPictures makes the pictures of docs/dashboard.md, if asked to. It trains on
// the photos in SELFSTREAM_DATA; runs that the folder SELFSTREAM_STATE has are not
// made again.
func TestPictures(t *testing.T) {
	to, data, state := os.Getenv("SELFSTREAM_PICTURES"), os.Getenv("SELFSTREAM_DATA"), os.Getenv("SELFSTREAM_STATE")
	if to == "" {
		t.Skip("make pictures makes them")
	}
	browser := browsertest.Start(t)
	must := func(args ...string) {
		t.Helper()
		if code, stdout, stderr := selfstream(t, args...); code != 0 {
			t.Fatalf("have exit code %d\n%s\n%s", code, tail(stdout, 20), tail(stderr, 20))
		}
	}
	ports := []string{"--nats-port", "0", "--s3-port", "0"}
	train := append([]string{"up", "--until-done", "--state", state, "--data", data, "--http-port", "-1"}, ports...)
	must(append(train, "--name", "labels", "--method", "supervised", "--epochs", "6")...)
	barlow := []string{"--name", "barlow", "--method", "barlow", "--epochs", "4", "--set", "dim=128", "--set", "hidden=128"}
	must(append(train, barlow...)...)
	must("evaluate", "barlow", "--state", state, "--probes", "linear,finetune,scratch", "--labels", "0.01,0.1", "--seeds", "2", "--tuning-steps", "30")

	shoot := func(t *testing.T, p *browsertest.Page, name, from string) {
		t.Helper()
		p.Until(`(document.querySelector("` + from + `").scrollIntoView(), true)`)
		file := filepath.Join(to, name+".png")
		p.Screenshot(file, false)
		if info, err := os.Stat(file); err != nil || info.Size() > 300_000 {
			t.Errorf("%s: have %v bytes (%v), want at most 300 kB", file, info.Size(), err)
		}
	}
	t.Run("finished", func(t *testing.T) {
		home := startUp(t, slices.Concat([]string{"up", "--state", state, "--data", data, "--http-port", "0"}, barlow, ports)...)
		p := browser.Open(home+"/runs/barlow", 1100, 1060)
		p.Until(`!!document.querySelector('[data-figure="correlation"] image')`)
		shoot(t, p, "dashboard-features", "#quality h2")
		p.Resize(1250, 620)
		shoot(t, p, "dashboard-asked", "#asked h2")
		p.Click(`.switch [value="tsne"]`)
		p.Resize(1100, 830)
		shoot(t, p, "dashboard-maps", "#maps h2")
	})
	t.Run("live", func(t *testing.T) {
		home := startUp(t, append([]string{"up", "--state", t.TempDir(), "--data", data, "--http-port", "0", "--name", "simclr", "--method", "simclr", "--epochs", "100"}, ports...)...)
		p := browser.Open(home, 1100, 1000)
		p.Until(`!!document.querySelector('.runs a[href="/runs/simclr"]')`)
		p.Click(".runs a")
		p.Until(`document.getElementById("sees")?.textContent.includes("From split") && document.querySelectorAll("#learning .chart").length > 3`)
		shoot(t, p, "dashboard", "h1")
		p.Resize(360, 740)
		shoot(t, p, "dashboard-phone", "h1")
	})
}

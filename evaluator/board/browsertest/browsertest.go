// Package browsertest shows pages to a real browser, headless Chromium, for
// tests of pages. It is never part of the command.
package browsertest

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// Variable names the browser to use, if it is not one of those of Find.
const Variable = "SELFSTREAM_CHROMIUM"

// patience bounds how long anything may take. It is for browsers that hang:
// nothing waits for time to pass.
const patience = time.Minute

// Browser is a browser with a profile of its own.
type Browser struct {
	t   testing.TB
	ctx context.Context
}

// Find is the path of a browser, or "".
func Find() string {
	for _, name := range []string{os.Getenv(Variable), "chromium", "chromium-browser", "google-chrome", "headless-shell"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}

// Start starts a browser that ends with t. Where there is none, it skips t.
//
// The browser knows no name of any host, so that a page that asks for more than
// its server has does not work.
func Start(t testing.TB) *Browser {
	t.Helper()
	path := Find()
	if path == "" {
		t.Skip("found no Chromium: apt-get install chromium, or name one in " + Variable)
	}
	profile, err := os.MkdirTemp("", "selfstream-browser-*") //nolint:usetesting // its children write for a moment when it has ended, which t.TempDir takes for a failure
	if err != nil {
		t.Fatal(err)
	}
	options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]),
		chromedp.ExecPath(path), chromedp.UserDataDir(profile), chromedp.DisableGPU, chromedp.NoSandbox, // tests run as root in containers
		chromedp.WSURLReadTimeout(patience), chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"), chromedp.Flag("hide-scrollbars", true),
	)
	ctx, stop := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, end := chromedp.NewContext(ctx)
	t.Cleanup(func() {
		_ = chromedp.Cancel(ctx) // waits until it has ended
		end()
		stop()
		_ = os.RemoveAll(profile) // what its children still write is in the folder for temporary files
	})
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("starting %s: %v", path, err)
	}
	return &Browser{t, ctx}
}

// Page is a tab of a browser.
type Page struct {
	t   testing.TB
	ctx context.Context

	mu         sync.Mutex
	complaints []string
	asked      []string
}

// Open opens a page in a window of that size, in CSS pixels, and returns when it
// is loaded.
func (b *Browser) Open(url string, width, height int64) *Page {
	b.t.Helper()
	p := &Page{t: b.t}
	ctx, end := chromedp.NewContext(b.ctx, chromedp.WithListener(p.hear))
	b.t.Cleanup(end)
	p.ctx = ctx
	if err := chromedp.Do(ctx); err != nil { // with the life of the tab
		b.t.Fatalf("opening a tab: %v", err)
	}
	p.Resize(width, height)
	p.do("opening "+url, chromedp.Navigate(url))
	return p
}

// hear notes what the browser says of the page.
func (p *Page) hear(event any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		p.complaints = append(p.complaints, (&chromedp.ExceptionError{ExceptionDetails: e.ExceptionDetails}).Error())
	case *runtime.EventConsoleAPICalled:
		if e.Type == "error" || e.Type == "warning" {
			for _, a := range e.Args {
				p.complaints = append(p.complaints, fmt.Sprintf("console: %s %s", a.Value, a.Description))
			}
		}
	case *log.EventEntryAdded: // such as a file that is not there, or what the page's policy forbids
		if e.Entry.Level == "error" || e.Entry.Level == "warning" {
			p.complaints = append(p.complaints, strings.TrimSpace(e.Entry.Text+" "+e.Entry.URL))
		}
	case *network.EventRequestWillBeSent:
		p.asked = append(p.asked, e.Request.URL)
	}
}

// Complaints are the errors and warnings of the page so far.
func (p *Page) Complaints() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.complaints)
}

// Elsewhere are the addresses that the page has asked for which do not begin
// like that, but for those that hold what they name.
func (p *Page) Elsewhere(prefix string) (all []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, url := range p.asked {
		if !strings.HasPrefix(url, prefix) && !strings.HasPrefix(url, "data:") {
			all = append(all, url)
		}
	}
	return all
}

func (p *Page) do(what string, steps ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		p.t.Fatalf("%s: %v; the page says %q", what, err, p.Complaints())
	}
}

// Resize makes the window another size. One that is narrow is a phone's.
func (p *Page) Resize(width, height int64) {
	p.t.Helper()
	options := []chromedp.EmulateViewportOption{}
	if width < 600 {
		options = append(options, chromedp.EmulateMobile, chromedp.EmulateTouch, chromedp.EmulatePortrait)
	}
	p.do("resizing", chromedp.EmulateViewport(width, height, options...))
}

// Reload does what people do.
func (p *Page) Reload() {
	p.t.Helper()
	p.do("reloading", chromedp.Reload())
}

// Click clicks on the first element that a selector finds.
func (p *Page) Click(selector string) {
	p.t.Helper()
	p.do("clicking "+selector, chromedp.Click(selector, chromedp.NodeVisible))
}

// Until waits until an expression is true, be it on the next page.
func (p *Page) Until(expression string) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	for {
		done, err := chromedp.Run(ctx, chromedp.Evaluate[bool](expression))
		if done {
			return
		}
		select {
		case <-time.After(20 * time.Millisecond): // an error may be that of a page that is just being left
		case <-ctx.Done():
			p.t.Fatalf("waiting until %s: %v; the page says %q", expression, cmp.Or(err, ctx.Err()), p.Complaints())
		}
	}
}

// Dark makes the page dark, or light again.
func (p *Page) Dark(dark bool) {
	p.t.Helper()
	scheme := "light"
	if dark {
		scheme = "dark"
	}
	p.do("changing the colours", chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
		})
		return err
	}))
}

// Colorblind shows the page as those see it whose eyes lack a kind of cone:
// "deuteranopia", "protanopia", "tritanopia", "achromatopsia"; "" for none.
func (p *Page) Colorblind(kind string) {
	p.t.Helper()
	p.do("changing the eyes", chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetEmulatedVisionDeficiency, emulation.SetEmulatedVisionDeficiencyParams{
			Type: emulation.SetEmulatedVisionDeficiencyType(cmp.Or(kind, "none")),
		})
		return err
	}))
}

// Screenshot writes what the window shows as a PNG; the whole page, if all.
func (p *Page) Screenshot(file string, all bool) {
	p.t.Helper()
	shot := chromedp.CaptureScreenshot()
	if all {
		shot = chromedp.FullScreenshot(100) // of the quality 100 it makes a PNG
	}
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	data, err := chromedp.Run(ctx, shot)
	if err == nil {
		err = os.WriteFile(file, data, 0o644)
	}
	if err != nil {
		p.t.Fatalf("taking a picture of the page: %v", err)
	}
}

// Eval returns the value of an expression.
func Eval[T any](p *Page, expression string) T {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	value, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		p.t.Fatalf("evaluating %s: %v", expression, err)
	}
	return value
}

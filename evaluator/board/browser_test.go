package board

import (
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"selfstream/evaluator/board/browsertest"
	"selfstream/schemas"
	"selfstream/stages/ledger"
)

// figuresOfRun are those that a run of bench has after judged and exhibit.
var figuresOfRun = []string{
	"loss", "rate", "value-accuracy", "spread", "rank", "pace",
	"accuracy", "classes", "confusion", "balance", "spectrum", "correlation",
	"probe-rankme", "probe-alignment", "probe-uniformity", "probe-invariance", "probe-redundancy", "asked-own", "asked-flowers",
}

// fullRun keeps a run of which there is everything to show.
func (b *bench) fullRun(name, state string) {
	b.t.Helper()
	b.run(name, state)
	b.judged(name)
	b.exhibit(name, 0)
	b.exhibit(name, 20)
}

// checkFigures wants each of a run's figures drawn, with an area, and captioned.
func checkFigures(t *testing.T, p *browsertest.Page) {
	t.Helper()
	for _, id := range figuresOfRun {
		drawn := browsertest.Eval[bool](p, `(() => {
			const f = document.querySelector('[data-figure="`+id+`"]');
			const box = f?.querySelector(".chart")?.getBoundingClientRect();
			return !!box && box.width > 100 && box.height > 10 && f.querySelector("figcaption").textContent !== "";
		})()`)
		if !drawn {
			t.Errorf("figure %s is not drawn", id)
		}
	}
}

// checkNeighbours clicks on an image of the first map, and wants those that are
// nearest to it, on every map of the run.
func checkNeighbours(t *testing.T, p *browsertest.Page) {
	t.Helper()
	p.Click(`.map .by-pca .spot[data-n="3"] .edge`)
	p.Until(chosenEverywhere)
	text := browsertest.Eval[string](p, `document.querySelector(".map .chosen-image p").textContent`)
	if !strings.HasPrefix(text, "3.png, class 3, taken for class 2") {
		t.Errorf("have %q, want the image that was chosen", text)
	}
}

// chosenEverywhere is true if both maps of the first run, of the last snapshot and
// of the untrained encoder, show an image with its two neighbours, and have it
// marked in both layouts.
const chosenEverywhere = `[...document.querySelector(".maps").querySelectorAll(".map")].filter((m) =>
	m.querySelectorAll(".chosen-image .tile").length === 3 && m.querySelectorAll('.spot.chosen[data-n="3"]').length === 2).length === 2`

// drawnBy is true if the maps are seen in that layout alone, pca or tsne.
func drawnBy(layout string) string {
	return `["pca", "tsne"].every((by) => [...document.querySelector(".maps").querySelectorAll(".by-" + by + " .chart")].every((c) =>
		(c.getBoundingClientRect().width > 100) === (by === "` + layout + `")))`
}

// checkSwitch switches the maps of the first run to the other layout, in which
// what was chosen stays.
func checkSwitch(t *testing.T, p *browsertest.Page) {
	t.Helper()
	p.Until(drawnBy("pca"))
	p.Click(`.switch [value="tsne"]`)
	p.Until(drawnBy("tsne"))
	p.Until(chosenEverywhere)
}

// checkPhone wants a page that fits a narrow phone: nothing to scroll sideways,
// no text too small to read.
func checkPhone(t *testing.T, p *browsertest.Page) {
	t.Helper()
	const narrow = 360
	p.Resize(narrow, 740)
	p.Until(`window.innerWidth === 360`)
	wide := browsertest.Eval[string](p, `(() => {
		if (document.documentElement.scrollWidth <= innerWidth) return "";
		const over = [...document.querySelectorAll("body *")].filter((e) => e.getBoundingClientRect().right > innerWidth + 0.5 && !e.closest(".scroll"));
		return document.documentElement.scrollWidth + " pixels: " + over.slice(0, 5).map((e) => e.outerHTML.slice(0, 100)).join(" | ");
	})()`)
	if wide != "" {
		t.Errorf("the page is wider than %d pixels: %s", narrow, wide)
	}
	small := browsertest.Eval[string](p, `(() => {
		for (const e of document.querySelectorAll("p, td, th, dd, dt, small, summary, .chart text")) {
			const scale = e.closest("svg") ? e.closest("svg").getBoundingClientRect().width / e.closest("svg").viewBox.baseVal.width : 1;
			if (e.getClientRects().length && parseFloat(getComputedStyle(e).fontSize) * scale < 8) return e.outerHTML.slice(0, 200);
		}
		return "";
	})()`)
	if small != "" {
		t.Errorf("a text is too small to read: %s", small)
	}
}

// quiet wants a page that has nothing to complain of, and asks nobody else.
func quiet(t *testing.T, p *browsertest.Page, home string) {
	t.Helper()
	if have := p.Complaints(); len(have) > 0 {
		t.Errorf("the page complains: %q", have)
	}
	if have := p.Elsewhere(home); len(have) > 0 {
		t.Errorf("the page asks for %q, want nothing but %s", have, home)
	}
}

func TestBrowserFinished(t *testing.T) {
	browser := browsertest.Start(t)
	b := newBench(t)
	b.fullRun("forest-1", ledger.Finished)
	p := browser.Open(b.url+"/", 1280, 900)
	p.Until(`document.querySelectorAll(".runs a").length === 1`)
	checkPhone(t, p)
	p.Click(".runs a")
	p.Until(`document.title.startsWith("forest-1")`)
	p.Resize(1280, 900)
	checkFigures(t, p)
	checkNeighbours(t, p)
	checkSwitch(t, p)
	p.Click(`.by-tsne .spot[data-n="3"] .edge`)
	checkPhone(t, p)
	p.Click(`.switch [value="pca"]`)
	p.Until(drawnBy("pca"))
	quiet(t, p, b.url)
}

// TestBrowserAwaited: who opens the page of a run too early sees it begin.
func TestBrowserAwaited(t *testing.T) {
	browser := browsertest.Start(t)
	b := newBench(t)
	p := browser.Open(b.url+"/runs/forest-1", 1280, 900)
	p.Until(`document.getElementById("head").textContent.includes("There is no run of this name yet")`)
	checkPhone(t, p)
	p.Resize(1280, 900)
	b.run("forest-1", ledger.Running)
	p.Until(`document.getElementById("head").textContent.includes("step 20 of 40")`)
	b.exhibit("forest-1", 0)
	b.exhibit("forest-1", 20)
	r := schemas.Report{Run: "forest-1", Step: 20, Probe: "linear", Value: 0.65, Test: 600}
	b.report(r)
	b.publish(&r)
	p.Until(`!!document.querySelector(".map")`)
	checkNeighbours(t, p)
	quiet(t, p, b.url)
}

// TestBrowserLive: what comes while the page is open is shown, and what the
// reader has opened or chosen stays; a reload in the middle goes on.
func TestBrowserLive(t *testing.T) {
	browser := browsertest.Start(t)
	b := newBench(t)
	b.fullRun("forest-1", ledger.Running)
	p := browser.Open(b.url+"/runs/forest-1", 1280, 900)
	p.Click(`[data-figure="loss"] summary`)
	checkNeighbours(t, p)
	checkSwitch(t, p)

	metric := func(step int) {
		b.publish(&schemas.Metric{
			Run: "forest-1", Time: time.Now().Add(time.Duration(step) * time.Second), Step: step, Steps: steps, State: ledger.Running, Loss: 2, WaitShare: 0.6,
		})
	}
	metric(27)
	p.Until(`document.getElementById("head").textContent.includes("step 27 of 40")`)
	p.Until(`document.querySelector('[data-figure="loss"] details').open`)
	r := schemas.Report{Run: "forest-1", Step: 40, Probe: "linear", Value: 0.8, Test: 600}
	b.report(r)
	b.publish(&r)
	p.Until(`document.getElementById("head").textContent.includes("80.0 % of 600")`)
	b.exhibit("forest-1", 40)
	r = schemas.Report{Run: "forest-1", Step: 40, Probe: "knn", Value: 0.7, Test: 600}
	b.report(r)
	b.publish(&r)
	p.Until(`document.getElementById("maps").textContent.includes("step 40")`)
	if !browsertest.Eval[bool](p, chosenEverywhere) || !browsertest.Eval[bool](p, drawnBy("tsne")) {
		t.Error("have another image or layout than was chosen, once there is another snapshot")
	}

	p.Reload()
	p.Until(drawnBy("tsne"))
	p.Until(`document.getElementById("head").textContent.includes("step 27 of 40")`)
	metric(31)
	p.Until(`document.getElementById("head").textContent.includes("step 31 of 40")`)
	checkPhone(t, p)
	quiet(t, p, b.url)
}

// TestBrowserReport: the report works as a file, with nothing beside it.
func TestBrowserReport(t *testing.T) {
	browser := browsertest.Start(t)
	b := newBench(t)
	names := []string{"forest-1", "river-2"}
	for _, name := range names {
		b.fullRun(name, ledger.Finished)
	}
	file := filepath.Join(t.TempDir(), "report.html")
	out, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	if err := Report(t.Context(), out, b.ledger.Bucket(), names, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	address := (&url.URL{Scheme: "file", Path: file}).String()
	p := browser.Open(address, 1280, 900)
	checkFigures(t, p)
	checkNeighbours(t, p)
	checkSwitch(t, p)
	if have := browsertest.Eval[int](p, `document.querySelectorAll('[data-figure="accuracy"]').length`); have != len(names) {
		t.Errorf("have %d curves of accuracy, want one for each run", have)
	}
	checkPhone(t, p)
	quiet(t, p, address)
}

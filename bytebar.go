package main

import (
	"io"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
)

// byteBar is a progress bar over bytes. What is done to them may change on the
// way, and the bar begins anew.
type byteBar struct {
	p     *mpb.Progress
	bar   *mpb.Bar
	doing string
}

// newByteBar draws on w if that is a terminal, and nothing elsewhere.
func newByteBar(w io.Writer) *byteBar {
	return &byteBar{p: mpb.New(mpb.WithOutput(w), mpb.WithWidth(48))}
}

func (b *byteBar) show(doing string, done, total int64) {
	if doing != b.doing {
		b.end()
		b.doing = doing
		b.bar = b.p.New(0, mpb.BarStyle(),
			mpb.PrependDecorators(decor.Name(doing+" ")),
			mpb.AppendDecorators(decor.CountersKibiByte(" % .1f / % .1f"), decor.AverageSpeed(decor.SizeB1024(0), "  % .1f")))
	}
	b.bar.SetTotal(max(total, done), false)
	b.bar.SetCurrent(done)
}

// end leaves the bar of what is done standing.
func (b *byteBar) end() {
	if b.bar != nil {
		b.bar.EnableTriggerComplete()
		b.bar.Abort(false)
	}
}

func (b *byteBar) close() {
	b.end()
	b.p.Wait()
}

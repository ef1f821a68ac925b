package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"github.com/mien-http/mien/cmd/mien/internal/fetch"
)

// fetchBar shows progress: a bar on a terminal, else a line now and then.
type fetchBar struct {
	w    io.Writer
	tty  bool
	bar  *progressbar.ProgressBar // made by the first show
	last time.Duration            // of the last line
}

// progressLines is how often there is a line where there is no terminal.
const progressLines = 30 * time.Second

// newFetchBar shows on w. If results go to standard output and that is a
// terminal too, they are progress enough.
func newFetchBar(w io.Writer, results bool) *fetchBar {
	b := &fetchBar{w: w}
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		b.tty = true
	}
	if results && b.tty && term.IsTerminal(int(os.Stdout.Fd())) {
		b.w = io.Discard
	}
	return b
}

func (b *fetchBar) show(p fetch.Progress) {
	if !b.tty {
		if p.Elapsed-b.last >= progressLines {
			b.last = p.Elapsed
			fmt.Fprintln(b.w, "mien:", progressLine(p))
		}
		return
	}
	if b.bar == nil {
		left := p.Total
		if left >= 0 {
			left -= p.Before
		}
		b.bar = progressbar.NewOptions64(left,
			progressbar.OptionSetWriter(b.w),
			progressbar.OptionShowCount(),
			progressbar.OptionShowIts(),
			progressbar.OptionSetItsString("URLs"),
			progressbar.OptionSetPredictTime(p.Total >= 0),
			progressbar.OptionThrottle(100*time.Millisecond),
			progressbar.OptionClearOnFinish())
	}
	b.bar.Describe(fmt.Sprintf("%d failed", p.Failed))
	_ = b.bar.Set64(p.Done - p.Before)
}

func (b *fetchBar) close() {
	if b.bar != nil {
		_ = b.bar.Clear()
	}
}

// progressLine tells progress, rate and what is left to wait.
func progressLine(p fetch.Progress) string {
	done := p.Done - p.Before
	rate := float64(done) / max(p.Elapsed.Seconds(), 0.001)
	text := fmt.Sprintf("%d URLs", p.Done)
	if p.Total >= 0 {
		text = fmt.Sprintf("%d of %d URLs", p.Done, p.Total)
	}
	text += fmt.Sprintf(", %d failed, %.1f/s", p.Failed, rate)
	if left := p.Total - p.Done; p.Total >= 0 && left > 0 && done > 0 {
		text += fmt.Sprintf(", %v left", time.Duration(float64(left)/rate*float64(time.Second)).Round(time.Second))
	}
	return text
}

// printFetchSummary tells what came out, the earlier runs' part too.
func printFetchSummary(w io.Writer, s fetch.Summary) {
	text := fmt.Sprintf("%d URLs", s.Done)
	if s.Total >= 0 {
		text = fmt.Sprintf("%d of %d URLs", s.Done, s.Total)
	}
	if s.Before > 0 {
		text += fmt.Sprintf(" (%d of them before)", s.Before)
	}
	fmt.Fprintf(w, "mien: %s, %d failed; %v, %.1f/s\n", text, s.Failed, s.Elapsed.Round(time.Millisecond), float64(s.Done-s.Before)/max(s.Elapsed.Seconds(), 0.001))
	for class, n := range s.Status {
		if n > 0 {
			fmt.Fprintf(w, "  %dxx  %d\n", class, n)
		}
	}
	kinds := slices.SortedFunc(maps.Keys(s.Failures), func(a, b fetch.FailureKind) int {
		return cmp.Or(cmp.Compare(s.Failures[b], s.Failures[a]), cmp.Compare(a.Phase, b.Phase), cmp.Compare(a.Class, b.Class))
	})
	for _, k := range kinds {
		name := k.Class
		if k.Phase != "" {
			name = k.Phase + " " + k.Class
		}
		fmt.Fprintf(w, "  failed, %s  %d\n", name, s.Failures[k])
	}
	fmt.Fprintf(w, "  %s of bodies; in this run %d requests, %d handshakes, %d retries\n", bytesText(s.Bytes), s.Stats.Requests, s.Stats.Handshakes, s.Stats.Retries)
}

// bytesText rounds for people.
func bytesText(n int64) string {
	size, unit := float64(n), "B"
	for _, next := range []string{"kB", "MB", "GB", "TB"} {
		if size < 1000 {
			break
		}
		size, unit = size/1000, next
	}
	if unit == "B" {
		return fmt.Sprintf("%d B", n)
	}
	return fmt.Sprintf("%.1f %s", size, unit)
}

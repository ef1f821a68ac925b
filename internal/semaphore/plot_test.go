package semaphore

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the plots again")

// plots are four runs of the simulation, drawn and described in docs/gate.
var plots = []struct {
	file, title string
	n           network
	changed     int // handshakes begun when the network changed; 0: never
	total       int
	note        func(trace, fixed []point) string
}{
	{"loss", "A link that loses a fifth of all handshakes", network{rtt: 100 * ms, jitter: 0.2, loss: 0.2}, 0, 5000,
		func(trace, fixed []point) string {
			return fmt.Sprintf("5,000 handshakes take %.2f s, a fixed width of 256 takes %.2f s: %.2f times as long, nearly all of it to open at the start.",
				last(trace).at.Seconds(), last(fixed).at.Seconds(), last(trace).at.Seconds()/last(fixed).at.Seconds())
		}},
	{"limit", "An origin that resets what exceeds 40 at once", network{rtt: 100 * ms, jitter: 0.2, limit: 40}, 0, 3000,
		func(trace, fixed []point) string {
			settled := from(trace, 500)
			settled = settled[:len(settled)-100]
			least, mean, most := widths(settled)
			return fmt.Sprintf("After 500 handshakes the width is between %d and %d, %.1f on the mean, and %.1f %% of the handshakes are wasted; a fixed width of 256 wastes %.0f %%.",
				least, most, mean, 100*waste(settled), 100*waste(fixed))
		}},
	{"drop", "The limit drops from 40 to 10", network{rtt: 100 * ms, jitter: 0.2, limit: 40, change: limitAt(1500, 10)}, 1500, 2500,
		func(trace, _ []point) string {
			after := from(trace, 1500)
			_, mean, _ := widths(from(trace, 1700))
			return fmt.Sprintf("The width is 12 or less %d handshakes after the drop, and %.1f on the mean from 200 handshakes after it.",
				reached(after, func(w int) bool { return w <= 12 })-1500, mean)
		}},
	{"lift", "The limit of 40 is lifted", network{rtt: 100 * ms, jitter: 0.2, limit: 40, change: limitAt(1500, 0)}, 1500, 6000,
		func(trace, _ []point) string {
			after := from(trace, 1500)
			open := from(after, reached(after, func(w int) bool { return w >= 200 }))[0]
			return fmt.Sprintf("The width is 200 or more %.1f s and %d handshakes after that.", (open.at - after[0].at).Seconds(), open.begun-1500)
		}},
}

// TestPlots holds docs/gate to what the simulation gives. -update writes it.
func TestPlots(t *testing.T) {
	if runtime.GOARCH != "amd64" {
		t.Skip("other processors round floating point otherwise, and a run is as sensitive as a game of chance")
	}
	var doc strings.Builder
	doc.WriteString(`# The handshake gate at work

Four runs of the simulation in ` + "`internal/semaphore/network_test.go`" + `: all callers come at once, a handshake takes 100 ms give or take 10 %,
and the gate may be 256 wide. Blue is the width, grey what is in progress, red the share of the last 50 handshakes that failed (right scale).
How it decides is told in ` + "`internal/semaphore/climber.go`" + `; ` + "`TestPlots`" + ` fails when a picture or a figure here is not what the
simulation gives, and writes them again with ` + "`go test ./internal/semaphore -run TestPlots -update`" + `.

`)
	for _, p := range plots {
		trace := p.n.run(t, 1, adaptive, p.total, whole)
		fixed := p.n.run(t, 1, fixedAt(256), p.total, whole)
		compare(t, p.file+".svg", drawing(p.title, trace, p.changed))
		fmt.Fprintf(&doc, "- **%s** ([%s.svg](%s.svg)). %s\n", p.title, p.file, p.file, p.note(trace, fixed))
	}
	compare(t, "README.md", []byte(doc.String()))
}

func compare(t *testing.T, name string, want []byte) {
	t.Helper()
	file := filepath.Join("..", "..", "docs", "gate", name)
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(bytes.ReplaceAll(got, []byte("\r\n"), []byte("\n")), want) {
		t.Errorf("%s is not what the simulation gives; -update writes it", file)
	}
}

// The picture's size and the place of the axes in it.
const (
	wide, high               = 820, 360
	left, right, top, bottom = 56, 48, 40, 44
	plotWide, plotHigh       = wide - left - right, high - top - bottom
	window                   = 50 // handshakes that a share of failures is taken over
)

// drawing is an SVG of a run: against the handshakes begun, the width and what
// is in progress, and the share of failures.
func drawing(title string, trace []point, changed int) []byte {
	end := last(trace).begun
	most := 48
	for _, p := range trace {
		for p.width > most || p.held > most {
			most *= 2
		}
	}
	if most > 256 {
		most = 256
	}
	x := func(begun int) int { return left + plotWide*begun/end }
	y := func(n int) int { return top + plotHigh - plotHigh*min(n, most)/most }

	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12">`+"\n", wide, high)
	fmt.Fprintf(&b, `<rect width="%d" height="%d" fill="#fff"/>`+"\n", wide, high)
	fmt.Fprintf(&b, `<text x="%d" y="22" font-size="15" fill="#222">%s</text>`+"\n", left, title)
	for i := range 5 {
		n := most * i / 4
		fmt.Fprintf(&b, `<path d="M%d %dh%d" stroke="#ddd"/><text x="%d" y="%d" text-anchor="end" fill="#1f5fbf">%d</text><text x="%d" y="%d" fill="#c33">%d %%</text>`+"\n",
			left, y(n), plotWide, left-6, y(n)+4, n, left+plotWide+6, y(n)+4, 25*i)
	}
	for n := 0; n <= end; n += ticks(end) {
		fmt.Fprintf(&b, `<path d="M%d %dv5" stroke="#888"/><text x="%d" y="%d" text-anchor="middle" fill="#444">%d</text>`+"\n", x(n), top+plotHigh, x(n), top+plotHigh+18, n)
	}
	fmt.Fprintf(&b, `<text x="%d" y="%d" text-anchor="middle" fill="#444">handshakes begun, in %.1f s</text>`+"\n", left+plotWide/2, high-8, last(trace).at.Seconds())
	if changed > 0 {
		fmt.Fprintf(&b, `<path d="M%d %dv%d" stroke="#222" stroke-dasharray="4 3"/>`+"\n", x(changed), top, plotHigh)
	}
	line(&b, "#c33", 1, trace, x, func(i int) int {
		before := max(i-window, 0)
		return top + plotHigh - plotHigh*(trace[i].failed-trace[before].failed)/window
	})
	line(&b, "#aaa", 1, trace, x, func(i int) int { return y(trace[i].held) })
	line(&b, "#1f5fbf", 2, trace, x, func(i int) int { return y(trace[i].width) })
	b.WriteString("</svg>\n")
	return b.Bytes()
}

// ticks is the distance of the numbers on an axis of n.
func ticks(n int) int {
	for step := 100; ; step *= 10 {
		for _, f := range []int{1, 2, 5} {
			if n/(step*f) <= 8 {
				return step * f
			}
		}
	}
}

// line draws what y gives for each point of the trace, one per pixel at most.
func line(b *bytes.Buffer, color string, width int, trace []point, x func(int) int, y func(int) int) {
	fmt.Fprintf(b, `<path fill="none" stroke="%s" stroke-width="%d" d="`, color, width)
	px, py := -1, -1
	for i, p := range trace {
		nx, ny := x(p.begun), y(i)
		switch {
		case px < 0:
			fmt.Fprintf(b, "M%d %d", nx, ny)
		case nx == px && i < len(trace)-1, ny == py && i < len(trace)-1:
			continue
		default:
			fmt.Fprintf(b, "H%dV%d", nx, ny)
		}
		px, py = nx, ny
	}
	b.WriteString(`"/>` + "\n")
}

// Runs must not depend on anything but their seed, or the plots could not be
// checked.
func TestSimulationRepeats(t *testing.T) {
	n := network{rtt: 100 * ms, jitter: 0.2, loss: 0.1, limit: 50, how: Timeout, fail: time.Second}
	a, b := n.run(t, 7, adaptive, 1500, whole), n.run(t, 7, adaptive, 1500, whole)
	if fmt.Sprint(a) != fmt.Sprint(b) {
		t.Error("two runs of the same seed differ")
	}
	if c := n.run(t, 8, adaptive, 1500, whole); fmt.Sprint(a) == fmt.Sprint(c) {
		t.Error("two seeds give the same run")
	}
}

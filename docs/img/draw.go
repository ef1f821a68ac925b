package main

import (
	"fmt"
	"html"
	"strings"
	"unicode/utf8"
)

// Lengths in the picture's units, and seconds.
const (
	cellWidth  = 7.2
	lineHeight = 17
	margin     = 16
	titleBar   = 30
	shortest   = 0.12 // a screen that is over sooner is left out
)

// shown is a line of text that stood in a row from one time to another.
type shown struct {
	row      int
	text     string
	from, to float64 // seconds, as recorded; to is -1 for what stays
}

// history plays c and returns what stood where and when. Screens that follow
// each other sooner than step are one.
func history(c cast, step float64) ([]shown, error) {
	var all []shown
	s := &screen{width: c.width}
	now := map[int]*shown{} // by row
	end := 0.0              // of the screen before
	for i, e := range c.events {
		if err := s.write(e.text); err != nil {
			return nil, err
		}
		last := i == len(c.events)-1
		if !last && c.events[i+1].at-end < step {
			continue
		}
		end = e.at
		for row := range s.rows {
			text := s.line(row)
			old := now[row]
			if old != nil && old.text == text {
				continue
			}
			if old != nil {
				old.to = end
				all = append(all, *old)
			}
			now[row] = &shown{row, text, end, -1}
		}
	}
	for row := range s.rows {
		all = append(all, *now[row])
	}
	return all, nil
}

// style makes one picture for light and dark pages. What needs no animation is
// the last screen, for whoever shows none or wants none.
const style = `<style>
rect{fill:#f6f8fa;stroke:#d0d7de}circle{fill:#d0d7de}text{fill:#1f2328;font:12px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace}.c{fill:#59636e}
.t{visibility:hidden}@keyframes on{from,to{visibility:visible}}@keyframes off{from,to{visibility:hidden}}
@media(prefers-color-scheme:dark){rect{fill:#0d1117;stroke:#3d444d}circle{fill:#3d444d}text{fill:#e6edf3}.c{fill:#9198a1}}
@media(prefers-reduced-motion:reduce){text{animation:none!important}}
</style>
`

// draw returns c as an SVG that plays it speed times as fast.
func draw(c cast, speed float64) (string, error) {
	all, err := history(c, shortest*speed)
	if err != nil {
		return "", err
	}
	rows := 0
	for _, l := range all {
		rows = max(rows, l.row+1)
	}
	width := float64(c.width)*cellWidth + 2*margin
	height := titleBar + rows*lineHeight + margin
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %.0f %d" role="img" aria-label="%s">`+"\n", width, height, html.EscapeString(c.title))
	b.WriteString(style)
	fmt.Fprintf(&b, `<rect x=".5" y=".5" width="%.0f" height="%d" rx="8"/>`, width-1, height-1)
	for i := range 3 {
		fmt.Fprintf(&b, `<circle cx="%d" cy="15" r="5"/>`, margin+4+16*i)
	}
	fmt.Fprintf(&b, `<text class="c" x="%.0f" y="19" text-anchor="middle">%s</text>`+"\n", width/2, html.EscapeString(c.title))
	for _, l := range all {
		if l.text == "" {
			continue
		}
		class, animation := "", ""
		switch {
		case l.to >= 0: // seen for a while
			class = ` class="t"`
			animation = fmt.Sprintf("on %.2fs %.2fs", (l.to-l.from)/speed, l.from/speed)
		case l.from > 0: // seen from then on
			animation = fmt.Sprintf("off %.2fs", l.from/speed)
		}
		// The length holds columns in line whatever font there is, and so do
		// spaces that no renderer folds.
		text := strings.TrimLeft(l.text, " ")
		n := utf8.RuneCountInString(text)
		x := margin + float64(utf8.RuneCountInString(l.text)-n)*cellWidth
		fmt.Fprintf(&b, `<text%s x="%.1f" y="%d" textLength="%.1f" style="animation:%s">%s</text>`+"\n",
			class, x, titleBar+(l.row+1)*lineHeight-4, float64(n)*cellWidth, animation, html.EscapeString(strings.ReplaceAll(text, " ", "\u00a0")))
	}
	b.WriteString("</svg>\n")
	return b.String(), nil
}

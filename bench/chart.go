package main

import (
	"fmt"
	"html"
	"strings"
)

// The chart's measures, in pixels.
const (
	chartWidth = 760
	labelWidth = 300
	barHeight  = 14
	rowGap     = 6
	groupGap   = 22
	chartMax   = 3.0 // ratio at the right edge; longer bars are cut and say so
)

// chart draws a bar for each client and workload with a bar of its own: CPU
// time as a ratio to net/http, shorter is better.
func (r *report) chart() string {
	var b strings.Builder
	y := 40
	scale := float64(chartWidth-labelWidth-60) / chartMax
	for _, w := range r.Work {
		if w.Bar == 0 {
			continue
		}
		fmt.Fprintf(&b, `<text x="10" y="%d" class="t">%s</text>`+"\n", y, html.EscapeString(w.Title))
		y += 8
		for i := range w.Rows {
			row := &w.Rows[i]
			if row.Ratio.Median == 0 {
				continue
			}
			width := min(row.Ratio.Median, chartMax) * scale
			class := "o"
			if row.Client == "mien" {
				class = "m"
			}
			more := ""
			if row.Ratio.Median > chartMax {
				more = " →"
			}
			fmt.Fprintf(&b, `<text x="%d" y="%d" class="n">%s</text><rect x="%d" y="%d" width="%.0f" height="%d" class="%s"/><text x="%.0f" y="%d" class="v">%.2f%s</text>`+"\n",
				labelWidth-8, y+barHeight-3, html.EscapeString(row.Client), labelWidth, y, width, barHeight, class,
				labelWidth+width+5, y+barHeight-3, row.Ratio.Median, more)
			y += barHeight + rowGap
		}
		y += groupGap
	}
	one := labelWidth + scale
	return fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12">
<style>.t{font-weight:bold}.n{text-anchor:end}.v{fill:#555}.m{fill:#0a7d4f}.o{fill:#b8c0c8}</style>
<rect width="100%%" height="100%%" fill="white"/>
<text x="10" y="18">CPU time per request as a ratio to net/http, %s; shorter is better</text>
<line x1="%.0f" y1="28" x2="%.0f" y2="%d" stroke="#888" stroke-dasharray="3 3"/>
%s</svg>
`, chartWidth, y, chartWidth, y, r.Date, one, one, y-groupGap, b.String())
}

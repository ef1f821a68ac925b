package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

// report is a whole run.
type report struct {
	Date    string            `json:"date"`
	Machine string            `json:"machine"`
	Missing map[string]string `json:"missing,omitempty"` // clients that were not built
	// Unverified are clients that accepted a certificate which no root of theirs signed.
	Unverified []string `json:"unverified,omitempty"`
	Work       []result `json:"work"`
	Ways       []way    `json:"processes,omitempty"` // a process for each request, against one Session
}

// result is one workload.
type result struct {
	Name  string  `json:"name"`
	Title string  `json:"title"`
	Bar   float64 `json:"bar,omitempty"`
	Rows  []row   `json:"rows"`

	work workload
}

func newReport(missing map[string]string, programs []program) *report {
	r := &report{
		Date:    time.Now().UTC().Format(time.DateOnly),
		Machine: machine(),
		Missing: missing,
	}
	for _, p := range programs {
		if p.unverified {
			r.Unverified = append(r.Unverified, p.name)
		}
	}
	return r
}

// machine is the kind of machine: what a reader needs to judge the figures by.
func machine() string {
	model := runtime.GOARCH
	if info, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(info)) {
			if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
				model = strings.TrimSpace(value)
				break
			}
		}
	}
	return fmt.Sprintf("%d cores, %s, %s, %s", runtime.NumCPU(), model, runtime.GOOS, runtime.Version())
}

func (r *report) add(w workload, rows []row) {
	r.Work = append(r.Work, result{w.name, w.title, w.bar, rows, w})
}

// last is the newest workload as text.
func (r *report) last() string { return r.Work[len(r.Work)-1].markdown() + "\n" }

// markdown is the workload as a table.
func (r *result) markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "### %s\n\n", r.Title)
	if r.Bar > 0 {
		base := "net/http"
		if r.work.fastest && len(r.Rows) > 0 {
			base = "the fastest other client, " + r.Rows[0].Base
		}
		fmt.Fprintf(&b, "Bar for mien: %.2f × %s; %s.\n\n", r.Bar, base, r.verdict())
	}
	if r.work.limits != "" {
		fmt.Fprintf(&b, "Bar for mien: %s.\n\n", r.work.limits)
	}
	b.WriteString("| client | ratio (95 %) | CPU per request | allocations | KB | wall | RSS | connections | failed |\n|---|---|---|---|---|---|---|---|---|\n")
	for i := range r.Rows {
		b.WriteString(r.Rows[i].markdown(&r.work))
	}
	return b.String()
}

func (r *result) verdict() string {
	for i := range r.Rows {
		if r.Rows[i].Client != "mien" {
			continue
		}
		switch high := r.Rows[i].Ratio.High; {
		case high == 0:
			return "not measured"
		case high < r.Bar:
			return "met"
		default:
			return fmt.Sprintf("not met, the interval ends at %.2f", high)
		}
	}
	return "not measured"
}

func (r *row) markdown(w *workload) string {
	if len(r.Rounds) == 0 {
		return fmt.Sprintf("| %s | %s | | | | | | | |\n", r.Client, strings.ReplaceAll(firstLine(r.Problem), "|", "/"))
	}
	var cpu, allocations, bytes, wall, rss, opened []float64
	failed, requests := 0, 0
	total := counts{}
	for _, x := range r.Rounds {
		n := float64(max(x.Done, 1))
		cpu = append(cpu, float64(x.CPU)/n/1e3)
		allocations = append(allocations, float64(x.Mallocs)/n)
		bytes = append(bytes, float64(x.Allocated)/n/1e3)
		wall = append(wall, x.Wall.Seconds())
		rss = append(rss, float64(x.RSSPeak)/(1<<20))
		opened = append(opened, float64(x.Server.Opened))
		total.Handshook += x.Server.Handshook
		total.Resumed += x.Server.Resumed
		failed += x.Failed
		requests += x.Done + x.Failed
	}
	ratio := "–"
	if r.Ratio.Median > 0 {
		ratio = fmt.Sprintf("%.2f (%.2f–%.2f)", r.Ratio.Median, r.Ratio.Low, r.Ratio.High)
	}
	share := "0"
	if failed > 0 {
		share = fmt.Sprintf("%.1f %%", 100*float64(failed)/float64(requests))
	}
	memory := fmt.Sprintf("%.0f MB", median(rss))
	if w.figure == rssPerConn {
		var each []float64
		for _, x := range r.Rounds {
			each = append(each, w.value(x)/kib)
		}
		memory = fmt.Sprintf("%.0f KiB each", median(each))
	}
	connections := "–"
	if m := median(opened); m > 0 {
		connections = fmt.Sprintf("%.0f", m)
		if after := total.Handshook - int64(len(r.Rounds)); w.job.Resume && after > 0 {
			connections += fmt.Sprintf(", %.1f %% of those after the first resumed", 100*float64(total.Resumed)/float64(after))
		}
	}
	return fmt.Sprintf("| %s | %s | %.1f µs | %.0f | %.1f | %.2f s | %s | %s | %s |\n",
		r.Client, ratio, median(cpu), median(allocations), median(bytes), median(wall), memory, connections, share)
}

// ways is what the old advice came to, as a table.
func (r *report) ways() string {
	if len(r.Ways) == 0 {
		return ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, "### %d requests of a second each, %d at once, by mien\n\n", processRequests, processesAtOnce)
	b.WriteString("| | wall | CPU | memory | connections | failed |\n|---|---|---|---|---|---|\n")
	for _, w := range r.Ways {
		fmt.Fprintf(&b, "| %s | %.1f s | %.2f s | %.0f MB | %d | %d |\n",
			w.Name, w.Wall.Seconds(), w.CPU.Seconds(), float64(w.Memory)/(1<<20), w.Server.Opened, w.Failed)
	}
	return b.String() + "\n"
}

// write puts results.json, results.md and chart.svg into dir.
func (r *report) write(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // results are for everybody
		return err
	}
	data, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "# Results of %s\n\n%s. Ratios are to net/http unless it says otherwise: the median of those of each round; the interval is a bootstrap's. Allocations and memory are the client process's.\n\n", r.Date, r.Machine)
	for i := range r.Work {
		b.WriteString(r.Work[i].markdown() + "\n")
	}
	b.WriteString(r.ways())
	if len(r.Unverified) > 0 {
		fmt.Fprintf(&b, "Unverified, for these clients accept any certificate: %s.\n\n", strings.Join(r.Unverified, ", "))
	}
	for _, name := range slices.Sorted(maps.Keys(r.Missing)) {
		fmt.Fprintf(&b, "%s was left out: %s.\n", name, r.Missing[name])
	}
	for name, content := range map[string]string{"results.json": string(data) + "\n", "results.md": b.String(), "chart.svg": r.chart()} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil { //nolint:gosec // see above
			return err
		}
	}
	return nil
}

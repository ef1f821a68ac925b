// Command bench measures mien beside net/http and other clients: the same work,
// in the same run, by turns. "make bench" runs its short form.
//
// Each client is a program of its own in clients/, held to one core; the servers
// have the other. What counts is the CPU time of the client process, as a ratio
// to net/http's in the same round: on a machine with two shared cores nothing
// else is worth reporting.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"time"
)

func main() {
	if len(os.Args) > 1 && os.Args[1] == "serve" {
		if err := serve(os.Args[2:]); err != nil {
			fmt.Fprintln(os.Stderr, "bench serve:", err)
			os.Exit(1)
		}
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// options are what the command line says.
type options struct {
	rounds  int           // of mien and net/http
	peers   int           // rounds that the other clients take part in
	out     string        // folder for the results
	clients []string      // names, none: all that build
	work    []string      // names of workloads, none: all
	limit   time.Duration // of one measurement
	profile string        // folder for CPU profiles of mien, "" for none
}

func run(ctx context.Context) error {
	var o options
	var clients, work string
	flag.IntVar(&o.rounds, "rounds", 10, "rounds in which mien and net/http are measured")
	flag.IntVar(&o.peers, "peer-rounds", 1, "rounds in which the other clients are measured too")
	flag.StringVar(&o.out, "out", "results", "folder for the results")
	flag.StringVar(&clients, "clients", "", "clients to measure, separated by commas; all that can be built if empty")
	flag.StringVar(&work, "work", "", "workloads to run, separated by commas; all if empty")
	flag.DurationVar(&o.limit, "limit", 10*time.Second, "time that one measurement may take")
	flag.StringVar(&o.profile, "profile", "", "folder for CPU profiles of mien")
	flag.Parse()
	if flag.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q", flag.Arg(0))
	}
	o.clients, o.work = list(clients), list(work)

	if o.profile != "" {
		if err := os.MkdirAll(o.profile, 0o755); err != nil { //nolint:gosec // results are for everybody
			return err
		}
	}
	dir, err := os.MkdirTemp("", "mien-bench-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	servers, err := startServers(ctx, dir)
	if err != nil {
		return err
	}
	defer servers.stop()
	programs, missing, err := build(ctx, dir, o.clients)
	if err != nil {
		return err
	}
	foreign := filepath.Join(dir, "foreign")
	if err := os.Mkdir(foreign, 0o700); err != nil {
		return err
	}
	other, err := makeCertificates(foreign)
	if err != nil {
		return err
	}
	for i := range programs {
		programs[i].unverified = unverified(ctx, programs[i], servers, other.root, o)
	}
	report := newReport(missing, programs)
	for _, w := range workloads {
		if !o.runs(w.name) {
			continue
		}
		rows, err := measure(ctx, o, w, servers, programs)
		if err != nil {
			return fmt.Errorf("%s: %w", w.name, err)
		}
		report.add(w, rows)
		fmt.Print(report.last())
	}
	if o.runs("processes") && programs[0].name == "mien" {
		if report.Ways, err = processes(ctx, o, servers, programs[0]); err != nil {
			return fmt.Errorf("processes: %w", err)
		}
		fmt.Print(report.ways())
	}
	return report.write(o.out)
}

func (o *options) runs(name string) bool {
	if len(o.work) == 0 {
		return true
	}
	for _, w := range o.work {
		if w == name {
			return true
		}
	}
	return false
}

func list(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == ' ' })
}

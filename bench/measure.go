package main

import (
	"context"
	"path/filepath"
	"strings"

	"github.com/mien-http/mien/bench/driver"
)

// round is one measurement of one client, with what the server saw of it.
type round struct {
	driver.Result
	Server counts `json:"server"`
}

// row is what one client came to in one workload, round by round.
type row struct {
	Client  string    `json:"client"`
	Rounds  []round   `json:"rounds"`
	Base    string    `json:"base,omitempty"` // whom Ratios compare with
	Ratios  []float64 `json:"ratios"`         // of the workload's figure, to Base in the same round
	Ratio   interval  `json:"ratio"`
	Problem string    `json:"problem,omitempty"` // why a round has no figure
}

// leads reports whether name is one of the two that take part in every round.
func leads(name string) bool { return name == "mien" || name == "nethttp" }

// measure runs w in rounds. In each round every client has its turn, each in a
// process of its own, in an order that turns by one from round to round. The
// other clients do a part of the requests, and no more rounds after one failed.
func measure(ctx context.Context, o options, w workload, s *servers, programs []program) ([]row, error) {
	rows := make([]row, len(programs))
	for i, p := range programs {
		rows[i].Client = p.name
	}
	addrs := strings.Fields(s.addrs[w.server])
	if len(addrs) == 0 {
		for i := range rows {
			rows[i].Problem = "no " + w.server + " on this machine"
		}
		return rows, nil
	}
	job := w.job
	job.CA, job.Timeout = s.root, o.limit
	for _, addr := range addrs {
		job.URLs = append(job.URLs, "https://"+addr+w.path)
	}
	rounds := o.rounds
	if w.rounds > 0 {
		rounds = min(rounds, w.rounds)
	}
	peers := o.peers
	if w.peers > 0 {
		peers = min(peers, w.peers)
	}
	all := make([]map[string]round, rounds) // results by client
	for n := range all {
		all[n] = make(map[string]round)
		for turn := range programs {
			i := (turn + n) % len(programs)
			p, own := programs[i], job
			if !leads(p.name) {
				if n >= peers && !w.fastest || rows[i].Problem != "" {
					continue
				}
				own.Requests /= max(w.peerShare, 1)
			}
			if p.name == "mien" && o.profile != "" && n == 0 {
				own.Profile = filepath.Join(o.profile, w.name+".pprof")
			}
			result, err := once(ctx, p, own, s, w.server)
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			if err != nil {
				result.Error = err.Error()
			}
			if result.Error != "" {
				rows[i].Problem = result.Error
				continue
			}
			rows[i].Rounds = append(rows[i].Rounds, result)
			if result.Done > 0 {
				all[n][p.name] = result
			}
		}
	}
	for i := range rows {
		rows[i].compare(w, all, programs)
	}
	return rows, nil
}

// compare fills in the ratios: to net/http, or, where the workload says so, to
// the fastest of the others.
func (r *row) compare(w workload, all []map[string]round, programs []program) {
	r.Base = "nethttp"
	if w.fastest {
		r.Base = fastest(w, all, programs)
	}
	for _, results := range all {
		own, ok := results[r.Client]
		base, based := results[r.Base]
		if ok && based {
			r.Ratios = append(r.Ratios, w.value(own)/w.value(base))
		}
	}
	r.Ratio = medianInterval(r.Ratios)
}

// fastest is the client other than mien with the lowest median of w's figure.
func fastest(w workload, all []map[string]round, programs []program) (name string) {
	lowest := 0.0
	for _, p := range programs {
		var values []float64
		for _, results := range all {
			if r, ok := results[p.name]; ok && r.Failed == 0 {
				values = append(values, w.value(r))
			}
		}
		if p.name == "mien" || len(values) == 0 {
			continue
		}
		if m := median(values); name == "" || m < lowest {
			name, lowest = p.name, m
		}
	}
	return name
}

// once gives one job to a new process of p.
func once(ctx context.Context, p program, job driver.Job, s *servers, server string) (round, error) {
	ctx, cancel := context.WithTimeout(ctx, job.Timeout+grace)
	defer cancel()
	if _, err := s.counts(server); err != nil {
		return round{}, err
	}
	process, err := p.start(ctx, job.CA)
	if err != nil {
		return round{}, err
	}
	result, err := process.do(job)
	process.stop()
	if err != nil {
		return round{Result: result}, err
	}
	seen, err := s.counts(server)
	return round{result, seen}, err
}

// value is what w compares: CPU time for each request that succeeded, or memory
// for each connection that is held.
func (w *workload) value(r round) float64 {
	if w.figure == rssPerConn {
		return float64(r.RSS-r.RSSBefore) / float64(w.job.Requests)
	}
	return float64(r.CPU) / float64(max(r.Done, 1))
}

// unverified finds out whether a client talks to a server whose certificate no
// root of its signed: two sets of certificates, one for each side.
func unverified(ctx context.Context, p program, s *servers, foreign string, o options) bool {
	for _, work := range []struct{ protocol, server string }{{"h2", "go"}, {"http/1.1", "h1"}} {
		job := driver.Job{
			URLs: []string{"https://" + s.addrs[work.server] + "/1k"}, Protocol: work.protocol, CA: foreign,
			Requests: 1, InFlight: 1, Timeout: o.limit,
		}
		if r, err := once(ctx, p, job, s, work.server); err == nil && r.Done > 0 {
			return true
		}
	}
	return false
}

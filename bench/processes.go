package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/mien-http/mien/bench/driver"
)

// The advice that is measured: a process for each request, so many at once.
const (
	processRequests = 400
	processesAtOnce = 200
)

// way is what one way of sending the same requests came to.
type way struct {
	Name   string        `json:"name"`
	Done   int           `json:"done"`
	Failed int           `json:"failed"`
	Wall   time.Duration `json:"wall"`
	CPU    time.Duration `json:"cpu"`    // of all client processes, their start included
	Memory int64         `json:"memory"` // bytes, the most that the client processes had together; a shared page counts once
	Server counts        `json:"server"`
}

// processes sends the same requests, each of which the server takes a second
// for, in two ways: by a process for each, and by one Session.
func processes(ctx context.Context, o options, s *servers, p program) ([]way, error) {
	job := driver.Job{
		URLs: []string{"https://" + s.addrs["go"] + "/slow"}, Protocol: "h2", CA: s.root, Timeout: o.limit,
		Requests: processRequests, InFlight: processesAtOnce,
	}
	one := job
	one.Requests, one.InFlight = 1, 1
	var ways []way
	for _, of := range []struct {
		name    string
		job     driver.Job
		n, once int
	}{
		{"a process for each request", one, processRequests, processesAtOnce},
		{"one Session", job, 1, 1},
	} {
		if _, err := s.counts("go"); err != nil {
			return nil, err
		}
		w := together(ctx, p, of.job, of.n, of.once)
		w.Name = of.name
		seen, err := s.counts("go")
		if err != nil {
			return nil, err
		}
		w.Server = seen
		ways = append(ways, w)
	}
	return ways, ctx.Err()
}

// together runs job in n processes, some at once.
func together(ctx context.Context, p program, job driver.Job, n, once int) way {
	var (
		w       way
		mu      sync.Mutex // guards w and running
		running = make(map[int]bool)
		wg      sync.WaitGroup
		places  = make(chan struct{}, once)
		over    = make(chan struct{})
		watched sync.WaitGroup
	)
	watched.Go(func() {
		for {
			mu.Lock()
			pids := make([]int, 0, len(running))
			for pid := range running {
				pids = append(pids, pid)
			}
			mu.Unlock()
			sum := int64(0)
			for _, pid := range pids {
				sum += proportional(pid)
			}
			mu.Lock()
			w.Memory = max(w.Memory, sum)
			mu.Unlock()
			select {
			case <-over:
				return
			case <-time.After(100 * time.Millisecond):
			}
		}
	})
	start := time.Now()
	for range n {
		places <- struct{}{}
		wg.Go(func() {
			defer func() { <-places }()
			result, cpu, err := alone(ctx, p, job, func(pid int, runs bool) {
				mu.Lock()
				defer mu.Unlock()
				if delete(running, pid); runs {
					running[pid] = true
				}
			})
			mu.Lock()
			defer mu.Unlock()
			if err != nil || result.Error != "" {
				w.Failed += job.Requests
				return
			}
			w.Done += result.Done
			w.Failed += result.Failed
			w.CPU += cpu
		})
	}
	wg.Wait()
	w.Wall = time.Since(start)
	close(over)
	watched.Wait()
	return w
}

// alone runs job in a process of its own and returns what the process took in
// all, from its start to its end.
func alone(ctx context.Context, p program, job driver.Job, tell func(pid int, runs bool)) (driver.Result, time.Duration, error) {
	process, err := p.start(ctx, job.CA)
	if err != nil {
		return driver.Result{}, 0, err
	}
	pid := process.cmd.Process.Pid
	tell(pid, true)
	result, err := process.do(job)
	tell(pid, false)
	process.stop()
	state := process.cmd.ProcessState
	if state == nil {
		return result, 0, fmt.Errorf("no state of %s", p.name)
	}
	return result, state.UserTime() + state.SystemTime(), err
}

// proportional is the memory of a process in bytes, a shared page divided by
// those who share it. 0 where the system does not tell.
func proportional(pid int) int64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	if err != nil {
		return 0
	}
	for line := range bytes.Lines(text) {
		if value, ok := bytes.CutPrefix(line, []byte("Pss:")); ok {
			kib, _ := strconv.ParseInt(string(bytes.TrimSuffix(bytes.TrimSpace(value), []byte(" kB"))), 10, 64)
			return kib << 10
		}
	}
	return 0
}

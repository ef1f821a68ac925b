// Package driver is what every measured client has around it: it reads jobs,
// runs them, and says what they cost this process. The clients are programs of
// their own, so that their dependencies never meet and each has a garbage
// collector to itself.
//
// Jobs come as JSON lines on standard input, results go as JSON lines to
// standard output.
package driver

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// A Job is one measurement of one client.
type Job struct {
	URLs     []string      `json:"urls"`              // of the requests, by turns
	Protocol string        `json:"protocol"`          // "h2" or "http/1.1": what the client is to speak
	CA       string        `json:"ca"`                // file with the certificate to trust, PEM
	Requests int           `json:"requests"`          // measured ones
	Warmup   int           `json:"warmup"`            // made before, not measured
	InFlight int           `json:"in_flight"`         // at once
	Fresh    bool          `json:"fresh,omitempty"`   // a new connection for each request
	Resume   bool          `json:"resume,omitempty"`  // with Fresh: by resuming a session
	Timeout  time.Duration `json:"timeout"`           // of the whole job
	Profile  string        `json:"profile,omitempty"` // file for a CPU profile
	Hold     bool          `json:"hold,omitempty"`    // what the connections hold when all is done is measured
	Bytes    int64         `json:"bytes,omitempty"`   // length of each response's decoded content, 0: any
}

// A Result is what a Job came to. CPU, allocations and memory are the client
// process's.
type Result struct {
	Error     string         `json:"error,omitempty"`    // why there is nothing else
	Done      int            `json:"done"`               // requests that succeeded
	Failed    int            `json:"failed"`             // requests that did not
	Failures  map[string]int `json:"failures,omitempty"` // the first texts, counted
	CPU       time.Duration  `json:"cpu"`                // user and system time of the measured part
	Wall      time.Duration  `json:"wall"`               // of the measured part
	Mallocs   uint64         `json:"mallocs"`            // in the measured part
	Allocated uint64         `json:"allocated"`          // bytes, in the measured part
	RSSBefore int64          `json:"rss_before"`         // bytes, before the measured part
	RSS       int64          `json:"rss"`                // bytes, at its end
	RSSPeak   int64          `json:"rss_peak"`           // bytes, of the process so far
}

// Client sends requests. Get is called by many goroutines at once; it reads the
// whole response and returns how many bytes it had.
type Client interface {
	Get(ctx context.Context, url string) (int64, error)
	Close()
}

// Main runs jobs with clients that open makes, until standard input ends.
func Main(open func(Job) (Client, error)) {
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 1<<20)
	out := json.NewEncoder(os.Stdout)
	for in.Scan() {
		var job Job
		result := Result{}
		if err := json.Unmarshal(in.Bytes(), &job); err != nil {
			result.Error = err.Error()
		} else {
			result = run(job, open)
		}
		if out.Encode(result) != nil {
			return
		}
	}
}

func run(job Job, open func(Job) (Client, error)) (result Result) {
	if job.Hold && job.Profile != "" {
		runtime.MemProfileRate = 4 << 10
	}
	client, err := open(job)
	if err != nil {
		return Result{Error: err.Error()}
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), job.Timeout)
	defer cancel()
	r := runner{job: job, client: client}
	r.requests(ctx, job.Warmup)
	if r.failed.Load() > 0 && r.failed.Load() == int64(job.Warmup) {
		return Result{Error: "warm-up: " + r.firstFailure()}
	}
	r.reset()
	if job.Hold {
		debug.FreeOSMemory()
	} else {
		runtime.GC() // without giving memory back: its return would be measured
	}
	if job.Profile != "" {
		if f, err := os.Create(job.Profile); err == nil {
			defer func() { _ = f.Close() }()
			_ = pprof.StartCPUProfile(f)
			defer pprof.StopCPUProfile()
		}
	}
	result.RSSBefore, _ = rss()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	cpu, start := cpuTime(), time.Now()
	r.requests(ctx, job.Requests)
	result.CPU, result.Wall = cpuTime()-cpu, time.Since(start)
	runtime.ReadMemStats(&after)
	result.Mallocs, result.Allocated = after.Mallocs-before.Mallocs, after.TotalAlloc-before.TotalAlloc
	if job.Hold {
		debug.FreeOSMemory()
		if job.Profile != "" {
			writeHeap(job.Profile + ".heap")
		}
	}
	result.RSS, result.RSSPeak = rss()
	result.Done, result.Failed = int(r.done.Load()), int(r.failed.Load())
	result.Failures = r.failures
	return result
}

// writeHeap writes what is in use to a file; a profile is an aid, not a result.
func writeHeap(path string) {
	f, err := os.Create(path)
	if err != nil {
		return
	}
	defer func() { _ = f.Close() }()
	_ = pprof.Lookup("heap").WriteTo(f, 0)
}

// runner sends the requests of one job.
type runner struct {
	job          Job
	client       Client
	done, failed atomic.Int64

	mu       sync.Mutex
	failures map[string]int // guarded by mu
}

func (r *runner) reset() {
	r.done.Store(0)
	r.failed.Store(0)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failures = nil
}

// requests sends n requests, InFlight at once.
func (r *runner) requests(ctx context.Context, n int) {
	var left atomic.Int64
	left.Store(int64(n))
	var wg sync.WaitGroup
	for range min(n, r.job.InFlight) {
		wg.Go(func() {
			for {
				turn := left.Add(-1)
				if turn < 0 {
					return
				}
				read, err := r.client.Get(ctx, r.job.URLs[turn%int64(len(r.job.URLs))])
				if err == nil && r.job.Bytes > 0 && read != r.job.Bytes {
					err = fmt.Errorf("%d bytes instead of %d", read, r.job.Bytes)
				}
				if err != nil {
					r.fail(err)
					continue
				}
				r.done.Add(1)
			}
		})
	}
	wg.Wait()
}

const maxFailures = 5 // different texts that are kept

func (r *runner) fail(err error) {
	r.failed.Add(1)
	text := err.Error()
	if len(text) > 160 {
		text = text[:160]
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.failures == nil {
		r.failures = make(map[string]int)
	}
	if _, known := r.failures[text]; known || len(r.failures) < maxFailures {
		r.failures[text]++
	}
}

func (r *runner) firstFailure() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var texts []string
	for text := range r.failures {
		texts = append(texts, text)
	}
	if len(texts) == 0 {
		return "failed"
	}
	return slices.Min(texts)
}

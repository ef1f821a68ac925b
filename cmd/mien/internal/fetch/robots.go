package fetch

import (
	"container/list"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// Bounds of what is known of robots.txt files.
const (
	maxRobotsBytes   = 500 << 10 // RFC 9309 §2.5: a crawler reads at least 500 KiB
	maxRobotsHops    = 5         // §2.3.1.2
	maxRobotsOrigins = 10_000
	robotsTimeout    = 30 * time.Second
	robotsAge        = 24 * time.Hour  // §2.4: no longer
	downAge          = 5 * time.Minute // until an origin that could not say is asked again
)

// robots knows the rules of origins, the latest used ones. Safe for concurrent
// use.
type robots struct {
	token string
	do    func(*http.Request) (*http.Response, error)
	turn  func(ctx context.Context, host string) error // waits until host may be asked
	slots chan struct{}                                // bounds fetches
	ctx   context.Context                              // the run's
	wg    *sync.WaitGroup                              // counts the run's goroutines

	mu      sync.Mutex
	origins map[string]*list.Element // guarded by mu; of *robotsEntry
	recent  list.List                // guarded by mu; the latest used first
}

// robotsEntry is what is known of one origin.
type robotsEntry struct {
	origin string
	known  chan struct{} // closed when what follows is there
	rules  rules         // not changed after
	down   error         // why robots.txt could not be had, nil if it could
	since  time.Time
}

// robotsError is a URL that is not asked for.
type robotsError struct {
	url string
	err error // nil: a rule disallows it
}

func (e *robotsError) Error() string {
	if e.err != nil {
		return fmt.Sprintf("robots.txt could not be had, so nothing of this origin is asked for (RFC 9309 §2.3.1.4): %v", e.err)
	}
	return fmt.Sprintf("robots.txt disallows %s", e.url)
}
func (e *robotsError) Unwrap() error { return e.err }

type robotsKey struct{}

// may returns the origin's Crawl-delay if u may be asked for, and a *robotsError
// if not. Another error is ctx's.
func (r *robots) may(ctx context.Context, u *url.URL) (time.Duration, error) {
	e := r.entry(u)
	select {
	case <-e.known:
	case <-ctx.Done():
		return 0, context.Cause(ctx)
	}
	switch {
	case e.down != nil:
		return 0, &robotsError{url: u.Redacted(), err: e.down}
	case !e.rules.allows(u.RequestURI()):
		return 0, &robotsError{url: u.Redacted()}
	}
	return e.rules.delay, nil
}

// entry is the origin's. Who needs it first sets off a fetch, which goes on
// without him: others wait for it too.
func (r *robots) entry(u *url.URL) *robotsEntry {
	origin := originOf(u)
	now := time.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	if at := r.origins[origin]; at != nil {
		e := at.Value.(*robotsEntry)
		if age := now.Sub(e.since); age < downAge || age < robotsAge && !e.isDown() {
			r.recent.MoveToFront(at)
			return e
		}
		r.recent.Remove(at)
	}
	e := &robotsEntry{origin: origin, known: make(chan struct{}), since: now}
	r.origins[origin] = r.recent.PushFront(e)
	for r.recent.Len() > maxRobotsOrigins {
		oldest := r.recent.Back()
		delete(r.origins, r.recent.Remove(oldest).(*robotsEntry).origin)
	}
	r.wg.Go(func() {
		defer close(e.known)
		e.rules, e.down = r.fetch(r.ctx, origin, hostOf(u))
	})
	return e
}

// isDown reports that robots.txt could not be had.
func (e *robotsEntry) isDown() bool {
	select {
	case <-e.known:
		return e.down != nil
	default:
		return false
	}
}

// fetch asks an origin for its robots.txt.
func (r *robots) fetch(ctx context.Context, origin, host string) (rules, error) {
	if err := r.turn(ctx, host); err != nil {
		return rules{}, err
	}
	select {
	case r.slots <- struct{}{}:
		defer func() { <-r.slots }()
	case <-ctx.Done():
		return rules{}, context.Cause(ctx)
	}
	ctx, cancel := context.WithTimeout(context.WithValue(ctx, robotsKey{}, true), robotsTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, origin+"/robots.txt", nil)
	if err != nil {
		return rules{}, err
	}
	resp, err := r.do(req)
	if err != nil {
		return rules{}, err
	}
	defer resp.Body.Close()
	switch {
	case resp.StatusCode >= 500:
		return rules{}, fmt.Errorf("%s answered %s", resp.Request.URL.Redacted(), resp.Status)
	case resp.StatusCode >= 300: // a chain of redirects longer than maxRobotsHops too
		return rules{}, nil
	}
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxRobotsBytes))
	if err != nil {
		return rules{}, err
	}
	return parseRules(text, r.token), nil
}

func originOf(u *url.URL) string { return u.Scheme + "://" + strings.ToLower(u.Host) }

func newRobots(r *run) *robots {
	return &robots{
		token: r.o.RobotsAgent, do: r.do, ctx: r.ctx, wg: &r.wg,
		turn:    func(ctx context.Context, host string) error { return r.pace.wait(ctx, host, 0) },
		slots:   make(chan struct{}, r.o.Concurrency),
		origins: make(map[string]*list.Element),
	}
}

package leak_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
)

// proxyNames are the only names that the client may look up.
var proxyNames = []string{"proxy.test"}

// witness answers every look-up, so that whatever looks up too much also goes
// on to connect, and remembers the names.
type witness struct {
	mu    sync.Mutex
	names []string // guarded by mu
}

func (r *witness) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.names = append(r.names, host)
	return []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1})}, nil
}

// heard gives the names since it was last called.
func (r *witness) heard() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	names := r.names
	r.names = nil
	return names
}

// TestNothingGoesAround: behind a proxy no origin's name is looked up, no origin
// sees a connection that is not a proxy's, and no credential gets further than
// the proxy, whatever goes wrong on the way.
func TestNothingGoesAround(t *testing.T) {
	t.Parallel()
	p := place{Near: proxyNames[0], Far: "second.test", Closed: "127.0.0.1:1", Origin: "127.0.0.1"}
	if l, err := net.Listen("tcp", "[::1]:0"); err == nil {
		l.Close()
		p.Origin6 = "::1"
	}
	w, err := startWorld(p, "127.0.0.1")
	defer w.close()
	if err != nil {
		t.Fatal(err)
	}
	t.Run("ways", func(t *testing.T) {
		for i, way := range ways() {
			t.Run(way.name, func(t *testing.T) {
				t.Parallel()
				var asked witness
				wrongs := 0
				for j, k := range cases() {
					if wrongs == enough {
						t.Fatalf("%d cases are wrong: the others are left out", enough)
					}
					if wrong := runCase(&w.place, &way, &k, fmt.Sprintf("w%dc%d", i, j), &asked); wrong != "" {
						t.Errorf("%s: %s", k.name, wrong)
						wrongs++
					}
					for _, name := range asked.heard() {
						if k.refused || !slices.Contains(proxyNames, name) {
							t.Errorf("%s: %q was looked up", k.name, name)
						}
					}
				}
			})
		}
	})
	for _, problem := range w.verdict(func(string) bool { return false }) {
		t.Error(problem)
	}
}

// TestWitnesses: what the test above relies on does see a session without a
// proxy, and credentials that go where they must not.
func TestWitnesses(t *testing.T) {
	w, err := startWorld(place{Near: proxyNames[0], Far: proxyNames[0], Origin: "127.0.0.1"}, "127.0.0.1")
	defer w.close()
	if err != nil {
		t.Fatal(err)
	}
	var asked witness
	k := leakCase{name: "direct", run: func(c *client) error {
		c.said.add(secretUser)
		_, _, err := c.do(c.session.Do, "POST", c.url("h2", "a", "/"), secretPassword)
		return errors.Join(err, c.get(c.url("h1", "a", "/"+secretUser)), c.get(c.url("h2", "a", "/"+secretPassword)))
	}}
	wrong := []string{runCase(&w.place, &direct, &k, "w0c0", &asked)}
	wrong = append(wrong, w.verdict(func(string) bool { return false })...)
	for _, want := range []string{"was told", "no proxy was asked", "origin h1 was connected to", "origin h2 was connected to",
		"origin h1 received \"" + secretUser[:telling], "origin h2 received \"" + secretPassword[:telling], "in a request's content"} {
		if !slices.ContainsFunc(wrong, func(text string) bool { return strings.Contains(text, want) }) {
			t.Errorf("nobody noticed: %s", want)
		}
	}
	if names := asked.heard(); !slices.Contains(names, "a-w0c0.test") {
		t.Errorf("looked up %q", names)
	}
}

package leak_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/mien-http/mien"
	"github.com/mien-http/mien/retry"
)

// runTime bounds one case, so that a hang is told from an answer. No case takes
// as long by itself.
const runTime = time.Minute

// client is one session for one case on one way. It belongs to one goroutine.
type client struct {
	place   *place
	way     *way
	id      string
	ctx     context.Context // ends with the case, carries the Options
	session *mien.Session
	said    said
}

// said collects whatever a session tells: log records, what hooks are told,
// errors.
type said struct {
	mu   sync.Mutex
	text bytes.Buffer // guarded by mu
}

func (s *said) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *said) add(info any) { fmt.Fprintf(s, "%v %+v\n", info, info) }

// runCase runs a case and returns what was wrong, "" for nothing.
func runCase(p *place, w *way, k *leakCase, id string, resolver mien.Resolver) string {
	c := &client{place: p, way: w, id: id}
	cfg := mien.Config{
		TLS: trusting(p.CA), ProxyTLS: trusting(p.ProxyCA), Resolver: resolver,
		// Few and quick: the cases are about where packets go, not about patience.
		Retry:  retry.Policy{MaxConnectAttempts: 3, ConnectBase: time.Millisecond, ConnectCap: time.Millisecond, Base: time.Millisecond, Cap: time.Millisecond},
		Logger: slog.New(slog.NewTextHandler(&c.said, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Hooks: mien.Hooks{
			Handshake: func(i mien.HandshakeInfo) { c.said.add(i) },
			Retry:     func(i mien.RetryInfo) { c.said.add(i) },
			Phase:     func(i mien.PhaseInfo) { c.said.add(i) },
			Done:      func(i mien.RequestInfo) { c.said.add(i) },
		},
	}
	proxies := w.urls(p, k.fault(), id)
	options := w.choose(&cfg, proxies)
	if k.change != nil {
		if !k.change(p, w, proxies, &cfg, &options) {
			return "" // the case is not about this way
		}
		if cfg.Proxy == nil && options.Proxy == nil && options.ProxyChain == nil {
			return "the case has no proxy"
		}
	}
	s, err := mien.New(cfg)
	if err != nil {
		return err.Error()
	}
	c.session = s
	ctx, cancel := context.WithTimeout(context.Background(), runTime)
	defer cancel()
	c.ctx = mien.WithOptions(ctx, options)
	err = k.run(c)
	_ = s.Close()
	c.said.add(s.Stats())
	var all []error
	if err != nil {
		all = append(all, err)
	}
	for _, secret := range append([]string{secretUser, secretPassword}, basics(proxies)...) {
		if line := lineWith(c.said.text.String(), secret[:telling]); line != "" {
			all = append(all, fmt.Errorf("%q was told: %s", secret, line))
		}
	}
	if err := errors.Join(all...); err != nil {
		return err.Error()
	}
	return ""
}

// basics are the credentials as HTTP carries them.
func basics(proxies []*url.URL) []string {
	var all []string
	for _, u := range proxies {
		r := &http.Request{Header: make(http.Header)}
		password, _ := u.User.Password()
		r.SetBasicAuth(u.User.Username(), password)
		all = append(all, strings.TrimPrefix(r.Header.Get("Authorization"), "Basic "))
	}
	return all
}

func lineWith(text, word string) string {
	for line := range strings.Lines(text) {
		if strings.Contains(line, word) {
			return line
		}
	}
	return ""
}

func trusting(ca []byte) *tls.Config {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(ca)
	return &tls.Config{RootCAs: pool}
}

// url names a site; the host is the case's own, and label what the site is to
// do. A kind that is no site's is unknown to it.
func (c *client) url(kind, label, path string) string {
	return c.at(kind, label+"-"+c.id+".test", path)
}

func (c *client) at(kind, host, path string) string {
	scheme := "https"
	if kind == "plain" {
		scheme = "http"
	}
	return scheme + "://" + net.JoinHostPort(host, c.place.Sites[kind]) + path
}

// hears notes the texts of an error and of all that it is made of.
func (c *client) hears(err error) {
	if err == nil {
		return
	}
	c.said.add(err)
	switch e := err.(type) {
	case interface{ Unwrap() error }:
		c.hears(e.Unwrap())
	case interface{ Unwrap() []error }:
		for _, err := range e.Unwrap() {
			c.hears(err)
		}
	}
}

// do sends a request by send and reads the answer.
func (c *client) do(send func(*http.Request) (*http.Response, error), method, url, content string) (*http.Response, string, error) {
	var body io.Reader
	if content != "" {
		body = strings.NewReader(content)
	}
	req, err := http.NewRequestWithContext(c.ctx, method, url, body)
	if err != nil {
		return nil, "", err
	}
	resp, err := send(req)
	if err != nil {
		c.hears(err)
		return nil, "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	c.hears(err)
	return resp, string(text), err
}

// good expects the origin's answer.
func (c *client) good(resp *http.Response, text string, err error) error {
	if err == nil && (resp.StatusCode != http.StatusOK || text != goodAnswer) {
		err = fmt.Errorf("%s: %q, want the origin's answer", resp.Status, text)
	}
	return err
}

// get expects the origin's answer to a GET.
func (c *client) get(url string) error {
	return c.good(c.do(c.session.Do, http.MethodGet, url, ""))
}

// fails expects that a GET does not reach the origin: an error of one of
// classes, any class if there are none, or, of a proxy that forwards, its own answer.
func (c *client) fails(url string, classes ...retry.Class) error {
	resp, text, err := c.do(c.session.Do, http.MethodGet, url, "")
	if err == nil {
		if c.way.forwards() && strings.HasPrefix(url, "http:") && resp.StatusCode >= 400 {
			return nil
		}
		return fmt.Errorf("%s: %q, want a failure", resp.Status, text)
	}
	var e *mien.Error
	if !errors.As(err, &e) {
		return fmt.Errorf("%T: %w, want a *mien.Error", err, err)
	}
	if len(classes) == 0 || slices.Contains(classes, e.Class) {
		return nil
	}
	return fmt.Errorf("class %q, want one of %q: %w", e.Class, classes, err)
}

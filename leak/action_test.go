package leak_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"runtime"
	"strconv"
	"sync"
	"time"

	"github.com/mien-http/mien"
)

func post(kind string) func(*client) error {
	return func(c *client) error {
		return c.good(c.do(c.session.Do, http.MethodPost, c.url(kind, "a", "/"), "content"))
	}
}

// literal asks sites by address, that of the origin if addr is "".
func literal(addr string) func(*client) error {
	return func(c *client) error {
		host := addr
		if host == "" {
			host = c.place.Origin
		}
		if err := c.get(c.at("plain", host, "/")); err != nil {
			return err
		}
		return c.get(c.at("h1", c.place.Origin, "/"))
	}
}

// literal6 asks for an IPv6 address, which SOCKS4 cannot carry.
func literal6(c *client) error {
	if c.place.Origin6 == "" {
		return nil
	}
	target := c.at("six", c.place.Origin6, "/")
	if family(c.way.schemes[len(c.way.schemes)-1]) == "socks4" {
		return c.fails(target)
	}
	return c.get(target)
}

// upgrade has the origin echo behind a WebSocket handshake.
func upgrade(kind string) func(*client) error {
	return func(c *client) error {
		req, err := http.NewRequestWithContext(c.ctx, http.MethodGet, c.url(kind, "a", "/echo"), nil)
		if err != nil {
			return err
		}
		req.Header = http.Header{
			"Connection": {"Upgrade"}, "Upgrade": {"websocket"}, "Sec-WebSocket-Version": {"13"}, "Sec-WebSocket-Key": {"AAAAAAAAAAAAAAAAAAAAAA=="},
		}
		resp, err := c.session.Do(req)
		if err != nil {
			c.hears(err)
			return err
		}
		defer resp.Body.Close()
		far, ok := resp.Body.(io.ReadWriteCloser)
		if resp.StatusCode != http.StatusSwitchingProtocols || !ok {
			return fmt.Errorf("%s with a %T", resp.Status, resp.Body)
		}
		if _, err := io.WriteString(far, "echo"); err != nil {
			return err
		}
		heard := make([]byte, 4)
		if _, err = io.ReadFull(far, heard); err == nil && string(heard) != "echo" {
			err = fmt.Errorf("heard %q", heard)
		}
		return err
	}
}

// deadline lets the time of a request run out.
func deadline(kind string) func(*client) error {
	return func(c *client) error {
		ctx, cancel := context.WithTimeout(c.ctx, 20*time.Millisecond)
		defer cancel()
		return c.ends(ctx, kind, nil, context.DeadlineExceeded)
	}
}

// leave cancels a request while a proxy has it.
func leave(kind string) func(*client) error {
	return func(c *client) error {
		ctx, cancel := context.WithCancel(c.ctx)
		defer cancel()
		return c.ends(ctx, kind, cancel, context.Canceled)
	}
}

func closeWhileConnecting(c *client) error {
	return c.ends(c.ctx, "h2", func() { _ = c.session.Close() }, net.ErrClosed)
}

// ends sends a request that nobody answers, calls end when a socket is open for
// it, and expects an error. What came before has left no socket.
func (c *client) ends(ctx context.Context, kind string, end func(), want error) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.url(kind, "a", "/"), nil)
	if err != nil {
		return err
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		if end == nil {
			return
		}
		for ctx.Err() == nil && c.session.Stats().Sockets == 0 {
			runtime.Gosched()
		}
		end()
	})
	resp, err := c.session.Do(req)
	wg.Wait()
	if err == nil {
		resp.Body.Close()
		return fmt.Errorf("%s, want %w", resp.Status, want)
	}
	c.hears(err)
	for c.session.Stats().Sockets > 0 { // it may have been ready the moment the caller left, and then it is kept
		if c.ctx.Err() != nil {
			return errors.New("a socket stays open")
		}
		c.session.CloseIdleConnections()
		runtime.Gosched()
	}
	if !errors.Is(err, want) {
		return fmt.Errorf("%w, want %w", err, want)
	}
	return nil
}

// closeInBody ends the session while a body is read.
func closeInBody(c *client) error {
	req, err := http.NewRequestWithContext(c.ctx, http.MethodGet, c.url("h2", "a", "/hang"), nil)
	if err != nil {
		return err
	}
	resp, err := c.session.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_ = c.session.Close()
	if _, err := io.ReadAll(resp.Body); err == nil {
		return errors.New("the body ended well after Close")
	}
	if _, _, err := c.do(c.session.Do, http.MethodGet, c.url("h2", "b", "/"), ""); !errors.Is(err, net.ErrClosed) {
		return fmt.Errorf("%w, want net.ErrClosed after Close", err)
	}
	return nil
}

func closeIdle(c *client) error {
	c.session.CloseIdleConnections()
	return nil
}

// byClient has an http.Client follow redirects.
func byClient(of func(*client) *http.Client) func(*client) error {
	return func(c *client) error {
		client := of(c)
		for _, from := range []string{"h2", "plain"} {
			target := c.url(from, "from", "/to?url="+url.QueryEscape(c.url("h1", "to", "/")))
			if err := c.good(c.do(client.Do, http.MethodGet, target, "")); err != nil {
				return err
			}
		}
		return nil
	}
}

// reverse serves others through the session.
func reverse(c *client) error {
	for _, kind := range []string{"h2", "h1", "plain"} {
		target, err := url.Parse(c.url(kind, "a", "/"))
		if err != nil {
			return err
		}
		var failed error
		server := &httputil.ReverseProxy{
			Transport:    c.session,
			Rewrite:      func(r *httputil.ProxyRequest) { r.SetURL(target) },
			ErrorHandler: func(_ http.ResponseWriter, _ *http.Request, err error) { failed = err },
		}
		answer := httptest.NewRecorder()
		server.ServeHTTP(answer, httptest.NewRequestWithContext(c.ctx, http.MethodGet, "http://front.test/", nil))
		c.hears(failed)
		if err := c.good(answer.Result(), answer.Body.String(), failed); err != nil {
			return err
		}
	}
	return nil
}

// many asks a few hosts a hundred times, at once.
func many(c *client) error {
	errs := make([]error, 100)
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() {
			kind := "h2"
			if i%10 < 2 {
				kind = []string{"h1", "plain"}[i%10]
			}
			errs[i] = c.get(c.url(kind, "m"+strconv.Itoa(i%4), "/"))
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// impatient gives a proxy little time, and no second chance.
func impatient(_ *place, _ *way, _ []*url.URL, cfg *mien.Config, _ *mien.Options) bool {
	cfg.Timeouts.Proxy, cfg.Retry.MaxConnectAttempts = 10*time.Millisecond, -1
	return true
}

func fresh(_ *place, _ *way, _ []*url.URL, _ *mien.Config, o *mien.Options) bool {
	o.FreshConnection = true
	return true
}

package mien_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/mien-http/mien"
	"github.com/mien-http/mien/mientest"
	"github.com/mien-http/mien/retry"
)

// redirects answers /to?status=…&location=… with that redirect, /hops/n with n
// more hops, and every other path with 200. It notes each request.
type redirects struct {
	mu   sync.Mutex
	seen []seenRequest // guarded by mu
}

type seenRequest struct {
	method, host, path, body string
	header                   http.Header
}

func (h *redirects) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b, _ := io.ReadAll(r.Body)
	h.mu.Lock()
	h.seen = append(h.seen, seenRequest{r.Method, r.Host, r.URL.Path, string(b), r.Header.Clone()})
	h.mu.Unlock()
	if n, ok := strings.CutPrefix(r.URL.Path, "/hops/"); ok && n != "0" {
		left, _ := strconv.Atoi(n)
		w.Header().Set("Location", "/hops/"+strconv.Itoa(left-1))
		w.WriteHeader(http.StatusFound)
		return
	}
	if q := r.URL.Query(); r.URL.Path == "/to" {
		status, _ := strconv.Atoi(q.Get("status"))
		w.Header()["Location"] = q["location"]
		w.WriteHeader(status)
		_, _ = io.WriteString(w, "moved")
	}
}

// take returns the requests seen since the last take.
func (h *redirects) take() []seenRequest {
	h.mu.Lock()
	defer h.mu.Unlock()
	seen := h.seen
	h.seen = nil
	return seen
}

func newRedirects(t *testing.T, cfg mientest.Config) (*redirects, *mientest.Origin) {
	h := new(redirects)
	cfg.Handler = h
	return h, newOrigin(t, cfg)
}

// to is a URL on base that redirects to location.
func to(base string, status int, location string) string {
	return base + "/to?" + url.Values{"status": {strconv.Itoa(status)}, "location": {location}}.Encode()
}

func class(err error) retry.Class {
	var e *mien.Error
	if errors.As(err, &e) {
		return e.Class
	}
	return "not a mien.Error"
}

// What becomes of method and body (Fetch standard, HTTP-redirect fetch, step 12).
func TestRedirectMethods(t *testing.T) {
	for _, p := range protocols {
		seen, origin := newRedirects(t, mientest.Config{Protocols: p.alpn})
		s := newSession(t, mien.Config{})
		for _, tt := range []struct {
			method string
			status map[int]string
		}{
			{"GET", map[int]string{301: "GET", 302: "GET", 303: "GET", 307: "GET", 308: "GET"}},
			{"HEAD", map[int]string{301: "HEAD", 302: "HEAD", 303: "HEAD", 307: "HEAD", 308: "HEAD"}},
			{"POST", map[int]string{301: "GET", 302: "GET", 303: "GET", 307: "POST body", 308: "POST body"}},
			{"PUT", map[int]string{301: "PUT body", 302: "PUT body", 303: "GET", 307: "PUT body", 308: "PUT body"}},
			{"PATCH", map[int]string{301: "PATCH body", 302: "PATCH body", 303: "GET", 307: "PATCH body", 308: "PATCH body"}},
			{"DELETE", map[int]string{301: "DELETE body", 302: "DELETE body", 303: "GET", 307: "DELETE body", 308: "DELETE body"}},
		} {
			for status, want := range tt.status {
				t.Run(fmt.Sprintf("%s/%s/%d", p.name, tt.method, status), func(t *testing.T) {
					var body io.Reader
					if tt.method != "GET" && tt.method != "HEAD" {
						body = strings.NewReader("body")
					}
					req := request(t, tt.method, to(origin.URL, status, "/end"), body)
					req.Header = http.Header{
						"Content-Type": {"text/plain"}, "Content-Language": {"en"}, "Content-Location": {"/"},
						"Content-Encoding": {"identity"}, "X-Kept": {"1"},
					}
					resp, _ := mustDo(t, s.Do, req)
					all := seen.take()
					if len(all) != 2 {
						t.Fatalf("the origin saw %d requests", len(all))
					}
					last := all[1]
					if got := strings.TrimSpace(last.method + " " + last.body); got != want || last.path != "/end" {
						t.Errorf("%s %s, want %s", got, last.path, want)
					}
					kept := strings.Contains(want, "body") || want == tt.method
					for _, name := range []string{"Content-Type", "Content-Language", "Content-Location", "Content-Encoding"} {
						if (last.header.Get(name) != "") != kept {
							t.Errorf("%s: %q", name, last.header.Get(name))
						}
					}
					if last.header.Get("X-Kept") != "1" {
						t.Error("a field of the caller was lost")
					}
					if resp.Request.URL.Path != "/end" || resp.Request.Method != last.method {
						t.Errorf("resp.Request is %s %s", resp.Request.Method, resp.Request.URL)
					}
					if resp.Request.Response == nil || resp.Request.Response.StatusCode != status {
						t.Error("resp.Request.Response is not the redirect")
					}
				})
			}
		}
	}
}

// Without GetBody the body cannot be sent again: the caller gets the redirect.
func TestRedirectWithoutGetBody(t *testing.T) {
	seen, origin := newRedirects(t, mientest.Config{})
	s := newSession(t, mien.Config{})
	for _, c := range ways(s) {
		req := request(t, http.MethodPost, to(origin.URL, 307, "/end"), io.MultiReader(strings.NewReader("body")))
		resp, got := mustDo(t, c.do, req)
		if resp.StatusCode != 307 || got != "moved" || len(seen.take()) != 1 {
			t.Errorf("%s: %s %q", c.name, resp.Status, got)
		}
	}
}

// Every body that GetBody gave is closed, followed or not.
func TestRedirectClosesBodies(t *testing.T) {
	_, origin := newRedirects(t, mientest.Config{})
	for name, check := range map[string]func(*http.Request, []*http.Request) error{
		"followed": nil,
		"vetoed":   func(*http.Request, []*http.Request) error { return errBroken },
		"last":     func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	} {
		s := newSession(t, mien.Config{Redirect: mien.Redirect{Check: check}})
		var given []*watchedBody
		give := func() (io.ReadCloser, error) {
			b := watch(strings.NewReader("body"))
			given = append(given, b)
			return b, nil
		}
		req := request(t, http.MethodPost, to(origin.URL, 307, "/end"), nil)
		req.Body, _ = give()
		req.GetBody, req.ContentLength = give, 4
		if resp, err := s.Do(req); err == nil {
			readAll(t, resp)
		}
		for _, b := range given {
			b.mustClose(t)
		}
		if len(given) != 2 {
			t.Errorf("%s: GetBody was called %d times", name, len(given)-1)
		}
	}
}

func TestRedirectLimit(t *testing.T) {
	seen, origin := newRedirects(t, mientest.Config{})
	s := newSession(t, mien.Config{})
	for _, c := range ways(s)[:2] {
		resp, _ := mustDo(t, c.do, request(t, http.MethodGet, origin.URL+"/hops/20", nil))
		if resp.StatusCode != 200 || len(seen.take()) != 21 {
			t.Errorf("%s: 20 redirects: %s", c.name, resp.Status)
		}
		resp, err := c.do(request(t, http.MethodGet, origin.URL+"/hops/21", nil))
		if err == nil {
			t.Fatalf("%s: 21 redirects: %s", c.name, resp.Status)
		}
		if n := len(seen.take()); n != 21 {
			t.Errorf("%s: %d requests", c.name, n)
		}
		if resp == nil || resp.StatusCode != 302 {
			t.Errorf("%s: the last response is missing", c.name)
		}
		if c.name == "Do" && class(err) != retry.Redirect {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	for limit, want := range map[int]int{-1: 302, 2: 200, 1: 0} {
		s := newSession(t, mien.Config{Redirect: mien.Redirect{Max: limit}})
		for _, c := range ways(s)[:2] {
			resp, err := c.do(request(t, http.MethodGet, origin.URL+"/hops/2", nil))
			if want == 0 {
				if err == nil {
					t.Errorf("%s: limit %d: no error", c.name, limit)
				}
				continue
			}
			if err != nil || resp.StatusCode != want {
				t.Errorf("%s: limit %d: %v, %v", c.name, limit, resp, err)
				continue
			}
			readAll(t, resp) // the body is not closed
		}
	}
}

// With no redirect followed, a Location is none of the session's business.
func TestRedirectOffIgnoresLocation(t *testing.T) {
	_, origin := newRedirects(t, mientest.Config{})
	s := newSession(t, mien.Config{Redirect: mien.Redirect{Max: -1}})
	resp, err := s.Do(request(t, http.MethodGet, to(origin.URL, 302, "https://[::1/"), nil))
	if err != nil || resp.StatusCode != 302 {
		t.Fatalf("%v, %v", resp, err)
	}
	if got := readAll(t, resp); got != "moved" {
		t.Errorf("body %q", got)
	}
}

func TestRedirectCheck(t *testing.T) {
	seen, origin := newRedirects(t, mientest.Config{})
	var asked []string
	veto := error(nil)
	s := newSession(t, mien.Config{Redirect: mien.Redirect{Check: func(next *http.Request, via []*http.Request) error {
		entry := next.URL.Path
		for _, r := range via {
			entry += " < " + r.URL.Path
		}
		asked = append(asked, entry)
		if next.URL.Path == "/hops/1" {
			return veto
		}
		return nil
	}}})
	for _, c := range ways(s)[:2] {
		asked, veto = nil, nil
		mustDo(t, c.do, request(t, http.MethodGet, origin.URL+"/hops/3", nil))
		want := "[/hops/2 < /hops/3 /hops/1 < /hops/3 < /hops/2 /hops/0 < /hops/3 < /hops/2 < /hops/1]"
		if got := fmt.Sprint(asked); got != want {
			t.Errorf("%s: asked %s", c.name, got)
		}
		seen.take()

		veto = errBroken
		resp, err := c.do(request(t, http.MethodGet, origin.URL+"/hops/3", nil))
		if !errors.Is(err, errBroken) || len(seen.take()) != 2 {
			t.Errorf("%s: vetoed: %v", c.name, err)
		}
		if resp == nil || resp.StatusCode != 302 {
			t.Errorf("%s: vetoed: no response", c.name)
		}
		if c.name == "Do" && class(err) != retry.Redirect {
			t.Errorf("class %s", class(err))
		}

		veto = fmt.Errorf("enough: %w", http.ErrUseLastResponse)
		resp, err = c.do(request(t, http.MethodGet, origin.URL+"/hops/3", nil))
		if err != nil || resp.StatusCode != 302 || resp.Header.Get("Location") != "/hops/1" || len(seen.take()) != 2 {
			t.Fatalf("%s: last response: %v, %v", c.name, resp, err)
		}
		readAll(t, resp)
	}
}

func TestRedirectDowngrade(t *testing.T) {
	plainSeen, plain := newRedirects(t, mientest.Config{Plain: true})
	_, origin := newRedirects(t, mientest.Config{})
	for _, refused := range []bool{false, true} {
		s := newSession(t, mien.Config{Redirect: mien.Redirect{NoDowngrade: refused}})
		for _, c := range ways(s)[:2] {
			resp, err := c.do(request(t, http.MethodGet, to(origin.URL, 302, plain.URL+"/end"), nil))
			if !refused {
				if err != nil {
					t.Errorf("%s: %v", c.name, err)
					continue
				}
				readAll(t, resp)
			} else if err == nil || class(err) != retry.Redirect && c.name == "Do" {
				t.Errorf("%s: downgrade refused: %v", c.name, err)
			}
			if n := len(plainSeen.take()); (n == 0) != refused {
				t.Errorf("%s: the http origin saw %d requests", c.name, n)
			}
			// The other way is no downgrade.
			mustDo(t, c.do, request(t, http.MethodGet, to(plain.URL, 302, origin.URL+"/end"), nil))
			plainSeen.take()
		}
	}
}

func TestRedirectLocation(t *testing.T) {
	_, origin := newRedirects(t, mientest.Config{})
	s := newSession(t, mien.Config{})
	for _, tt := range []struct{ from, location, want string }{
		{"#a", "/end", "/end#a"},
		{"#a", "/end#b", "/end#b"},
		{"#a%2Fb", "/end", "/end#a%2Fb"},
		{"", "end?x=1", "/end?x=1"},
		{"", "?status=200", "/to?status=200"},
		{"", "//" + strings.TrimPrefix(origin.URL, "https://") + "/p%2Fq", "/p%2Fq"},
		{"", "./a/../b", "/b"},
		{"", " /end", "/end"},
	} {
		resp, err := s.Do(request(t, http.MethodGet, to(origin.URL, 302, tt.location)+tt.from, nil))
		if err != nil {
			t.Errorf("%q: %v", tt.location, err)
			continue
		}
		readAll(t, resp)
		if got := strings.TrimPrefix(resp.Request.URL.String(), origin.URL); got != tt.want {
			t.Errorf("%s, Location %q: %q, want %q", tt.from, tt.location, got, tt.want)
		}
	}
	// No Location, no redirect; nor with a status that is none.
	for _, status := range []int{300, 304, 305} {
		if resp, _ := mustDo(t, s.Do, request(t, http.MethodGet, to(origin.URL, status, "/end"), nil)); resp.StatusCode != status {
			t.Errorf("%d was followed", status)
		}
	}
	if resp, _ := mustDo(t, s.Do, request(t, http.MethodGet, origin.URL+"/to?status=302", nil)); resp.StatusCode != 302 {
		t.Errorf("302 without Location: %s", resp.Status)
	}
	for _, location := range []string{"https://[::1/", "ftp://example.test/", "https://", "https://a b/"} {
		req := request(t, http.MethodGet, to(origin.URL, 302, location), nil)
		resp, err := s.Do(req)
		var e *mien.Error
		if !errors.As(err, &e) || e.Class != retry.Redirect || e.Request != req {
			t.Errorf("%q: %v", location, err)
			continue
		}
		if resp == nil || resp.StatusCode != 302 || resp.Header.Get("Location") != location {
			t.Errorf("%q: response %v", location, resp)
		} else if _, err := resp.Body.Read(make([]byte, 1)); err == nil {
			t.Errorf("%q: the body is open", location)
		}
	}
}

// The body of a redirect that goes on for ever does not hold up the next hop.
func TestRedirectWithEndlessBody(t *testing.T) {
	for _, p := range protocols {
		origin := newOrigin(t, mientest.Config{Protocols: p.alpn, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/end" {
				return
			}
			http.Redirect(w, r, "/end", http.StatusFound)
			for r.Context().Err() == nil {
				if _, err := w.Write(make([]byte, 1<<10)); err != nil {
					return
				}
			}
		})})
		s := newSession(t, mien.Config{Limits: mien.Limits{InFlight: 1}})
		resp, _ := get(t, s, origin.URL)
		if resp.StatusCode != 200 {
			t.Errorf("%s: %s", p.name, resp.Status)
		}
	}
}

// dialTo leads every name to origin.
func dialTo(origin *mientest.Origin) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "tcp", origin.Addr().String())
	}
}

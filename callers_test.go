package mien_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/mien-http/mien"
	"github.com/mien-http/mien/mientest"
	"github.com/mien-http/mien/retry"
)

// errCallers is what a function of the caller's fails with: it looks like the end
// of a connection, and is that of another one than ours.
var errCallers = &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}

// failingBody is a body whose Read fails.
type failingBody struct{}

func (failingBody) Read([]byte) (int, error) { return 0, errCallers }
func (failingBody) Close() error             { return nil }

// errOpaque says nothing of what it is.
var errOpaque = errors.New("the caller's function failed")

// callersFault is one function or part of the caller's that fails.
type callersFault struct {
	name    string
	cfg     func(*mien.Config)
	request func(*http.Request)
	refused bool // the first attempt is refused unprocessed
	want    error
	phase   retry.Phase
	class   retry.Class
	retries int
}

func callersFaults() []callersFault {
	return []callersFault{
		{name: "Proxy", want: errCallers, phase: retry.PhaseProxy, class: retry.Invalid, cfg: func(c *mien.Config) {
			c.Proxy = func(*http.Request) (*url.URL, error) { return nil, errCallers }
		}},
		// Looking up and connecting are the network's: what cannot be told is
		// tried once more.
		{name: "Resolver", want: errOpaque, phase: retry.PhaseDNS, class: retry.Unknown, retries: 1, cfg: func(c *mien.Config) {
			c.Resolver = failingResolver{errOpaque}
		}, request: func(r *http.Request) { r.URL.Host = "name.test" }},
		{name: "DialContext", want: errOpaque, phase: retry.PhaseDial, class: retry.Unknown, retries: 1, cfg: func(c *mien.Config) {
			c.DialContext = func(context.Context, string, string) (net.Conn, error) { return nil, errOpaque }
		}},
		{name: "VerifyConnection", want: errCallers, phase: retry.PhaseTLS, class: retry.Certificate, cfg: func(c *mien.Config) {
			c.TLS.VerifyConnection = func(tls.ConnectionState) error { return errCallers }
		}},
		{name: "VerifyPeerCertificate", want: errCallers, phase: retry.PhaseTLS, class: retry.Certificate, cfg: func(c *mien.Config) {
			c.TLS.VerifyPeerCertificate = func([][]byte, [][]*x509.Certificate) error { return errCallers }
		}},
		{name: "GetClientCertificate", want: errCallers, phase: retry.PhaseTLS, class: retry.Invalid, cfg: func(c *mien.Config) {
			c.TLS.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return nil, errCallers }
		}},
		{name: "KeyLogWriter", want: errCallers, phase: retry.PhaseTLS, class: retry.Invalid, cfg: func(c *mien.Config) {
			c.TLS.KeyLogWriter = failingWriter{errCallers}
		}},
		{name: "Redirect.Check", want: errCallers, phase: retry.PhaseHeaders, class: retry.Redirect, cfg: func(c *mien.Config) {
			c.Redirect.Check = func(*http.Request, []*http.Request) error { return errCallers }
		}, request: func(r *http.Request) { r.URL.Path = "/redirect" }},
		{name: "Got1xxResponse", want: errCallers, phase: retry.PhaseHeaders, class: retry.Invalid, request: func(r *http.Request) {
			r.URL.Path = "/early/refused"
			*r = *r.WithContext(httptrace.WithClientTrace(r.Context(), &httptrace.ClientTrace{
				Got1xxResponse: func(int, textproto.MIMEHeader) error { return errCallers },
			}))
		}},
		{name: "body", want: errCallers, phase: retry.PhaseHeaders, class: retry.Invalid, request: func(r *http.Request) {
			r.Method, r.Body, r.ContentLength = http.MethodPut, failingBody{}, 7
			r.GetBody = func() (io.ReadCloser, error) { return failingBody{}, nil }
		}},
		{name: "body without GetBody", want: errCallers, phase: retry.PhaseHeaders, class: retry.Invalid, request: func(r *http.Request) {
			r.Method, r.Body, r.ContentLength = http.MethodPut, failingBody{}, -1
		}},
		{name: "GetBody", want: errCallers, phase: retry.PhaseWrite, class: retry.Invalid, retries: 1, refused: true, request: func(r *http.Request) {
			r.Method, r.Body, r.ContentLength = http.MethodPut, io.NopCloser(strings.NewReader("content")), 7
			r.GetBody = func() (io.ReadCloser, error) { return nil, errCallers }
		}},
		{name: "GetBody at a redirect", want: errCallers, phase: retry.PhaseHeaders, class: retry.Redirect, request: func(r *http.Request) {
			r.URL.Path = "/redirect"
			r.Method, r.Body, r.ContentLength = http.MethodPut, io.NopCloser(strings.NewReader("content")), 7
			r.GetBody = func() (io.ReadCloser, error) { return nil, errCallers }
		}},
	}
}

// What fails in the caller's own part is the caller's: the error comes back as it
// was given, says so by its class, and is no reason to try again.
func TestCallersFaults(t *testing.T) {
	for _, p := range protocols {
		for _, f := range callersFaults() {
			t.Run(p.name+"/"+f.name, func(t *testing.T) { f.meet(t, p) })
		}
	}
}

func (f *callersFault) meet(t *testing.T, p protocol) {
	config := mientest.Config{
		Protocols: p.alpn,
		TLS:       &tls.Config{ClientAuth: tls.RequestClientCert},
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/redirect" {
				http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
				return
			}
			parityHandler(w, r)
		}),
	}
	if f.refused {
		config.Faults.Request.Script = func(n int, _ *http.Request) mientest.RequestAction {
			if n > 1 {
				return mientest.RequestAction{}
			}
			return mientest.RequestAction{Reset: true, ResetCode: 7} // REFUSED_STREAM
		}
	}
	origin := newOrigin(t, config)
	seen := &retries{}
	cfg := mien.Config{
		TLS:   &tls.Config{RootCAs: origin.CertPool()},
		Retry: retry.Policy{Base: time.Millisecond, Cap: time.Millisecond, ConnectBase: time.Millisecond, ConnectCap: time.Millisecond},
		Hooks: mien.Hooks{Retry: seen.add},
	}
	if f.cfg != nil {
		f.cfg(&cfg)
	}
	s := newSession(t, cfg)
	req := request(t, http.MethodGet, origin.URL, nil)
	if f.request != nil {
		f.request(req)
	}
	_, err := s.Do(req)
	var e *mien.Error
	if !errors.As(err, &e) || !errors.Is(err, f.want) {
		t.Fatal(err)
	}
	if e.Class != f.class || e.Phase != f.phase && !(f.phase == retry.PhaseHeaders && e.Phase == retry.PhaseWrite) {
		t.Errorf("phase %q, class %v: %v", e.Phase, e.Class, err)
	}
	if n := len(seen.list); n != f.retries {
		t.Errorf("%d retries of %v", n, err)
	}
	settled(t, s)
}

// A body that is not as long as it was said to be is an invalid request, and the
// error names both lengths.
func TestBodyOfAnotherLength(t *testing.T) {
	stream := func(s string) io.ReadCloser { return watch(strings.NewReader(s)) }
	memory := func(s string) io.ReadCloser { return io.NopCloser(strings.NewReader(s)) }
	for _, p := range protocols {
		origin := newOrigin(t, mientest.Config{Protocols: p.alpn, Handler: http.HandlerFunc(parityHandler)})
		for _, tt := range []struct {
			name   string
			body   func(string) io.ReadCloser
			text   string
			length int64
			want   []string
			sent   bool // some of it may have been
		}{
			{"short stream", stream, "short", 10, []string{" 5 bytes", " 10"}, true},
			{"long stream", stream, "longer than said", 3, []string{" 3 bytes", " 16 bytes"}, true},
			{"short in memory", memory, "short", 10, []string{" 5 bytes", " 10"}, false},
			{"long in memory", memory, "longer than said", 3, []string{" 16 bytes", " 3"}, false},
		} {
			for _, rewinds := range []bool{false, true} {
				seen := &retries{}
				s := newSession(t, mien.Config{Hooks: mien.Hooks{Retry: seen.add}})
				req := request(t, http.MethodPut, origin.URL+"/after", nil)
				req.Body, req.ContentLength = tt.body(tt.text), tt.length
				if rewinds {
					req.GetBody = func() (io.ReadCloser, error) { return tt.body(tt.text), nil }
				}
				_, err := s.Do(req)
				var e *mien.Error
				if !errors.As(err, &e) || e.Class != retry.Invalid || e.Sent && !tt.sent || len(seen.list) > 0 {
					t.Errorf("%s, %s: %+v, retries %v", p.name, tt.name, err, seen.list)
					continue
				}
				for _, words := range tt.want {
					if !strings.Contains(err.Error(), words) {
						t.Errorf("%s, %s: %v does not say%s", p.name, tt.name, err, words)
					}
				}
				settled(t, s)
			}
		}
	}
}

// A Reader that breaks its contract costs the request alone.
func TestBodyThatLies(t *testing.T) {
	for _, p := range protocols {
		origin := newOrigin(t, mientest.Config{Protocols: p.alpn, Handler: http.HandlerFunc(parityHandler)})
		s := newSession(t, mien.Config{})
		for _, n := range []int{-1, 1 << 20} {
			req := request(t, http.MethodPut, origin.URL+"/after", readerFunc(func([]byte) (int, error) { return n, nil }))
			_, err := s.Do(req)
			var e *mien.Error
			if !errors.As(err, &e) || e.Class != retry.Invalid {
				t.Errorf("%s, %d: %v", p.name, n, err)
			}
		}
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

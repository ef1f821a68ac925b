package mien_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/mien-http/mien"
	"github.com/mien-http/mien/fingerprint"
	"github.com/mien-http/mien/mientest"
	"github.com/mien-http/mien/retry"
)

// closeCounter is a body that knows whether it was closed.
type closeCounter struct {
	io.Reader
	closed int
}

func (c *closeCounter) Close() error { c.closed++; return nil }

// A request that could mean something else to the origin than to the caller is
// refused whole, with the part named, and nothing is sent.
func TestInvalidRequests(t *testing.T) {
	set := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header[name] = []string{value} }
	}
	for _, tt := range []struct {
		name   string
		change func(*http.Request)
		names  string // what the text must name
	}{
		{"method with CRLF", func(r *http.Request) { r.Method = "GET / HTTP/1.1\r\nX: y" }, "method"},
		{"method with space", func(r *http.Request) { r.Method = "GE T" }, "method"},
		{"CONNECT", func(r *http.Request) { r.Method = "CONNECT" }, "CONNECT"},
		{"host with CRLF", func(r *http.Request) { r.Host = "a\r\nX: y" }, "Host"},
		{"URL host with space", func(r *http.Request) { r.URL.Host = "exa mple.test" }, "host"},
		{"URL host with NUL", func(r *http.Request) { r.URL.Host = "example.test\x00" }, "host"},
		{"no host", func(r *http.Request) { r.URL.Host = "" }, "host"},
		{"port", func(r *http.Request) { r.URL.Host = "example.test:70000" }, "port"},
		{"scheme", func(r *http.Request) { r.URL.Scheme = "ftp" }, "ftp"},
		{"no scheme", func(r *http.Request) { r.URL.Scheme = "" }, "scheme"},
		{"opaque path with space", func(r *http.Request) { r.URL.Opaque = "//example.test/a b" }, "0x20"},
		{"query with LF", func(r *http.Request) { r.URL.RawQuery = "a=b\nc" }, "0x0a"},
		{"header name with colon", set("X:Y", "1"), "X:Y"},
		{"header name with CRLF", set("X\r\nY", "1"), "field name"},
		{"header value with CRLF", set("X", "1\r\nY: 2"), "X"},
		{"header value with NUL", set("X", "a\x00b"), "X"},
		{"trailer value", func(r *http.Request) { r.Trailer = http.Header{"X-T": {"a\nb"}} }, "trailer"},
		{"trailer name", func(r *http.Request) { r.Trailer = http.Header{"Content-Length": {"1"}} }, "Content-Length"},
		{"content length", func(r *http.Request) { r.ContentLength = -7 }, "ContentLength"},
		{"RequestURI", func(r *http.Request) { r.RequestURI = "/x" }, "RequestURI"},
		{"nil URL", func(r *http.Request) { r.URL = nil }, "URL"},
	} {
		for _, scheme := range []string{"https", "http"} {
			t.Run(tt.name+"/"+scheme, func(t *testing.T) {
				origin := newOrigin(t, mientest.Config{Plain: scheme == "http"})
				done := &results{}
				s := newSession(t, mien.Config{Hooks: mien.Hooks{Done: done.add}})
				req := request(t, http.MethodPost, origin.URL, nil)
				body := &closeCounter{Reader: strings.NewReader("x")}
				req.Body = body
				tt.change(req)
				_, err := s.Do(req)
				var e *mien.Error
				if !errors.As(err, &e) {
					t.Fatalf("%T: %v", err, err)
				}
				if e.Class != retry.Invalid || e.Sent || e.Attempt != 0 || e.Request != req {
					t.Errorf("%+v", e)
				}
				if !strings.Contains(err.Error(), tt.names) {
					t.Errorf("%q does not name %q", err, tt.names)
				}
				if told := done.clear(); len(told) != 1 || told[0].Err != e || told[0].Request != req {
					t.Errorf("the Done hook heard %+v", told)
				}
				if st := s.Stats(); st.Requests != 1 || st.Failed != 1 {
					t.Errorf("%d requests, %d failed", st.Requests, st.Failed)
				}
				if body.closed == 0 {
					t.Error("the body was not closed")
				}
				if c := origin.Counters(); c.Handshakes+c.Connections != 0 {
					t.Errorf("a connection was made: %+v", c)
				}
			})
		}
	}
}

func TestMalformedURL(t *testing.T) {
	s := newSession(t, mien.Config{})
	for _, u := range []string{"https://exa mple.test/", "https://[::1", "://", "https://a:b/", "%"} {
		_, err := s.Get(t.Context(), u)
		var e *mien.Error
		if !errors.As(err, &e) || e.Class != retry.Invalid {
			t.Errorf("%q: %v", u, err)
		}
	}
}

func TestUnknownProfile(t *testing.T) {
	_, err := fingerprint.Lookup("chrome-156-linus")
	if err == nil || !strings.Contains(err.Error(), "chrome-156-linux") {
		t.Errorf("%v does not name the near one", err)
	}
}

// Certificates that do not verify are never retried and never asked past.
func TestCertificates(t *testing.T) {
	for _, p := range protocols {
		for _, tt := range []struct {
			name string
			cert mientest.CertKind
			is   func(error) bool
		}{
			{"expired", mientest.CertExpired, func(err error) bool {
				var e x509.CertificateInvalidError
				return errors.As(err, &e) && e.Reason == x509.Expired
			}},
			{"wrong host", mientest.CertWrongHost, func(err error) bool { var e x509.HostnameError; return errors.As(err, &e) }},
			{"untrusted", mientest.CertUntrusted, func(err error) bool { var e x509.UnknownAuthorityError; return errors.As(err, &e) }},
		} {
			t.Run(p.name+"/"+tt.name, func(t *testing.T) {
				origin := newOrigin(t, mientest.Config{Protocols: p.alpn, Cert: tt.cert})
				s := newSession(t, mien.Config{})
				_, err := s.Get(t.Context(), origin.URL)
				var e *mien.Error
				if !errors.As(err, &e) || e.Class != retry.Certificate || e.Phase != retry.PhaseTLS || e.Sent {
					t.Fatalf("%v", err)
				}
				var verification *tls.CertificateVerificationError
				if !errors.As(err, &verification) || !tt.is(err) {
					t.Errorf("cause %T: %v", e.Err, e.Err)
				}
				if c := origin.Counters(); c.Handshakes != 1 || c.Requests != 0 {
					t.Errorf("%+v", c)
				}
			})
		}
	}
}

func TestPlainHTTPOnTLSPort(t *testing.T) {
	origin := newOrigin(t, mientest.Config{Plain: true})
	s := newSession(t, mien.Config{})
	_, err := s.Get(t.Context(), strings.Replace(origin.URL, "http://", "https://", 1))
	var e *mien.Error
	if !errors.As(err, &e) || e.Class != retry.NotTLS {
		t.Fatalf("%v", err)
	}
	var header tls.RecordHeaderError
	if !errors.As(err, &header) {
		t.Errorf("cause %T", e.Err)
	}
	if !strings.Contains(err.Error(), "scheme") {
		t.Errorf("%q does not ask about the scheme", err)
	}
}

// A Config that contradicts itself is an error that names the field.
func TestInvalidConfig(t *testing.T) {
	broken := fingerprint.Chrome()
	broken.HTTP2.PseudoHeaders = nil
	for _, tt := range []struct {
		cfg   mien.Config
		names string
	}{
		{mien.Config{TLS: &tls.Config{MinVersion: tls.VersionTLS13}}, "TLS.MinVersion"},
		{mien.Config{TLS: &tls.Config{NextProtos: []string{"h2"}}}, "TLS.NextProtos"},
		{mien.Config{TLS: &tls.Config{CipherSuites: []uint16{1}}}, "TLS.CipherSuites"},
		{mien.Config{Proxy: http.ProxyURL(&url.URL{}), ProxyTLS: &tls.Config{MaxVersion: 1}}, "ProxyTLS.MaxVersion"},
		{mien.Config{Header: http.Header{"X\n": {"1"}}}, "Header"},
		{mien.Config{Header: http.Header{"X": {"1\r\n"}}}, "X"},
		{mien.Config{Limits: mien.Limits{BrowserConns: true, ConnsPerOrigin: 3}}, "BrowserConns"},
		{mien.Config{Retry: retry.Policy{BudgetRatio: 7}}, "BudgetRatio"},
		{mien.Config{Profile: broken}, "Profile"},
	} {
		s, err := mien.New(tt.cfg)
		if err == nil {
			_ = s.Close()
			t.Errorf("%s: no error", tt.names)
			continue
		}
		if !strings.Contains(err.Error(), tt.names) {
			t.Errorf("%q does not name %s", err, tt.names)
		}
	}
}

package mien_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/http2"

	"github.com/mien-http/mien"
	"github.com/mien-http/mien/mientest"
	"github.com/mien-http/mien/retry"
)

// An HTTP/2 connection that may not be used any more does not keep the one that
// may from being opened, however few are allowed.
func TestHTTP1RequiredWithOneConnection(t *testing.T) {
	for name, limits := range map[string]mien.Limits{"BrowserConns": {BrowserConns: true}, "ConnsPerOrigin": {ConnsPerOrigin: 1}} {
		t.Run(name, func(t *testing.T) {
			b := http1Required(t, place{protocol: protocols[0]}, 1)
			s := newSession(t, mien.Config{Limits: limits})
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			for range 2 {
				resp := mustGet(t, ctx, s, b.url)
				if readAll(t, resp); resp.Proto != "HTTP/1.1" {
					t.Errorf("answered over %s", resp.Proto)
				}
			}
		})
	}
}

// A request whose context has ended opens nothing.
func TestEndedContextDialsNothing(t *testing.T) {
	var dials atomic.Int32
	s := newSession(t, mien.Config{DialContext: func(context.Context, string, string) (net.Conn, error) {
		dials.Add(1)
		return nil, io.EOF
	}})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	body := &closeCounter{Reader: strings.NewReader("x")}
	req := request(t, http.MethodPost, "https://example.test/", body)
	_, err := s.Do(req.WithContext(ctx))
	_ = s.Close()
	if !errors.Is(err, context.Canceled) || dials.Load() != 0 || body.closed == 0 {
		t.Errorf("%d dials, body closed %d times: %v", dials.Load(), body.closed, err)
	}
}

func TestProxyFunctionError(t *testing.T) {
	s := newSession(t, mien.Config{Proxy: func(*http.Request) (*url.URL, error) {
		port := ":not-a-port" // apart, since a constant URL that cannot be parsed is a lint finding
		return url.Parse("http://user:hunter2@proxy.test" + port)
	}})
	_, err := s.Get(t.Context(), "https://example.test/")
	var e *mien.Error
	if !errors.As(err, &e) || e.Phase != retry.PhaseProxy || e.Sent {
		t.Fatal(err)
	}
	if text := err.Error(); strings.Contains(text, "hunter2") || strings.Contains(text, "  ") || !strings.Contains(text, "Config.Proxy") {
		t.Error(text)
	}
}

// Descriptors that nobody uses go when there are no more.
func TestIdleConnectionsGoWhenDescriptorsDo(t *testing.T) {
	origin := newOrigin(t, mientest.Config{Plain: true})
	dial := hosts(origin)
	var short atomic.Bool
	s := newSession(t, mien.Config{DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
		if short.Swap(false) {
			return nil, &net.OpError{Op: "dial", Net: network, Err: os.NewSyscallError("socket", syscall.EMFILE)}
		}
		return dial(ctx, network, addr)
	}})
	get(t, s, "http://a.test/")
	short.Store(true)
	get(t, s, "http://b.test/")
	for _, o := range s.Stats().Origins {
		if o.Origin == "http://a.test" && o.Connections != 0 {
			t.Errorf("%d idle connections kept", o.Connections)
		}
	}
}

// A connection of its own that allows no stream is not made again and again
// without a pause.
func TestFreshConnectionWithoutStreams(t *testing.T) {
	var conns atomic.Int32
	p := protocols[0]
	b := scriptedTLS(t, place{protocol: p}, []string{"h2"}, func(_ int, c *tls.Conn) {
		conns.Add(1)
		fr := http2.NewFramer(c, c)
		_ = fr.WriteSettings(http2.Setting{ID: http2.SettingMaxConcurrentStreams, Val: 0})
		if _, err := io.CopyN(io.Discard, c, int64(len(http2.ClientPreface))); err != nil {
			return
		}
		for {
			f, err := fr.ReadFrame()
			if err != nil {
				return
			}
			if h, ok := f.(*http2.HeadersFrame); ok {
				_ = fr.WriteRSTStream(h.StreamID, http2.ErrCodeRefusedStream)
			}
		}
	})
	s := newSession(t, mien.Config{TLS: b.cfg.TLS})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	req := request(t, http.MethodGet, b.url, nil)
	_, err := s.Do(req.WithContext(mien.WithOptions(ctx, mien.Options{FreshConnection: true})))
	if err == nil || ctx.Err() != nil || conns.Load() > 20 {
		t.Errorf("%d connections: %v", conns.Load(), fmt.Sprint(err))
	}
}

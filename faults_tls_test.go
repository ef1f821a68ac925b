package mien_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/mien-http/mien"
	"github.com/mien-http/mien/fingerprint"
	"github.com/mien-http/mien/mientest"
	"github.com/mien-http/mien/retry"
)

const fewHandshakes = 1 << 20 // more than any row makes

// handshakeFaults are the rows between an open socket and the first request.
func handshakeFaults() []fault {
	reset := outcome{phase: retry.PhaseTLS, class: retry.HandshakeReset}
	timeout := outcome{phase: retry.PhaseTLS, class: retry.HandshakeTimeout, timeout: true, deadline: true}
	certificate := outcome{phase: retry.PhaseTLS, class: retry.Certificate}
	alert := func(n uint8) outcome { return outcome{phase: retry.PhaseTLS, class: retry.Alert, alert: n} }
	const (
		accept = "RST at or after accept"
		bye    = "close_notify or user_canceled in a handshake"
		box    = "middlebox that reads one segment of the hello"
		cert   = "certificate: name, CA, expiry, constraints"
		alpn   = "no shared ALPN, or the server picks what was not offered"
	)
	goodbye := func(n uint8) outcome { o := reset; o.alert = n; return o }
	certFault := func(variant string, start func(*testing.T, place, int) *broken) fault {
		return fault{row: cert, variant: variant, start: start, want: certificate, decision: retry.Never}
	}
	all := []fault{
		{row: accept, direct: true, // the RST overtakes a proxy's own answer
			start: killing(mientest.RST, mientest.BeforeHello), want: reset,
			or: []outcome{{phase: retry.PhaseDial, class: retry.HandshakeReset}}, decision: retry.Any},
		{row: "RST after ClientHello", variant: "by the origin", start: killing(mientest.RST, mientest.AfterHello), want: reset, decision: retry.Any},
		{row: "RST after ClientHello", variant: "full accept queue",
			skipped: "whether a full accept queue answers with RST is a setting of the kernel (net.ipv4.tcp_abort_on_overflow); the client sees what it sees of RST at accept"},
		{row: "FIN after ClientHello", start: killing(mientest.FIN, mientest.AfterHello), want: reset, decision: retry.Any},
		{row: "FIN after ClientHello", variant: "before it", start: killing(mientest.FIN, mientest.BeforeHello), want: reset, decision: retry.Any},
		{row: "FIN inside a record", start: helloed(mientest.Action{Write: []byte{22, 3, 3, 0, 90, 2, 0, 0}}), want: reset, decision: retry.Any},
		{row: bye, variant: "close_notify", start: helloed(mientest.Action{Write: mientest.Alert(0)}), want: reset, decision: retry.Any},
		{row: bye, variant: "user_canceled", start: helloed(mientest.Action{Write: mientest.Alert(90)}), want: goodbye(90), decision: retry.Any},
		{row: box, variant: "and closes", start: oneSegment(false), want: reset, decision: retry.Any},
		{row: box, variant: "and drops the second", start: oneSegment(true), want: timeout, decision: retry.Any, bubble: true},
		{row: "handshake stalls", start: helloed(mientest.Action{End: mientest.Stall}), want: timeout, decision: retry.Any, bubble: true},
		{row: "EPIPE writing the hello", direct: true, start: brokenPipe, want: reset, decision: retry.Any},
		{row: "plain HTTP on a TLS port", start: plainHTTP, want: outcome{phase: retry.PhaseTLS, class: retry.NotTLS}, decision: retry.Never},
		{row: "alert 80 internal_error", start: helloed(mientest.Action{Write: mientest.Alert(80)}), want: alert(80), decision: retry.AnyOnce},
		certFault("name", certified(mientest.CertWrongHost)),
		certFault("CA", certified(mientest.CertUntrusted)),
		certFault("expiry", certified(mientest.CertExpired)),
		certFault("constraints", constrained),
		{row: "client certificate wanted, TLS 1.3", start: clientCert, decision: retry.Never,
			want: outcome{phase: retry.PhaseHeaders, class: retry.Alert, sent: true, alert: 116},
			// The alert races with the request: it may come before a byte of it left.
			or: []outcome{{phase: retry.PhaseHeaders, class: retry.Alert, alert: 116}, {phase: retry.PhaseWrite, class: retry.Alert, alert: 116}}},
		{row: alpn, variant: "no shared", start: strangerALPN, want: alert(120), decision: retry.Never},
		{row: alpn, variant: "not offered", start: unofferedALPN, want: alert(110), decision: retry.Never},
		{row: "PSK offered and a HelloRetryRequest comes", run: retriedHello},
	}
	for _, n := range []uint8{40, 70, 47, 71, 112} {
		all = append(all, fault{row: "alert 40, 70, 47, 71, 112", variant: strconv.Itoa(int(n)),
			start: helloed(mientest.Action{Write: mientest.Alert(n)}), want: alert(n), decision: retry.Never})
	}
	return all
}

// killing ends the first handshakes.
func killing(how mientest.Ending, when mientest.When) func(*testing.T, place, int) *broken {
	return func(t *testing.T, p place, times int) *broken {
		if times < 0 {
			times = fewHandshakes
		}
		return breaking(t, p, mientest.Config{Faults: mientest.Faults{Handshake: mientest.HandshakeFaults{First: times, How: how, When: when}}}, 0, nil)
	}
}

// helloed answers the first hellos by a.
func helloed(a mientest.Action) func(*testing.T, place, int) *broken {
	return func(t *testing.T, p place, times int) *broken {
		script := func(n int, _ *fingerprint.ClientHello) mientest.Action {
			if breaks(n, times) {
				return a
			}
			return mientest.Action{}
		}
		return breaking(t, p, mientest.Config{Faults: mientest.Faults{Script: script}}, 0, nil)
	}
}

// oneSegment reads no more of the first hellos than a middlebox that takes the
// first segment for the whole, and closes, or drops the rest.
func oneSegment(drop bool) func(*testing.T, place, int) *broken {
	return func(t *testing.T, p place, times int) *broken {
		b := breaking(t, p, mientest.Config{}, 0, nil)
		origin := b.url[len("https://") : len(b.url)-1]
		addr := scripted(t, p, func(n int, nc net.Conn) {
			if !breaks(n, times) {
				relay(p, nc, origin)
				return
			}
			_, _ = io.ReadFull(nc, make([]byte, 1400)) // a hello with ML-KEM is longer
			if drop {
				gone(nc)
			}
		})
		b.url = "https://" + addr + "/"
		return b
	}
}

// relay copies between nc and addr until either ends.
func relay(p place, nc net.Conn, addr string) {
	far, err := p.dial(context.Background(), "tcp", addr)
	if err != nil {
		return
	}
	splice(nc, far)
}

// splice copies both ways; each end, FIN or RST, is passed on as what it is.
func splice(a, b net.Conn) {
	defer b.Close()
	defer a.Close()
	done := make(chan struct{})
	go func() {
		defer close(done)
		forward(b, a)
	}()
	forward(a, b)
	<-done
}

func forward(from, to net.Conn) {
	if _, err := io.Copy(to, from); err != nil {
		for _, nc := range []net.Conn{from, to} {
			rst(nc)
			_ = under(nc).Close()
		}
		return
	}
	closeWrite(to)
}

// brokenPipe gives the client sockets that cannot be written to.
func brokenPipe(t *testing.T, p place, times int) *broken {
	b := breaking(t, p, mientest.Config{}, 0, nil)
	addr := b.url[len("https://") : len(b.url)-1]
	dialing(b, times, func(ctx context.Context, network string) (net.Conn, error) {
		nc, err := new(net.Dialer).DialContext(ctx, network, addr)
		if err == nil {
			closeWrite(nc)
		}
		return nc, err
	})
	return b
}

func plainHTTP(t *testing.T, p place, _ int) *broken {
	addr := scripted(t, p, func(_ int, nc net.Conn) {
		_, _ = nc.Read(make([]byte, 4096))
		_, _ = io.WriteString(nc, "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
		closeWrite(nc)
		gone(nc)
	})
	return &broken{url: "https://" + addr, seen: func() int { return 0 }}
}

func certified(kind mientest.CertKind) func(*testing.T, place, int) *broken {
	return func(t *testing.T, p place, _ int) *broken {
		return breaking(t, p, mientest.Config{Cert: kind}, 0, nil)
	}
}

// constrained is a peer whose certificate is for clients alone.
func constrained(t *testing.T, p place, _ int) *broken {
	server, client := peerTLS(t, p.alpn, &x509.Certificate{ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
	addr := scripted(t, p, func(_ int, nc net.Conn) { _ = tls.Server(nc, server).Handshake() })
	return &broken{url: "https://" + addr, seen: func() int { return 0 }, cfg: mien.Config{TLS: client}}
}

func clientCert(t *testing.T, p place, _ int) *broken {
	return breaking(t, p, mientest.Config{RequireClientCert: true}, 0, nil)
}

func strangerALPN(t *testing.T, p place, _ int) *broken {
	server, client := peerTLS(t, []string{"irc"}, &x509.Certificate{})
	addr := scripted(t, p, func(_ int, nc net.Conn) {
		_ = tls.Server(nc, server).Handshake()
		closeWrite(nc)
		gone(nc)
	})
	return &broken{url: "https://" + addr, seen: func() int { return 0 }, cfg: mien.Config{TLS: client}}
}

// unofferedALPN answers with a TLS 1.2 ServerHello whose ALPN is of its own choice.
func unofferedALPN(t *testing.T, p place, _ int) *broken {
	body := append([]byte{3, 3}, make([]byte, 32)...) // version, random
	body = append(body, 0)                            // no session id
	body = append(body, 0xc0, 0x2f, 0)                // ECDHE-RSA-AES128-GCM-SHA256, no compression
	extensions := []byte{0xff, 1, 0, 1, 0, 0, 16, 0, 6, 0, 4, 3, 'i', 'r', 'c'}
	body = append(append(body, 0, byte(len(extensions))), extensions...)
	record := append([]byte{22, 3, 3, 0, byte(len(body) + 4), 2, 0, 0, byte(len(body))}, body...)
	addr := scripted(t, p, func(_ int, nc net.Conn) {
		_, _ = nc.Read(make([]byte, 4096))
		_, _ = nc.Write(record)
		gone(nc)
	})
	return &broken{url: "https://" + addr, seen: func() int { return 0 }}
}

// retriedHello: a hello that offers a ticket and is answered with
// HelloRetryRequest is made again without it. That is no failure, and the origin
// is not offered a ticket again.
func retriedHello(t *testing.T, p protocol) {
	var seen atomic.Int32
	origin := newOrigin(t, mientest.Config{
		Protocols: p.alpn,
		TLS:       &tls.Config{CurvePreferences: []tls.CurveID{tls.CurveP384}},
		Handler:   http.HandlerFunc(func(http.ResponseWriter, *http.Request) { seen.Add(1) }),
	})
	heard := &retries{}
	s := newSession(t, mien.Config{Hooks: mien.Hooks{Retry: heard.add}})
	for i, handshakes := range []int64{1, 3, 4} {
		resp, err := s.Do(request(t, http.MethodPost, origin.URL, nil))
		if err != nil {
			t.Fatal(err)
		}
		readAll(t, resp)
		settled(t, s)
		if n := origin.Counters().Handshakes; n != handshakes {
			t.Errorf("request %d: %d handshakes, want %d", i+1, n, handshakes)
		}
	}
	st := s.Stats()
	if len(heard.list) != 0 || len(st.HandshakesFailed) != 0 || st.HandshakeFailureRate != 0 || seen.Load() != 3 {
		t.Errorf("%d retries, %d requests seen, %+v", len(heard.list), seen.Load(), st)
	}
}

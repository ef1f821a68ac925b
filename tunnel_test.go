package mien_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/mien-http/mien"
	"github.com/mien-http/mien/fingerprint"
	"github.com/mien-http/mien/retry"
)

// webSocketPeer is an HTTP/2 server that takes WebSockets as RFC 8441 says and
// sends back what it receives on them.
type webSocketPeer struct {
	offers bool            // ENABLE_CONNECT_PROTOCOL
	status string          // of the answer to a CONNECT
	text   string          // content of an answer that refuses
	keeps  bool            // never gives more window than there is at first
	resets []http2.ErrCode // the first CONNECTs are answered by RST_STREAM with these

	mu       sync.Mutex
	conns    int                   // guarded by mu
	connects [][]hpack.HeaderField // guarded by mu
	got      []byte                // guarded by mu; what all of them sent
	ended    int                   // guarded by mu; that ended with END_STREAM
}

func (p *webSocketPeer) start(t *testing.T) (url string, client *tls.Config) {
	t.Helper()
	server, client := peerTLS(t, []string{"h2", "http/1.1"}, &x509.Certificate{})
	listener, err := tls.Listen("tcp", "127.0.0.1:0", server)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			nc, err := listener.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				defer func() { _ = nc.Close() }()
				p.serve(nc.(*tls.Conn))
			})
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		wg.Wait()
	})
	return "https://" + listener.Addr().String(), client
}

func (p *webSocketPeer) serve(nc *tls.Conn) {
	if nc.Handshake() != nil {
		return
	}
	p.mu.Lock()
	p.conns++
	p.mu.Unlock()
	if nc.ConnectionState().NegotiatedProtocol != "h2" {
		if _, err := http.ReadRequest(bufio.NewReader(nc)); err != nil {
			return
		}
		_, _ = io.WriteString(nc, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
		_, _ = io.Copy(io.Discard, nc)
		return
	}
	_, _ = io.ReadFull(nc, make([]byte, len(http2.ClientPreface)))
	f := http2.NewFramer(nc, nc)
	f.ReadMetaHeaders = hpack.NewDecoder(65536, nil)
	var settings []http2.Setting
	if p.offers {
		settings = append(settings, http2.Setting{ID: http2.SettingEnableConnectProtocol, Val: 1})
	}
	_ = f.WriteSettings(settings...)
	var block bytes.Buffer
	enc := hpack.NewEncoder(&block)
	answer := func(stream uint32, status string, ends bool) {
		block.Reset()
		_ = enc.WriteField(hpack.HeaderField{Name: ":status", Value: status})
		_ = f.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: block.Bytes(), EndHeaders: true, EndStream: ends})
	}
	for {
		frame, err := f.ReadFrame()
		if err != nil {
			return
		}
		switch frame := frame.(type) {
		case *http2.SettingsFrame:
			if !frame.IsAck() {
				_ = f.WriteSettingsAck()
			}
		case *http2.MetaHeadersFrame:
			if frame.PseudoValue("method") != http.MethodConnect {
				answer(frame.StreamID, "200", true)
				continue
			}
			p.mu.Lock()
			p.connects = append(p.connects, slices.Clone(frame.Fields))
			n := len(p.connects)
			p.mu.Unlock()
			if n <= len(p.resets) {
				_ = f.WriteRSTStream(frame.StreamID, p.resets[n-1])
				continue
			}
			answer(frame.StreamID, p.status, p.status != "200" && p.text == "")
			if p.text != "" {
				_ = f.WriteData(frame.StreamID, true, []byte(p.text))
			}
		case *http2.DataFrame:
			p.received(frame)
			if n := uint32(len(frame.Data())); n > 0 && !p.keeps {
				_ = f.WriteWindowUpdate(0, n)
				_ = f.WriteWindowUpdate(frame.StreamID, n)
			}
			_ = f.WriteData(frame.StreamID, frame.StreamEnded(), frame.Data())
		}
	}
}

func (p *webSocketPeer) received(frame *http2.DataFrame) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.got = append(p.got, frame.Data()...)
	if frame.StreamEnded() {
		p.ended++
	}
}

func (p *webSocketPeer) seen() (conns int, connects [][]hpack.HeaderField) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.conns, slices.Clone(p.connects)
}

// webSocketProfile is Chrome, with a list for WebSockets over HTTP/2.
func webSocketProfile() *fingerprint.Profile {
	p := fingerprint.Chrome()
	p.Headers = slices.DeleteFunc(p.Headers, func(l fingerprint.HeaderList) bool {
		return l.Wire == fingerprint.OverHTTP2 && l.Destination == fingerprint.WebSocket
	})
	p.Headers = append(p.Headers, fingerprint.HeaderList{
		Wire: fingerprint.OverHTTP2, Destination: fingerprint.WebSocket,
		Fields: []fingerprint.Field{
			{Name: "pragma", Value: "no-cache"}, {Name: "user-agent"}, {Name: "origin"}, {Name: "sec-websocket-version"},
			{Name: "*"}, {Name: "cookie"}, {Name: "sec-websocket-extensions"}, {Name: "sec-websocket-protocol"},
		},
	})
	return p
}

func webSocketRequest(ctx context.Context, url string) *http.Request {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		panic(err)
	}
	req.Header = http.Header{
		"Connection": {"Upgrade"}, "Upgrade": {"websocket"}, "Sec-Websocket-Version": {"13"},
		"Sec-Websocket-Key": {"dGhlIHNhbXBsZSBub25jZQ=="}, "Sec-Websocket-Protocol": {"chat"},
	}
	return req
}

// A WebSocket goes over the connection that is there, if the origin offers that,
// and the caller sees what it would have seen over HTTP/1.1.
func TestWebSocketOverHTTP2(t *testing.T) {
	peer := &webSocketPeer{offers: true, status: "200"}
	url, client := peer.start(t)
	s := newSession(t, mien.Config{TLS: client, Profile: webSocketProfile()})
	getAll(t, s, url, 1)
	ctx, cancel := context.WithCancel(t.Context())
	resp, err := s.Do(webSocketRequest(ctx, url+"/chat?x=1"))
	if err != nil {
		t.Fatal(err)
	}
	cancel()                                                                                                                                              // the handshake's context is not the connection's
	if resp.StatusCode != 101 || resp.Header.Get("Upgrade") != "websocket" || resp.Header.Get("Sec-Websocket-Accept") != "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" { // RFC 6455 §1.3
		t.Errorf("answer %d %v", resp.StatusCode, resp.Header)
	}
	conn, ok := resp.Body.(io.ReadWriteCloser)
	if !ok {
		t.Fatalf("the body is a %T", resp.Body)
	}
	sent := bytes.Repeat([]byte("0123456789"), 50_000)
	wrote := make(chan error, 1)
	go func() {
		_, err := conn.Write(sent)
		wrote <- err
	}()
	got := make([]byte, len(sent))
	if _, err := io.ReadFull(conn, got); err != nil || !bytes.Equal(got, sent) {
		t.Errorf("the echo differs: %v", err)
	}
	if err := <-wrote; err != nil {
		t.Error(err)
	}
	if st := s.Stats(); st.InFlight != 0 {
		t.Errorf("%d slots are held", st.InFlight)
	}
	if err := conn.Close(); err != nil {
		t.Error(err)
	}
	if _, err := conn.Write([]byte("x")); err == nil {
		t.Error("a closed WebSocket takes more")
	}
	conns, connects := peer.seen()
	if conns != 1 || len(connects) != 1 {
		t.Fatalf("%d connections, %d CONNECTs", conns, len(connects))
	}
	var names []string
	for _, f := range connects[0] {
		names = append(names, f.Name)
		if f.Name == ":protocol" && f.Value != "websocket" || f.Name == ":path" && f.Value != "/chat?x=1" {
			t.Errorf("%s: %s", f.Name, f.Value)
		}
	}
	want := []string{":method", ":authority", ":scheme", ":path", ":protocol", "pragma", "user-agent", "origin", "sec-websocket-version", "sec-websocket-protocol"}
	if !slices.Equal(names, want) {
		t.Errorf("fields %v\nwant   %v", names, want)
	}
}

// Everything else has an HTTP/1.1 connection of its own.
func TestWebSocketOverHTTP1(t *testing.T) {
	known, unknown := webSocketProfile(), webSocketProfile()
	unknown.Headers = slices.DeleteFunc(unknown.Headers, func(l fingerprint.HeaderList) bool { return l.Destination == fingerprint.WebSocket })
	for _, tt := range []struct {
		name     string
		offers   bool
		warm     bool // a connection is open
		profile  *fingerprint.Profile
		fresh    bool
		upgrade  string
		wantConn int
	}{
		{"not offered", false, true, known, false, "websocket", 2},
		{"no connection yet", true, false, known, false, "websocket", 1},
		{"a browser that does not", true, true, unknown, false, "websocket", 2},
		{"a fresh one is wanted", true, true, known, true, "websocket", 2},
		{"another protocol", true, true, known, false, "other", 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			peer := &webSocketPeer{offers: tt.offers, status: "200"}
			url, client := peer.start(t)
			s := newSession(t, mien.Config{TLS: client, Profile: tt.profile})
			if tt.warm {
				getAll(t, s, url, 1)
			}
			req := webSocketRequest(mien.WithOptions(t.Context(), mien.Options{FreshConnection: tt.fresh}), url)
			req.Header.Set("Upgrade", tt.upgrade)
			resp, err := s.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close()
			if conns, connects := peer.seen(); conns != tt.wantConn || len(connects) != 0 {
				t.Errorf("%d connections, %d CONNECTs", conns, len(connects))
			}
		})
	}
}

// An answer that is none of 2xx is the caller's.
func TestWebSocketRefused(t *testing.T) {
	peer := &webSocketPeer{offers: true, status: "403"}
	url, client := peer.start(t)
	s := newSession(t, mien.Config{TLS: client, Profile: webSocketProfile()})
	getAll(t, s, url, 1)
	resp, err := s.Do(webSocketRequest(t.Context(), url))
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusForbidden {
		t.Errorf("answer %d", resp.StatusCode)
	}
}

// A WebSocket whose stream is reset has failed, as in Chromium: it does not come
// back over HTTP/1.1, as another client than before. What the origin did not
// process, or wants over HTTP/1.1, is tried again.
func TestWebSocketReset(t *testing.T) {
	for _, tt := range []struct {
		code            http2.ErrCode
		fails           bool
		conns, connects int
	}{
		{http2.ErrCodeProtocol, true, 1, 1},
		{http2.ErrCodeCancel, true, 1, 1},
		{http2.ErrCodeRefusedStream, false, 1, 2},
		{http2.ErrCodeHTTP11Required, false, 2, 1},
	} {
		peer := &webSocketPeer{offers: true, status: "200", resets: []http2.ErrCode{tt.code}}
		url, client := peer.start(t)
		seen := &retries{}
		s := newSession(t, mien.Config{TLS: client, Profile: webSocketProfile(), Retry: retry.Policy{Base: time.Millisecond}, Hooks: mien.Hooks{Retry: seen.add}})
		getAll(t, s, url, 1)
		resp, err := s.Do(webSocketRequest(t.Context(), url))
		var e *mien.Error
		switch {
		case err == nil:
			_ = resp.Body.Close()
		case errors.As(err, &e) && e.Class == retry.StreamReset && e.Attempt == 1 && e.Sent:
		default:
			t.Errorf("%v: %+v", tt.code, err)
		}
		if tt.fails != (err != nil) || tt.fails != (len(seen.list) == 0) {
			t.Errorf("%v: %v, %d retries", tt.code, err, len(seen.list))
		}
		if conns, connects := peer.seen(); conns != tt.conns || len(connects) != tt.connects {
			t.Errorf("%v: %d connections, %d CONNECTs", tt.code, conns, len(connects))
		}
	}
}

// Close of the session ends a WebSocket that is a stream.
func TestWebSocketEndsWithSession(t *testing.T) {
	peer := &webSocketPeer{offers: true, status: "200"}
	url, client := peer.start(t)
	s := newSession(t, mien.Config{TLS: client, Profile: webSocketProfile()})
	getAll(t, s, url, 1)
	resp, err := s.Do(webSocketRequest(t.Context(), url))
	if err != nil {
		t.Fatal(err)
	}
	_ = s.Close()
	if n, err := resp.Body.Read(make([]byte, 1)); err == nil || errors.Is(err, io.EOF) {
		t.Errorf("read %d, %v", n, err)
	}
	_ = resp.Body.Close()
}

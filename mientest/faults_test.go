package mientest

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/http2"
)

// byPath answers /what with the action of that name and everything else with
// the handler.
func byPath(actions map[string]RequestAction) Faults {
	return Faults{Request: RequestFaults{Script: func(_ int, r *http.Request) RequestAction {
		return actions[r.URL.Path]
	}}}
}

func TestRequestFaultsHTTP1(t *testing.T) {
	o := newOrigin(t, Config{Faults: byPath(map[string]RequestAction{
		"/fin":    {End: FIN},
		"/rst":    {End: RST},
		"/goaway": {GoAway: &GoAway{}},
		"/reset":  {Reset: true, ResetCode: 7},
		"/421":    {Status: 421},
	})})
	for path, want := range map[string]func(error) bool{
		"/fin": func(err error) bool { return err == io.EOF }, "/goaway": func(err error) bool { return err == io.EOF },
		"/rst": isReset, "/reset": isReset,
	} {
		c, _ := h1Dial(t, o)
		fmt.Fprintf(c, "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\nhi", path)
		if _, err := c.Read(make([]byte, 1)); !want(err) {
			t.Errorf("%s: the client got %v", path, err)
		}
		c.Close()
	}
	if status, body := get(t, h1Client(t, o), o.URL+"/421"); status != 421 || body != "" {
		t.Errorf("/421: %d %q", status, body)
	}
	if n := o.Counters().Requests; n != 5 {
		t.Errorf("%d requests counted, want 5", n)
	}
	if got := o.Connections()[0].Ending; got != FIN && got != RST {
		t.Errorf("the ending is recorded as %q", got)
	}
}

func TestRequestFaultsHTTP2(t *testing.T) {
	o := newOrigin(t, Config{Faults: byPath(map[string]RequestAction{
		"/fin":     {End: FIN},
		"/rst":     {End: RST},
		"/refused": {Reset: true, ResetCode: 7},
		"/h1":      {Reset: true, ResetCode: 13},
		"/goaway":  {GoAway: &GoAway{LastStream: 1, Code: 11, Debug: "calm"}},
		"/last":    {GoAway: &GoAway{LastStream: 1, Code: 0}},
	})})
	client := h2Client(t, o)
	try := func(path string) error {
		res, err := client.Post(o.URL+path, "text/plain", io.MultiReader(strings.NewReader("x"))) // no GetBody: no second try
		if err == nil {
			res.Body.Close()
		}
		return err
	}
	var stream http2.StreamError
	if err := try("/h1"); !errors.As(err, &stream) || stream.Code != http2.ErrCodeHTTP11Required {
		t.Errorf("/h1: %v", err)
	}
	if err := try("/refused"); err == nil || !strings.Contains(err.Error(), "REFUSED_STREAM") { // this client hides the type
		t.Errorf("/refused: %v", err)
	}
	get(t, client, o.URL)
	if n := o.Counters().Connections; n != 1 {
		t.Errorf("a stream reset cost the connection: %d connections", n)
	}
	// The connection closes behind the GOAWAY: a client still writing may hear that first.
	if err := try("/goaway"); err == nil || !strings.Contains(err.Error(), "GOAWAY") && !strings.Contains(err.Error(), "graceful") &&
		!isReset(err) && !errors.Is(err, syscall.EPIPE) {
		t.Errorf("/goaway: %v", err)
	}
	for path, how := range map[string]Ending{"/rst": RST, "/fin": FIN} {
		client = h2Client(t, o) // the last one may not have heard yet that its connection is over
		// After a write that failed by RST this client reads EOF, and a second
		// write fails by EPIPE, so that the error alone tells nothing.
		if err := try(path); !isReset(err) && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, syscall.EPIPE) {
			t.Errorf("%s: %v", path, err)
		}
		conns := o.Connections()
		if got := conns[len(conns)-1].Ending; got != how {
			t.Errorf("%s: the ending is recorded as %q", path, got)
		}
	}
	client = h2Client(t, o)
	if err := try("/last"); err != nil {
		t.Errorf("/last, whose stream the GOAWAY leaves in: %v", err)
	}
	o.Close()
	if n := o.rec.inFlight; n != 0 {
		t.Errorf("%d requests in flight at the end", n)
	}
}

// TestGoAwayFrames holds what is on the wire: GOAWAY as asked for, no frame of
// the stream that it leaves out, the answer of the one before it, then the end.
func TestGoAwayFrames(t *testing.T) {
	release := make(chan struct{})
	faults := byPath(map[string]RequestAction{"/goaway": {GoAway: &GoAway{LastStream: 1, Code: 11, Debug: "calm"}}})
	o := newOrigin(t, Config{Faults: faults, Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release })})
	cfg := o.ClientTLS()
	cfg.NextProtos = []string{"h2"}
	c, err := tls.Dial("tcp", o.Addr().String(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	io.WriteString(c, clientPreface)
	fr := http2.NewFramer(c, c)
	fr.WriteSettings()
	block := func(path string) []byte {
		return append([]byte{0x82, 0x87, 0x41, 1, 'h', 0x44, byte(len(path))}, path...)
	}
	fr.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block("/"), EndStream: true, EndHeaders: true})
	fr.WriteHeaders(http2.HeadersFrameParam{StreamID: 3, BlockFragment: block("/goaway"), EndStream: true, EndHeaders: true})
	var seen []string
	for {
		f, err := fr.ReadFrame()
		if err != nil {
			if err != io.EOF {
				t.Errorf("the connection ended with %v", err)
			}
			break
		}
		switch f := f.(type) {
		case *http2.GoAwayFrame:
			seen = append(seen, fmt.Sprintf("goaway %d %d %s", f.LastStreamID, f.ErrCode, f.DebugData()))
			close(release)
		case *http2.HeadersFrame:
			seen = append(seen, fmt.Sprintf("headers %d", f.StreamID))
		case *http2.RSTStreamFrame:
			seen = append(seen, fmt.Sprintf("rst %d", f.StreamID))
		}
	}
	if got, want := strings.Join(seen, ", "), "goaway 1 11 calm, headers 1"; got != want {
		t.Errorf("frames: %s; want %s", got, want)
	}
	// Only its own direction is over: a write that fails could hide the answer from
	// a client that is still sending.
	for range 100 {
		if err := fr.WritePing(false, [8]byte{}); err != nil {
			t.Fatalf("behind the end: %v", err)
		}
	}
}

func TestCloseAfter(t *testing.T) {
	for _, client := range []func(testing.TB, *Origin) *http.Client{h1Client, h2Client} {
		for _, how := range []Ending{"", RST} {
			o := newOrigin(t, Config{Faults: Faults{Request: RequestFaults{CloseAfter: 2, CloseHow: how}}})
			c := client(t, o)
			ids := ""
			for i := 0; i < 6; {
				res, err := c.Get(o.URL)
				if err != nil {
					continue // the client had not noticed yet: that is the fault
				}
				io.Copy(io.Discard, res.Body)
				res.Body.Close()
				i++
			}
			for _, r := range o.Requests() {
				ids += fmt.Sprint(r.Conn, ".", r.Nth, " ")
			}
			if want := "1.1 1.2 2.1 2.2 3.1 3.2 "; ids != want {
				t.Errorf("requests by connection: %s, want %s", ids, want)
			}
		}
	}
}

func TestEndConnectionAndCloseConnections(t *testing.T) {
	o := newOrigin(t, Config{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/cut" {
			w.Header().Set("Content-Length", "10")
			io.WriteString(w, "half ")
			http.NewResponseController(w).Flush()
			EndConnection(r, FIN)
		}
	})})
	for i, client := range []*http.Client{h1Client(t, o), h2Client(t, o)} {
		res, err := client.Get(o.URL + "/cut")
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		res.Body.Close()
		if i == 0 && string(body) != "half " || !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("cut body: %q, %v", body, err)
		}
	}
	c, r := h1Dial(t, o)
	io.WriteString(c, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
	answer(t, r)
	o.CloseConnections(RST)
	if _, err := r.ReadByte(); !isReset(err) {
		t.Errorf("after CloseConnections: %v", err)
	}
}

func TestDelaysInABubble(t *testing.T) { synctest.Test(t, testDelaysInABubble) }

func testDelaysInABubble(t *testing.T) {
	var network Network
	l, err := network.Listen("shop.test:443")
	if err != nil {
		t.Fatal(err)
	}
	faults := byPath(map[string]RequestAction{"/slow": {Delay: time.Hour}})
	faults.Delay = 3 * time.Second
	faults.Handshake = HandshakeFaults{First: 1, How: Stall}
	o, err := New(Config{Listener: l, Faults: faults})
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	if o.URL != "https://shop.test:443" {
		t.Errorf("URL %s", o.URL)
	}
	tr := &http.Transport{
		DialContext: network.DialContext, TLSClientConfig: o.ClientTLS(),
		TLSHandshakeTimeout: 10 * time.Second, ForceAttemptHTTP2: true,
	}
	defer tr.CloseIdleConnections()
	client := &http.Client{Transport: tr}
	start := time.Now()
	var timeout interface{ Timeout() bool }
	if _, err := client.Get(o.URL); !errors.As(err, &timeout) || !timeout.Timeout() || time.Since(start) != 10*time.Second {
		t.Errorf("stalled handshake: %v after %v", err, time.Since(start))
	}
	start = time.Now()
	get(t, client, o.URL)
	if d := time.Since(start); d != 3*time.Second {
		t.Errorf("delayed handshake took %v", d)
	}
	get(t, client, o.URL+"/slow")
	if d := time.Since(start); d != time.Hour+3*time.Second {
		t.Errorf("delayed request took %v", d)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	req, _ := http.NewRequestWithContext(ctx, "GET", o.URL+"/slow", nil)
	if _, err := client.Do(req); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("cancelled request: %v", err)
	}
}

// TestEndingsInABubble holds that the network in memory shows the same faults
// as sockets do.
func TestEndingsInABubble(t *testing.T) { synctest.Test(t, testEndingsInABubble) }

func testEndingsInABubble(t *testing.T) {
	var network Network
	l, err := network.Listen(":443")
	if err != nil {
		t.Fatal(err)
	}
	o, err := New(Config{Listener: l, Faults: Faults{Handshake: HandshakeFaults{First: 2}}})
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	for i, want := range []func(error) bool{
		func(err error) bool { return err == io.EOF }, isReset, func(err error) bool { return err == nil },
	} {
		nc, err := network.DialContext(t.Context(), "tcp", "any.test:443")
		if err != nil {
			t.Fatal(err)
		}
		cfg := o.ClientTLS()
		cfg.ServerName = "any.test"
		c := tls.Client(nc, cfg)
		if err := c.Handshake(); !want(err) {
			t.Errorf("handshake %d: %v", i+1, err)
		}
		if i == 2 {
			io.WriteString(c, "GET / HTTP/1.1\r\nHost: any.test\r\n\r\n")
			answer(t, bufio.NewReader(c))
		}
		c.Close()
	}
}

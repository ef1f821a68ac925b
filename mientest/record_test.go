package mientest

import (
	"bufio"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"golang.org/x/net/http2"
)

// h1Dial returns a TLS connection on which HTTP/1.1 was chosen.
func h1Dial(t *testing.T, o *Origin) (*tls.Conn, *bufio.Reader) {
	t.Helper()
	cfg := o.ClientTLS()
	cfg.NextProtos = []string{"http/1.1"}
	c, err := tls.Dial("tcp", o.Addr().String(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c, bufio.NewReader(c)
}

// answer reads one response and its body.
func answer(t *testing.T, r *bufio.Reader) (*http.Response, string) {
	t.Helper()
	res, err := http.ReadResponse(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(body)
}

func TestHTTP1HeadsAsSent(t *testing.T) {
	o := newOrigin(t, Config{})
	c, r := h1Dial(t, o)
	heads := []string{
		"GET /a?b=c HTTP/1.1\r\nHost: example.com\r\nsec-ch-ua: \"x\";v=\"1\"\r\nUser-Agent: me\r\nX-LOUD:  spaced \t\r\naccept: */*\r\nCookie: a=1\r\nX-Loud: again\r\n\r\n",
		"POST /p HTTP/1.1\r\nHost: example.com\r\nContent-Length: 21\r\nX: y\r\n\r\n",
		"PUT /c HTTP/1.1\r\nhost: example.com\r\nTransfer-Encoding: chunked\r\nTrailer: Sum\r\n\r\n",
		"GET /last HTTP/1.1\r\nHost: example.com\r\n\r\n",
	}
	bodies := []string{"", "GET /no HTTP/1.1\r\n\r\nx", "5;ext=1\r\nhello\r\n14\r\nGET /no HTTP/1.1\r\n\r\n\r\n0\r\nSum: 1\r\n\r\n", ""}
	for i := range heads {
		go io.WriteString(c, heads[i]+bodies[i])
		res, body := answer(t, r)
		if res.StatusCode != 200 {
			t.Fatalf("request %d: %s: %s", i, res.Status, body)
		}
		var rep Report
		if err := json.Unmarshal([]byte(body), &rep); err != nil {
			t.Fatal(err)
		}
		if rep.Request != i+1 || rep.Connection != 1 || rep.Protocol != "http/1.1" || rep.TLSVersion != "TLS 1.3" || rep.JA4 == "" {
			t.Errorf("report %d: %+v", i, rep)
		}
	}
	reqs := o.Requests()
	if len(reqs) != len(heads) {
		t.Fatalf("%d requests recorded, want %d: %+v", len(reqs), len(heads), reqs)
	}
	for i, req := range reqs {
		if string(req.Raw) != heads[i] {
			t.Errorf("head %d recorded as %q", i, req.Raw)
		}
	}
	first := reqs[0]
	if want := "Host,sec-ch-ua,User-Agent,X-LOUD,accept,Cookie,X-Loud"; first.Order != want {
		t.Errorf("order %q, want %q", first.Order, want)
	}
	if first.Fields[3].Value != "spaced" || first.Host != "example.com" || first.Path != "/a?b=c" || first.Method != "GET" || first.Proto != "HTTP/1.1" {
		t.Errorf("first request: %+v", first)
	}
}

func TestHTTP2(t *testing.T) {
	o := newOrigin(t, Config{})
	client := h2Client(t, o)
	big := strings.Repeat("v", 40_000) // HEADERS and CONTINUATION
	for i, value := range []string{"one", "one", big} {
		req, _ := http.NewRequest("POST", o.URL+"/p?q=1", strings.NewReader("content"))
		req.Header.Set("X-Value", value)
		req.Trailer = http.Header{"Sum": {"9"}}
		res, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		var rep Report
		if err := json.NewDecoder(res.Body).Decode(&rep); err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if rep.Stream != uint32(2*i+1) || rep.Request != i+1 || rep.Protocol != "h2" || rep.ContentLength != 7 || rep.Akamai == "" {
			t.Errorf("report: %+v", rep)
		}
		if len(rep.Representations) != len(rep.Headers) {
			t.Errorf("%d representations of %d fields", len(rep.Representations), len(rep.Headers))
		}
		values := map[string]string{}
		for _, h := range rep.Headers {
			values[h[0]] = h[1]
		}
		if values["x-value"] != value || values[":path"] != "/p?q=1" || values[":method"] != "POST" || values[":scheme"] != "https" {
			t.Errorf("fields: %v", rep.Headers)
		}
		if _, ok := values["mientest-stream"]; ok {
			t.Error("the field of our own is reported")
		}
	}
	reqs := o.Requests()
	if len(reqs) != 3 || reqs[0].Digest != reqs[1].Digest || reqs[0].Digest == reqs[2].Digest {
		t.Fatalf("%d requests, digests %s, %s, %s", len(reqs), reqs[0].Digest, reqs[1].Digest, reqs[2].Digest)
	}
	if rep := reqs[1].HPACK; len(rep) == 0 || rep[0].Representation != "indexed" {
		t.Errorf("representations of the second request: %v", rep)
	}
	c := o.Connections()[0]
	if c.Protocol != "h2" || c.Requests != 3 || c.Preface == nil || c.Akamai != c.Preface.Akamai() || c.Preface.FirstStreamID != 1 {
		t.Errorf("connection: %+v", c)
	}
	if len(c.Frames) < 5 || c.Frames[0].Type != frameSettings || len(c.Frames[0].Payload) != c.Frames[0].Length {
		t.Errorf("frames: %v", c.Frames)
	}
	if n := o.Counters(); n.Akamai[c.Akamai] != 1 || n.Requests != 3 || n.Connections != 1 || n.Orders[reqs[0].Order] != 3 {
		t.Errorf("counters: %+v", n)
	}
}

// TestStreamsMeetTheirHandlers holds that a handler gets the report of its own
// request, however many run on one connection.
func TestStreamsMeetTheirHandlers(t *testing.T) {
	o := newOrigin(t, Config{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rep, ok := ReportOf(r)
		if len(r.Header[streamField]) > 0 {
			t.Error("the handler sees the field of our own")
		}
		fmt.Fprintf(w, "%v %s %d", ok, rep.Path, rep.Stream)
	})})
	client := h2Client(t, o)
	var wg sync.WaitGroup
	for i := range 200 {
		wg.Go(func() {
			path := fmt.Sprintf("/%d", i)
			_, body := get(t, client, o.URL+path)
			if !strings.HasPrefix(body, "true "+path+" ") {
				t.Errorf("%s was told %q", path, body)
			}
		})
	}
	wg.Wait()
	streams := map[string]uint32{}
	for _, r := range o.Requests() {
		streams[r.Path] = r.Stream
	}
	if len(streams) != 200 {
		t.Errorf("%d paths recorded", len(streams))
	}
}

func TestRecordFull(t *testing.T) {
	for _, test := range []struct{ full, max, conns, fullConns int }{
		{0, 0, 103, 100}, {2, 0, 5, 2}, {-1, 3, 3, 0},
	} {
		o := newOrigin(t, Config{RecordFull: test.full, RecordMax: test.max})
		tr := &http.Transport{TLSClientConfig: o.ClientTLS(), DisableKeepAlives: true}
		sent := max(test.conns, 5)
		for range sent {
			get(t, &http.Client{Transport: tr}, o.URL)
		}
		conns, reqs := o.Connections(), o.Requests()
		if len(conns) != test.conns || len(reqs) != test.conns {
			t.Errorf("%+v: %d connections, %d requests recorded", test, len(conns), len(reqs))
		}
		for i := range conns {
			if got, want := conns[i].Hello != nil, i < test.fullConns; got != want || conns[i].JA4 == "" {
				t.Errorf("%+v: connection %d in full: %v", test, i, got)
			}
			if got, want := reqs[i].Fields != nil, i < test.fullConns; got != want || reqs[i].Order == "" || reqs[i].Digest == "" {
				t.Errorf("%+v: request %d in full: %v", test, i, got)
			}
		}
		if n := o.Counters(); n.Requests != int64(sent) || n.Connections != int64(sent) {
			t.Errorf("%+v: counters %+v", test, n)
		}
	}
}

func TestProtocols(t *testing.T) {
	only1 := newOrigin(t, Config{Protocols: []string{"http/1.1"}})
	both := &http.Transport{TLSClientConfig: only1.ClientTLS(), ForceAttemptHTTP2: true}
	defer both.CloseIdleConnections()
	get(t, &http.Client{Transport: both}, only1.URL)
	if got := only1.Requests()[0].Proto; got != "HTTP/1.1" {
		t.Errorf("http/1.1 alone: %q", got)
	}
	only2 := newOrigin(t, Config{Protocols: []string{"h2"}})
	if _, err := h1Client(t, only2).Get(only2.URL); err == nil {
		t.Error("an h2 origin answered HTTP/1.1")
	}
	get(t, h2Client(t, only2), only2.URL)

	prefers1 := newOrigin(t, Config{Protocols: []string{"http/1.1", "h2"}})
	cfg := prefers1.ClientTLS()
	cfg.NextProtos = []string{"h2", "http/1.1"}
	c, err := tls.Dial("tcp", prefers1.Addr().String(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if got := c.ConnectionState().NegotiatedProtocol; got != "http/1.1" {
		t.Errorf("the origin's preference is not kept: %q", got)
	}
}

func TestPlain(t *testing.T) {
	o := newOrigin(t, Config{Plain: true})
	client := h1Client(t, o)
	_, body := get(t, client, o.URL+"/x")
	var rep Report
	if err := json.Unmarshal([]byte(body), &rep); err != nil || rep.TLSVersion != "" || rep.JA4 != "" || rep.Path != "/x" {
		t.Errorf("report %s, %v", body, err)
	}
	if !strings.HasPrefix(o.URL, "http://") || o.Certificate() != nil {
		t.Errorf("URL %s, certificate %v", o.URL, o.Certificate())
	}
	prior := newOrigin(t, Config{Plain: true, Protocols: []string{"h2"}})
	protocols := &http.Protocols{}
	protocols.SetUnencryptedHTTP2(true)
	tr := &http.Transport{Protocols: protocols}
	defer tr.CloseIdleConnections()
	get(t, &http.Client{Transport: tr}, prior.URL)
	if got := prior.Requests()[0].Proto; got != "h2" {
		t.Errorf("prior knowledge: %q", got)
	}
}

func TestMaxConcurrentStreams(t *testing.T) {
	for want, cfg := range map[uint32]Config{250: {}, 7: {MaxConcurrentStreams: 7}} {
		o := newOrigin(t, cfg)
		tlsCfg := o.ClientTLS()
		tlsCfg.NextProtos = []string{"h2"}
		c, err := tls.Dial("tcp", o.Addr().String(), tlsCfg)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		io.WriteString(c, clientPreface)
		fr := http2.NewFramer(c, c)
		fr.WriteSettings()
		f, err := fr.ReadFrame()
		if err != nil {
			t.Fatal(err)
		}
		settings, _ := f.(*http2.SettingsFrame)
		if got, _ := settings.Value(http2.SettingMaxConcurrentStreams); got != want {
			t.Errorf("MAX_CONCURRENT_STREAMS is %d, want %d", got, want)
		}
	}
}

func TestConfigErrors(t *testing.T) {
	for field, cfg := range map[string]Config{
		"Protocols":          {Protocols: []string{"h3"}},
		"Protocols is empty": {Protocols: []string{}},
		"Share":              {Faults: Faults{Handshake: HandshakeFaults{Share: 1.1}}},
		"How":                {Faults: Faults{Handshake: HandshakeFaults{How: "bang"}}},
		"When":               {Faults: Faults{Handshake: HandshakeFaults{When: "never"}}},
		"First":              {Faults: Faults{Handshake: HandshakeFaults{First: -1}}},
		"Delay":              {Faults: Faults{Delay: -1}},
		"CloseAfter":         {Faults: Faults{Request: RequestFaults{CloseAfter: -1}}},
		"CloseHow":           {Faults: Faults{Request: RequestFaults{CloseHow: Stall}}},
		"Cert":               {Cert: "odd"},
		"Config.Plain c":     {Plain: true, TLS: &tls.Config{}},
		"Config.Plain has":   {Plain: true, Faults: Faults{Handshake: HandshakeFaults{Share: 1}}},
		"one protocol":       {Plain: true, Protocols: []string{"h2", "http/1.1"}},
	} {
		if o, err := New(cfg); err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("%+v: %v, want an error that names %q", cfg, err, field)
			if o != nil {
				o.Close()
			}
		}
	}
	if _, ok := ReportOf(&http.Request{}); ok {
		t.Error("ReportOf knows a request that no origin saw")
	}
	if EndConnection(&http.Request{}, FIN) {
		t.Error("EndConnection ends a connection that no origin has")
	}
}

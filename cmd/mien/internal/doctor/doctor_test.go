package doctor

import (
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mien-http/mien/fingerprint"
	"github.com/mien-http/mien/mientest"
)

func expect(t *testing.T, r *Report, code Code, words string) {
	t.Helper()
	if r.Verdict != code || !strings.Contains(r.Text, words) {
		t.Errorf("verdict %s: %s\nwant %s: …%s…\n%s", r.Verdict, r.Text, code, words, strings.Join(r.Evidence, "\n"))
		for i := range r.Probes {
			t.Log(&r.Probes[i])
		}
	}
}

func TestNothingWrong(t *testing.T) {
	for name, crowd := range map[string]int{"chrome": 16, "firefox": 1, "utls:HelloChrome_133": 1} {
		t.Run(name, func(t *testing.T) {
			origin := newOrigin(t, mientest.Config{})
			o := towards(origin, origin.Addr())
			o.Concurrent = crowd
			var err error
			if o.Profile, err = fingerprint.Lookup(name); err != nil {
				t.Fatal(err)
			}
			r := examine(t, o)
			expect(t, r, NothingWrong, "nothing wrong")
			if !r.Complete {
				t.Error("it did not try everything")
			}
			// The address was connected to once without a hello.
			if n := origin.Counters().Handshakes; int64(r.Handshakes)+1 != n {
				t.Errorf("it says it tried %d handshakes, the origin saw %d", r.Handshakes, n)
			}
			if reqs := origin.Requests(); len(reqs) != 1 || reqs[0].Method != http.MethodGet || reqs[0].Path != "/page?key=value" {
				t.Errorf("the origin saw these requests, not the one GET: %+v", reqs)
			}
			small, nameless := r.probe(Direct, SmallHello), r.probe(Direct, NamelessOne)
			if small == nil || small.HelloSize == 0 || small.HelloSize > segment {
				t.Errorf("the small hello: %+v", small)
			}
			bare := 0
			for _, c := range origin.Connections() {
				if c.JA4 != "" && c.ServerName == "" {
					bare++
				}
			}
			if nameless == nil || bare != nameless.Tried || bare != 5 {
				t.Errorf("%d hellos came without a server name: %+v", bare, nameless)
			}
			if big := r.largest(Direct); big == nil || big.AtOnce != crowd || !big.all() {
				t.Errorf("the largest crowd: %+v", big)
			}
		})
	}
}

func TestLargeHello(t *testing.T) {
	t.Parallel()
	origin := newOrigin(t, mientest.Config{})
	t.Run("reset", func(t *testing.T) {
		r := examine(t, towards(origin, middlebox(t, origin.Addr().String(), reset)))
		expect(t, r, LargeHello, "resets hellos larger than one TCP segment")
		if p := r.probe(Direct, PaddedHello); !p.none() || p.HelloSize <= segment {
			t.Errorf("the padded hello: %+v", p)
		}
	})
	t.Run("dropped", func(t *testing.T) {
		t.Parallel()
		o := towards(origin, middlebox(t, origin.Addr().String(), silence))
		o.HandshakeTime = 200 * time.Millisecond
		expect(t, examine(t, o), LargeHello, "drops hellos larger than one TCP segment")
	})
	t.Run("preset", func(t *testing.T) {
		o := towards(origin, middlebox(t, origin.Addr().String(), reset))
		o.Profile, _ = fingerprint.Lookup("utls:HelloChrome_133")
		expect(t, examine(t, o), LargeHello, "resets hellos")
	})
	t.Run("address", func(t *testing.T) {
		addr := middlebox(t, origin.Addr().String(), reset)
		o := towards(origin, addr)
		o.URL = "https://" + addr.String()
		r := examine(t, o)
		expect(t, r, LargeHello, "resets hellos")
		if p := r.probe(Direct, NamelessOne); p != nil {
			t.Errorf("an address has no name to leave out: %+v", p)
		}
	})
	t.Run("through a proxy", func(t *testing.T) {
		box := middlebox(t, origin.Addr().String(), reset)
		o := towards(origin, box)
		o.Proxy, _ = connectProxy(t, http.StatusOK, relay)
		expect(t, examine(t, o), LargeHello, "larger than one TCP segment through the proxy")
	})
}

// fault makes an origin whose script ends the handshakes that bad picks.
func fault(t *testing.T, end mientest.Action, bad func(h *fingerprint.ClientHello) bool) *mientest.Origin {
	return newOrigin(t, mientest.Config{Faults: mientest.Faults{Script: func(_ int, h *fingerprint.ClientHello) mientest.Action {
		if h != nil && bad(h) {
			return end
		}
		return mientest.Action{}
	}}})
}

func TestHelloCauses(t *testing.T) {
	t.Parallel()
	hybrid := func(h *fingerprint.ClientHello) bool {
		return slices.ContainsFunc(h.KeyShares(), func(s fingerprint.KeyShare) bool { return s.Group == x25519MLKEM })
	}
	named := func(h *fingerprint.ClientHello) bool { return h.ServerName() == "localhost" }
	every := func(*fingerprint.ClientHello) bool { return true }
	for _, c := range []struct {
		name  string
		end   mientest.Action
		bad   func(*fingerprint.ClientHello) bool
		code  Code
		words string
	}{
		{"key share", mientest.Action{End: mientest.RST}, hybrid, KeyShare, "post-quantum"},
		{"name reset", mientest.Action{End: mientest.RST}, named, NameFilter, "resets handshakes that bear this server name"},
		{"name closed", mientest.Action{End: mientest.FIN}, named, NameFilter, "bear this server name"},
		{"name dropped", mientest.Action{End: mientest.Stall}, named, NameFilter, "drops handshakes that bear this server name"},
		{"name in long hellos", mientest.Action{End: mientest.RST}, func(h *fingerprint.ClientHello) bool { return named(h) && len(h.Marshal()) > segment }, NameFilter, "long hellos"},
		{"all reset", mientest.Action{End: mientest.FIN}, every, HandshakeReset, "SSL_ERROR_SYSCALL"},
		{"all dropped", mientest.Action{End: mientest.Stall}, every, HandshakeStall, "no hello is answered"},
		{"alert", mientest.Action{Write: mientest.Alert(40)}, every, Alert, "alert 40, handshake failure"},
		{"alert for the name", mientest.Action{Write: mientest.Alert(112)}, named, Alert, "but not without the server name"},
		{"alert for the key share", mientest.Action{Write: mientest.Alert(47)}, hybrid, Alert, "but not without ML-KEM"},
	} {
		t.Run(c.name, func(t *testing.T) {
			origin := fault(t, c.end, c.bad)
			o := towards(origin, origin.Addr())
			if c.end.End == mientest.Stall {
				t.Parallel()
				o.HandshakeTime = 200 * time.Millisecond
			}
			expect(t, examine(t, o), c.code, c.words)
		})
	}
}

func TestCertificate(t *testing.T) {
	for kind, words := range map[mientest.CertKind]string{
		mientest.CertExpired:   "has expired on 1971-01-01",
		mientest.CertWrongHost: "another name than localhost",
		mientest.CertUntrusted: "signed by nobody",
	} {
		t.Run(string(kind), func(t *testing.T) {
			origin := newOrigin(t, mientest.Config{Cert: kind})
			expect(t, examine(t, towards(origin, origin.Addr())), Certificate, words)
			if n := origin.Counters().Requests; n != 0 {
				t.Errorf("%d requests were sent to a peer that nobody vouches for", n)
			}
		})
	}
}

func TestNotTLS(t *testing.T) {
	origin := newOrigin(t, mientest.Config{Plain: true})
	o := towards(newOrigin(t, mientest.Config{}), origin.Addr())
	expect(t, examine(t, o), NotTLS, "does not speak TLS")
}

func TestOverload(t *testing.T) {
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	// The delay lets all of a crowd be there before the first is through.
	origin := newOrigin(t, mientest.Config{
		Listener: &crowdedListener{Listener: l, max: 40},
		Faults:   mientest.Faults{Delay: 50 * time.Millisecond},
	})
	o := towards(origin, l.Addr())
	o.Concurrent, o.Repeat = 64, 2
	r := examine(t, o)
	expect(t, r, Overload, "the origin, or something before it, resets handshakes above about ")
	if r.Limit < 35 || r.Limit > 50 {
		t.Errorf("the limit is 40; it says %d", r.Limit)
	}
	if last := r.crowds(Direct); !last[len(last)-1].all() {
		t.Errorf("afterwards: %v", last[len(last)-1])
	}
}

func TestIntermittent(t *testing.T) {
	for name, faults := range map[string]mientest.HandshakeFaults{
		"a fifth":        {Share: 0.2},
		"the first five": {First: 5, How: mientest.RST},
	} {
		t.Run(name, func(t *testing.T) {
			origin := newOrigin(t, mientest.Config{Faults: mientest.Faults{Handshake: faults}})
			expect(t, examine(t, towards(origin, origin.Addr())), Intermittent, "handshakes were ended on the way")
		})
	}
}

func TestRequestFails(t *testing.T) {
	t.Run("reset", func(t *testing.T) {
		origin := newOrigin(t, mientest.Config{Faults: mientest.Faults{Request: mientest.RequestFaults{
			Script: func(int, *http.Request) mientest.RequestAction { return mientest.RequestAction{End: mientest.RST} },
		}}})
		expect(t, examine(t, towards(origin, origin.Addr())), RequestFails, "ends when the request is sent")
	})
	t.Run("client certificate", func(t *testing.T) {
		origin := newOrigin(t, mientest.Config{RequireClientCert: true})
		expect(t, examine(t, towards(origin, origin.Addr())), Alert, "it wants a client certificate")
	})
}

func TestUnreachable(t *testing.T) {
	origin := newOrigin(t, mientest.Config{})
	o := towards(origin, origin.Addr())
	origin.Close()
	expect(t, examine(t, o), Unreachable, "nothing listens there")
}

func TestNoName(t *testing.T) {
	for words, e := range map[string]net.DNSError{
		"does not exist": {Err: "no such host", Name: "localhost", IsNotFound: true},
		"failed":         {Err: "server misbehaving", Name: "localhost", IsTemporary: true},
	} {
		r := examine(t, Options{URL: "https://localhost/", Resolver: &noName{e}, Connections: 10})
		expect(t, r, NoName, words)
	}
}

func TestBadAddress(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux has 127.0.0.2 by itself")
	}
	origin := newOrigin(t, mientest.Config{})
	_, port, _ := net.SplitHostPort(origin.Addr().String())
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", net.JoinHostPort("127.0.0.2", port))
	if err != nil {
		t.Skip(err) // another program has this port there
	}
	ill := newOrigin(t, mientest.Config{Listener: l, Faults: mientest.Faults{Handshake: mientest.HandshakeFaults{Share: 1}}})
	defer ill.Close()
	o := towards(origin, origin.Addr())
	o.Resolver = names{netip.MustParseAddr("127.0.0.2"), netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("127.0.0.3")}
	r := examine(t, o)
	expect(t, r, BadAddress, "handshakes fail on 1 of the addresses")
	if s := strings.Join(r.Evidence, "\n"); !strings.Contains(s, "127.0.0.2, TLS: 0 of 1") {
		t.Errorf("evidence:\n%s", s)
	}
}

func TestUndecided(t *testing.T) {
	origin := newOrigin(t, mientest.Config{})
	o := towards(origin, origin.Addr())
	o.Timeout, o.HandshakeTime = 1, time.Second
	r := examine(t, o)
	expect(t, r, Undecided, "time ran out")
	if r.Complete {
		t.Error("it says that it tried everything")
	}
}

func TestCanceled(t *testing.T) {
	origin := fault(t, mientest.Action{End: mientest.Stall}, func(*fingerprint.ClientHello) bool { return true })
	ctx, cancel := contextUntil(t, func() bool { return origin.Counters().Handshakes > 0 })
	defer cancel()
	if r, err := Examine(ctx, towards(origin, origin.Addr())); !errors.Is(err, ctx.Err()) || err == nil {
		t.Errorf("got %v, %v", r, err)
	}
}

func TestLocalOnly(t *testing.T) {
	r := examine(t, Options{Connections: 1})
	if len(r.Checks) != 5 || len(r.Probes) != 0 || r.URL != "" {
		t.Errorf("%+v", r)
	}
	if r.Handshakes != 0 {
		t.Errorf("%d handshakes", r.Handshakes)
	}
}

func TestWrongUse(t *testing.T) {
	for words, o := range map[string]Options{
		"scheme":              {URL: "http://localhost/"},
		"URL":                 {URL: "https://localhost:x/"},
		"no host":             {URL: "https:///x"},
		"port":                {URL: "https://localhost:99999/"},
		"repeat: 21":          {Repeat: 21},
		"concurrent: 129":     {Concurrent: 129},
		"connections: -1":     {Connections: -1},
		"timeout: -1s":        {Timeout: -time.Second},
		"handshake time":      {HandshakeTime: -1},
		"no way is left":      {URL: "https://localhost/", NoDirect: true},
		"without a URL":       {Proxy: &url.URL{Scheme: "http", Host: "localhost"}},
		"proxy: the URL":      {URL: "https://localhost/", Proxy: &url.URL{Scheme: "http"}},
		`scheme "ftp" is not`: {URL: "https://localhost/", Proxy: &url.URL{Scheme: "ftp", Host: "localhost"}},
	} {
		if _, err := Examine(t.Context(), o); err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("%+v: %v, want …%s…", o, err, words)
		}
	}
}

func TestReportIsOneObject(t *testing.T) {
	origin := fault(t, mientest.Action{End: mientest.RST}, func(*fingerprint.ClientHello) bool { return true })
	o := towards(origin, origin.Addr())
	o.Proxy, _ = connectProxy(t, http.StatusProxyAuthRequired, nil)
	o.URL = strings.Replace(o.URL, "localhost", "me:hunter2@localhost", 1)
	text, err := json.Marshal(examine(t, o))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(text), "hunter2") {
		t.Errorf("a password is in the report: %s", text)
	}
	var r map[string]any
	if err := json.Unmarshal(text, &r); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"url", "profile", "proxy", "checks", "probes", "verdict", "text", "evidence", "healthy", "complete", "handshakes"} {
		if _, ok := r[key]; !ok {
			t.Errorf("%q is missing: %s", key, text)
		}
	}
}

package mientest

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"os"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/mien-http/mien/fingerprint"
)

func isReset(err error) bool {
	return errors.Is(err, connReset) || errors.Is(err, syscall.ECONNRESET)
}

// dialMany does n handshakes, at most 50 at once, and counts how they ended.
func dialMany(t *testing.T, o *Origin, n int) (ok, eof, rst int) {
	t.Helper()
	var mu sync.Mutex
	var wg sync.WaitGroup
	width := make(chan struct{}, 50)
	for range n {
		width <- struct{}{}
		wg.Go(func() {
			err := dial(o, nil)
			<-width
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				ok++
			case errors.Is(err, io.EOF):
				eof++
			case isReset(err) || errors.Is(err, brokenPipe):
				rst++
			default:
				t.Errorf("handshake: %v", err)
			}
		})
	}
	wg.Wait()
	return ok, eof, rst
}

func TestKillShareIsExact(t *testing.T) {
	for _, when := range []When{AfterHello, BeforeHello} {
		for _, share := range []float64{0, 0.2, 0.5, 1} {
			t.Run(fmt.Sprintf("%s%v", when, share), func(t *testing.T) {
				t.Parallel()
				n := 100
				if share == 0.2 && when == AfterHello {
					n = 500
				}
				o := newOrigin(t, Config{Faults: Faults{Handshake: HandshakeFaults{Share: share, When: when}}})
				ok, eof, rst := dialMany(t, o, n)
				dead := int(float64(n) * share)
				if ok != n-dead || eof != dead/2 || rst != dead/2 {
					t.Errorf("%d lived, %d FIN, %d RST; want %d, %d, %d", ok, eof, rst, n-dead, dead/2, dead/2)
				}
				o.Close()
				c := o.Counters()
				if c.Handshakes != int64(n) || c.HandshakesKilled != int64(dead) || c.HandshakesFailed != 0 || c.Connections != int64(n-dead) {
					t.Errorf("counters: %+v", c)
				}
				if when == AfterHello && len(c.JA4) != 1 {
					t.Errorf("JA4 seen: %v", c.JA4)
				}
				if c.Open != 0 {
					t.Errorf("%d connections still open", c.Open)
				}
			})
		}
	}
}

func TestKillerRoundsAtEveryStep(t *testing.T) {
	for _, share := range []float64{0.01, 0.1, 0.2, 1. / 3, 0.6, 0.999} {
		k := &killer{faults: HandshakeFaults{Share: share}}
		for n := 1; n <= 5000; n++ {
			k.next()
			if want := int(math.Floor(float64(n)*share + 0.5)); k.killed != want {
				t.Fatalf("share %v: %d of %d killed, want %d", share, k.killed, n, want)
			}
		}
	}
	k := &killer{faults: HandshakeFaults{Skip: 2, First: 3, How: RST}}
	got := ""
	for range 7 {
		got += "[" + string(k.next()) + "]"
	}
	if want := "[][][rst][rst][rst][][]"; got != want {
		t.Errorf("Skip 2, First 3: %s, want %s", got, want)
	}
}

func TestEndings(t *testing.T) {
	for _, test := range []struct {
		how  Ending
		when When
		want func(error) bool
	}{
		{FIN, AfterHello, func(err error) bool { return err == io.EOF }},
		{FIN, BeforeHello, func(err error) bool { return err == io.EOF }},
		{RST, AfterHello, isReset},
		{RST, BeforeHello, func(err error) bool { return isReset(err) || errors.Is(err, brokenPipe) }},
	} {
		o := newOrigin(t, Config{Faults: Faults{Handshake: HandshakeFaults{Share: 1, How: test.how, When: test.when}}})
		for range 20 {
			if err := dial(o, nil); !test.want(err) {
				t.Errorf("%s %s: the client got %v", test.how, test.when, err)
			}
		}
		for _, c := range o.Connections() {
			if !c.Killed || c.Ending != test.how || c.Err != "" {
				t.Errorf("%s %s: recorded as %+v", test.how, test.when, c)
			}
			if got, want := c.JA4 != "", test.when == AfterHello; got != want {
				t.Errorf("%s %s: JA4 %q", test.how, test.when, c.JA4)
			}
		}
	}
}

func TestStall(t *testing.T) {
	o := newOrigin(t, Config{Faults: Faults{Handshake: HandshakeFaults{First: 1, How: Stall}}})
	nc, err := net.Dial("tcp", o.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	cfg := o.ClientTLS()
	cfg.ServerName = "localhost"
	stalled := make(chan error, 1)
	go func() { stalled <- tls.Client(nc, cfg).Handshake() }()
	for o.Counters().HandshakesKilled == 0 { // its hello has come
		select {
		case err := <-stalled:
			t.Fatalf("the handshake ended: %v", err)
		default:
			runtime.Gosched()
		}
	}
	if err := dial(o, nil); err != nil {
		t.Fatalf("second handshake: %v", err)
	}
	nc.SetDeadline(time.Unix(1, 0)) // long over
	if err := <-stalled; !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("stalled handshake: %v, want a time-out", err)
	}
	if c := o.Counters(); c.HandshakesKilled != 1 || c.PeakHandshakes != 2 {
		t.Errorf("counters: %+v", c)
	}
}

func TestHandshakeScript(t *testing.T) {
	names := make(chan string, 10)
	o := newOrigin(t, Config{Hosts: []string{"a.example.net"}, Faults: Faults{
		Script: func(n int, hello *fingerprint.ClientHello) Action {
			if hello == nil {
				names <- "no hello"
				return Action{Write: []byte("what?")}
			}
			names <- hello.ServerName()
			switch n {
			case 1:
				return Action{Write: Alert(80)}
			case 2:
				return Action{Write: []byte("HTTP/1.1 400 Bad Request\r\n\r\n")}
			case 3:
				return Action{Write: []byte{recordHandshake, 3, 3, 0, 90, 2, 0}} // a record cut short
			}
			return Action{}
		},
	}})
	cfg := o.ClientTLS()
	cfg.ServerName = "a.example.net"
	var alert *net.OpError
	if err := dial(o, cfg); !errors.As(err, &alert) || !strings.Contains(err.Error(), "internal error") {
		t.Errorf("alert 80: %v", err)
	}
	var header tls.RecordHeaderError
	if err := dial(o, cfg); !errors.As(err, &header) {
		t.Errorf("plain HTTP on the TLS port: %v", err)
	}
	if err := dial(o, cfg); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("FIN within a record: %v", err)
	}
	if err := dial(o, cfg); err != nil {
		t.Errorf("fourth handshake: %v", err)
	}
	for range 4 {
		if name := <-names; name != "a.example.net" {
			t.Errorf("the script saw the server name %q", name)
		}
	}
	res, err := http.Get("http://" + o.Addr().String()) // cleartext to the TLS port
	if err == nil {
		res.Body.Close()
		t.Error("cleartext HTTP on the TLS port got an answer")
	}
	if got := <-names; got != "no hello" {
		t.Errorf("cleartext: the script saw %q", got)
	}
}

func TestCertificates(t *testing.T) {
	var unknown x509.UnknownAuthorityError
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	for _, test := range []struct {
		kind CertKind
		want func(error) bool
	}{
		{CertValid, func(err error) bool { return err == nil }},
		{CertExpired, func(err error) bool { return errors.As(err, &invalid) && invalid.Reason == x509.Expired }},
		{CertWrongHost, func(err error) bool { return errors.As(err, &host) }},
		{CertUntrusted, func(err error) bool { return errors.As(err, &unknown) }},
	} {
		o := newOrigin(t, Config{Cert: test.kind, Hosts: []string{"more.example.net", "10.1.2.3"}})
		for _, name := range []string{"127.0.0.1", "localhost", "shop.test", "www.example.com", "more.example.net", "10.1.2.3", "::1"} {
			cfg := o.ClientTLS()
			cfg.ServerName = name
			if err := dial(o, cfg); !test.want(err) {
				t.Errorf("%q, %s: %v", test.kind, name, err)
			}
		}
		o.Close() // waits until the refusal of the last client is recorded
		if got := o.Counters().HandshakesFailed; test.kind != CertValid && got == 0 {
			t.Errorf("%q: no failed handshake counted", test.kind)
		}
		if o.Certificate() == nil || !strings.HasPrefix(string(o.CertPEM()), "-----BEGIN CERTIFICATE-----") {
			t.Errorf("%q: Certificate or CertPEM is empty", test.kind)
		}
	}
}

func TestClientCertificate(t *testing.T) {
	o := newOrigin(t, Config{RequireClientCert: true})
	cfg := o.ClientTLS()
	cfg.ServerName, cfg.MaxVersion = "localhost", tls.VersionTLS12
	if err := dial(o, cfg); err == nil {
		t.Error("a client without a certificate was let in")
	}
	cert, err := issue(CertValid, nil)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Certificates = []tls.Certificate{cert}
	if err := dial(o, cfg); err != nil {
		t.Errorf("with a certificate: %v", err)
	}
}

func TestResumptionRetryAndVersions(t *testing.T) {
	o := newOrigin(t, Config{TLS: &tls.Config{CurvePreferences: []tls.CurveID{tls.CurveP384}}})
	cfg := o.ClientTLS()
	cfg.ClientSessionCache = tls.NewLRUClientSessionCache(4)
	tr := &http.Transport{TLSClientConfig: cfg, DisableKeepAlives: true}
	client := &http.Client{Transport: tr}
	for range 2 {
		get(t, client, o.URL)
	}
	conns := o.Connections()
	if len(conns) != 2 || conns[0].Resumed || !conns[1].Resumed {
		t.Fatalf("want a fresh and a resumed connection, got %+v", conns)
	}
	for _, c := range conns {
		if !c.HelloRetry || c.TLSVersion != tls.VersionTLS13 {
			t.Errorf("connection %d: HelloRetry %v, version %#x", c.ID, c.HelloRetry, c.TLSVersion)
		}
		first, err := fingerprint.ParseClientHelloRecords(c.Hello)
		if err != nil {
			t.Fatalf("recorded hello: %v", err)
		}
		second, err := fingerprint.ParseClientHelloRecords(c.SecondHello)
		if err != nil {
			t.Fatalf("recorded second hello: %v", err)
		}
		if len(first.KeyShares()) == 0 || len(second.KeyShares()) != 1 || second.KeyShares()[0].Group != fingerprint.Code(tls.CurveP384) {
			t.Errorf("key shares: first %v, second %v", first.KeyShares(), second.KeyShares())
		}
		if c.JA4 != first.JA4() || c.JA3 != first.JA3() || c.JA3Hash != first.JA3Hash() || c.JA4R != first.JA4R() {
			t.Errorf("digests of connection %d are not those of its hello", c.ID)
		}
	}
	if c := o.Counters(); c.Resumed != 1 || c.HelloRetries != 2 || c.PeakHandshakes != 1 {
		t.Errorf("counters: %+v", c)
	}

	old := newOrigin(t, Config{TLS: &tls.Config{MaxVersion: tls.VersionTLS12}, Protocols: []string{"http/1.1"}})
	get(t, h1Client(t, old), old.URL)
	if c := old.Connections()[0]; c.TLSVersion != tls.VersionTLS12 || c.Protocol != "http/1.1" {
		t.Errorf("TLS 1.2 origin: %+v", c)
	}
}

func TestLastFlight(t *testing.T) {
	record := func(typ byte, body ...byte) []byte {
		return append([]byte{typ, 3, 3, byte(len(body) >> 8), byte(len(body))}, body...)
	}
	serverHello := func(random []byte) []byte {
		return record(recordHandshake, append(append([]byte{2, 0, 0, 34, 3, 3}, random...), 0)...)
	}
	other := make([]byte, 32)
	ccs := record(recordChangeCipherSpec, 1)
	for name, test := range map[string]struct {
		written []byte
		want    bool
	}{
		"HelloRetryRequest":           {append(serverHello(helloRetryRandom), ccs...), false},
		"TLS 1.3":                     {append(serverHello(other), ccs...), true},
		"TLS 1.3 without middleboxes": {append(serverHello(other), record(recordApplicationData, 1, 2)...), true},
		"TLS 1.2, first flight":       {append(serverHello(other), record(recordHandshake, 11, 0, 0, 0)...), false},
		"TLS 1.2, last flight":        {ccs, true},
		"alert":                       {Alert(40), true},
		"cut short":                   {[]byte{recordHandshake, 3, 3, 0xff, 0xff, 2}, false},
	} {
		if got := lastFlight(test.written); got != test.want {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
	}
}

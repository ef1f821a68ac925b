package mien_test

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/mien-http/mien"
	"github.com/mien-http/mien/mientest"
)

// pinned is the pin of a certificate's key, as curl writes it.
func pinned(c *x509.Certificate) string {
	sum := sha256.Sum256(c.RawSubjectPublicKeyInfo)
	return "sha256//" + base64.StdEncoding.EncodeToString(sum[:])
}

// foreign is the pin of a key that nobody has.
const foreign = "sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="

func pinError(t testing.TB, err error, host string) *mien.PinError {
	t.Helper()
	var pin *mien.PinError
	uncertified(t, err, &pin)
	var verification *tls.CertificateVerificationError
	if !errors.As(err, &verification) || len(verification.UnverifiedCertificates) == 0 {
		t.Errorf("no *tls.CertificateVerificationError in %v", err)
	}
	if pin.Host != host || len(pin.Seen) == 0 || !strings.Contains(err.Error(), host) || !strings.Contains(err.Error(), pin.Seen[0]) {
		t.Errorf("%+v: %v", pin, err)
	}
	return pin
}

// Good certificates with another key are refused: nothing is sent, nothing is
// tried again, and both are told apart by type.
func TestPins(t *testing.T) {
	for _, p := range protocols {
		eachVersion(t, func(t *testing.T, version uint16) {
			ca, stranger := newSigner(t), newSigner(t)
			origin := ca.origin(t, mientest.Config{Protocols: p.alpn, TLS: &tls.Config{MaxVersion: version}})
			seen := mustAnew(t, newSession(t, mien.Config{TLS: &tls.Config{RootCAs: ca.pool}}), t.Context(), origin.URL).TLS.PeerCertificates[0]
			leaf, root := pinned(seen), pinned(ca.cert)
			bare := strings.TrimPrefix(leaf, "sha256//")
			for name, c := range map[string]struct {
				keys []string
				good bool
			}{
				"the server's key":         {[]string{foreign, leaf}, true},
				"the root's":               {[]string{root}, true},
				"bare":                     {[]string{bare}, true},
				"sha256/":                  {[]string{"sha256/" + bare}, true},
				"nobody's":                 {[]string{foreign}, false},
				"a root's of another name": {[]string{pinned(stranger.cert)}, false},
			} {
				t.Run(p.name+"/"+name, func(t *testing.T) {
					s := newSession(t, mien.Config{TLS: &tls.Config{RootCAs: ca.pool}, Pins: map[string][]string{"127.0.0.1": c.keys}})
					before := origin.Counters()
					for range 2 { // the second time with a ticket
						resp, err := anew(t, s, t.Context(), origin.URL)
						if c.good && err != nil {
							t.Fatal(err)
						}
						if c.good {
							continue
						}
						if resp != nil {
							t.Error("a response and an error")
						}
						if e := pinError(t, err, "127.0.0.1"); !slices.Equal(e.Seen, []string{leaf, root}) {
							t.Errorf("seen %q", e.Seen)
						}
					}
					if n := origin.Counters().Requests - before.Requests; c.good != (n == 2) || !c.good && n != 0 {
						t.Errorf("%d requests", n)
					}
					if n := origin.Counters().Handshakes - before.Handshakes; n != 2 {
						t.Errorf("%d handshakes for two requests", n)
					}
				})
			}
		})
	}
}

// The nearest entry decides, and every way to write the host means that host.
func TestPinnedHosts(t *testing.T) {
	origin := newOrigin(t, mientest.Config{Hosts: []string{"example.com", "*.example.com", "*.b.example.com", "xn--bcher-kva.example", "2001:db8::1"}})
	proxy := http.ProxyURL(tunnels(t, origin.Addr().String()))
	good := []string{pinned(origin.Certificate())}
	bad := []string{foreign}
	for _, c := range []struct {
		pins map[string][]string
		url  string
		fail string // the host of the error; "": none
	}{
		{map[string][]string{"example.com": bad}, "https://example.com/", "example.com"},
		{map[string][]string{"EXAMPLE.com.": bad}, "https://example.com/", "example.com"},
		{map[string][]string{"example.com": bad}, "https://Example.COM/", "example.com"},
		{map[string][]string{"example.com": bad}, "https://example.com./", "example.com."},
		{map[string][]string{"example.com": bad}, "https://a.example.com/", ""},
		{map[string][]string{"*.example.com": bad}, "https://example.com/", ""},
		{map[string][]string{"*.example.com": bad}, "https://a.example.com/", "a.example.com"},
		{map[string][]string{"*.example.com": bad}, "https://a.b.example.com/", "a.b.example.com"},
		{map[string][]string{"*.example.com": bad, "*.b.example.com": good}, "https://a.b.example.com/", ""},
		{map[string][]string{"*.example.com": good, "*.b.example.com": bad}, "https://a.b.example.com/", "a.b.example.com"},
		{map[string][]string{"*.example.com": bad, "a.example.com": good}, "https://a.example.com/", ""},
		{map[string][]string{"*.com": bad}, "https://example.com/", "example.com"},
		{map[string][]string{"bücher.example": bad}, "https://xn--bcher-kva.example/", "xn--bcher-kva.example"},
		{map[string][]string{"XN--bcher-kva.example": bad}, "https://bücher.example/", "xn--bcher-kva.example"},
		{map[string][]string{"2001:db8::1": bad}, "https://[2001:DB8:0:0:0:0:0:1]/", "2001:db8:0:0:0:0:0:1"},
		{map[string][]string{"[2001:db8:0::1]": bad}, "https://[2001:db8::1]/", "2001:db8::1"},
		{map[string][]string{"127.0.0.1": bad}, "https://[::ffff:127.0.0.1]/", "::ffff:127.0.0.1"},
		{map[string][]string{"other.example": bad}, "https://example.com/", ""},
	} {
		s := newSession(t, mien.Config{Pins: c.pins, Proxy: proxy})
		_, err := anew(t, s, t.Context(), c.url)
		switch {
		case c.fail != "":
			pinError(t, err, c.fail)
		case err != nil:
			t.Errorf("%v, %s: %v", c.pins, c.url, err)
		}
	}
}

// A pin is the host's that the URL names, by whatever name it is verified.
func TestPinsGoByTheURL(t *testing.T) {
	origin := newOrigin(t, mientest.Config{})
	cfg := &tls.Config{RootCAs: origin.CertPool(), ServerName: "example.com"}
	_, err := anew(t, newSession(t, mien.Config{TLS: cfg, Pins: map[string][]string{"localhost": {foreign}}}), t.Context(), named(origin))
	pinError(t, err, "localhost")
	mustAnew(t, newSession(t, mien.Config{TLS: cfg, Pins: map[string][]string{"example.com": {foreign}}}), t.Context(), named(origin))
}

// A resumed connection shows no certificates, and is held to the pins with those
// of the first. Pins are the session's, so that a ticket under the wrong ones can
// only come about where the clock or the roots change; the chain then differs.
func TestPinsOnResumption(t *testing.T) {
	eachVersion(t, func(t *testing.T, version uint16) {
		ca := newSigner(t)
		origin := ca.origin(t, mientest.Config{TLS: &tls.Config{MaxVersion: version}})
		pool := ca.pool.Clone()
		s := newSession(t, mien.Config{TLS: &tls.Config{RootCAs: pool}, Pins: map[string][]string{"localhost": {pinned(ca.cert)}}})
		resumes(t, s, t.Context(), named(origin))
		// The leaf itself becomes a root: the chain is good, and no longer holds
		// the key that is pinned.
		leaf := mustAnew(t, s, t.Context(), named(origin)).TLS.PeerCertificates[0]
		settled(t, s)
		*pool = *x509.NewCertPool()
		pool.AddCert(leaf)
		_, err := anew(t, s, t.Context(), named(origin))
		pinError(t, err, "localhost")
		if !lastOffers(t, origin) {
			t.Error("the test needs a connection that resumes")
		}
	})
}

// Where nothing is verified, anybody can show the certificate of a pinned CA:
// the server's own key is the only one that it has proved to have.
func TestPinsWithoutVerification(t *testing.T) {
	ca := newSigner(t)
	cert := ca.issue(t, nil)
	cert.Certificate = append(cert.Certificate, ca.cert.Raw)
	origin := newOrigin(t, mientest.Config{TLS: &tls.Config{Certificates: []tls.Certificate{cert}}})
	for _, c := range []struct {
		pin  string
		good bool
	}{{pinned(cert.Leaf), true}, {pinned(ca.cert), false}, {foreign, false}} {
		s := newSession(t, mien.Config{TLS: &tls.Config{InsecureSkipVerify: true}, Pins: map[string][]string{"localhost": {c.pin}}})
		for range 2 {
			_, err := anew(t, s, t.Context(), named(origin))
			if c.good && err != nil {
				t.Error(err)
			}
			if !c.good {
				pinError(t, err, "localhost")
			}
		}
	}
}

// Pins are an addition to what TLS asks for, and never a way past it.
func TestPinsVerifyNothing(t *testing.T) {
	origin := newOrigin(t, mientest.Config{Cert: mientest.CertUntrusted})
	s := newSession(t, mien.Config{Pins: map[string][]string{"localhost": {pinned(origin.Certificate())}}})
	_, err := anew(t, s, t.Context(), named(origin))
	uncertified(t, err, new(x509.UnknownAuthorityError))
}

// A proxy at a pinned address shows its own certificate, which no pin is about;
// the origin behind it is held to its pins.
func TestPinsAndProxies(t *testing.T) {
	for _, scheme := range []string{"http", "https", "socks5"} {
		origin := newOrigin(t, mientest.Config{})
		for _, c := range []struct {
			pins map[string][]string
			fail string
		}{
			{map[string][]string{"127.0.0.1": {foreign}}, ""}, // the proxy's address
			{map[string][]string{"localhost": {foreign}}, "localhost"},
		} {
			cfg := mien.Config{Pins: c.pins, TLS: &tls.Config{RootCAs: origin.CertPool()}}
			throughProxy(t, place{}, scheme, &cfg, nil)
			_, err := anew(t, newSession(t, cfg), t.Context(), named(origin))
			if c.fail == "" && err != nil {
				t.Errorf("%s: %v", scheme, err)
			}
			if c.fail != "" {
				pinError(t, err, c.fail)
			}
		}
	}
}

// New takes a copy, and says which entry is wrong.
func TestPinsAreChecked(t *testing.T) {
	for _, c := range []struct {
		pins map[string][]string
		want string
	}{
		{map[string][]string{"example.com": {foreign, "sha256//short"}}, `Config.Pins["example.com"][1]: "sha256//short"`},
		{map[string][]string{"example.com": {""}}, `Config.Pins["example.com"][0]`},
		{map[string][]string{"example.com": {foreign + "\n"}}, `Config.Pins["example.com"][0]`},
		{map[string][]string{"example.com": {"sha1//AAAAAAAAAAAAAAAAAAAAAAAAAAA="}}, `Config.Pins["example.com"][0]`},
		{map[string][]string{"example.com": {strings.Replace(foreign, "A=", "B=", 1)}}, `Config.Pins["example.com"][0]`},
		{map[string][]string{"example.com": {"sha256//sha256//" + foreign[8:]}}, `Config.Pins["example.com"][0]`},
		{map[string][]string{"example.com": {"sha512//" + foreign[8:]}}, `Config.Pins["example.com"][0]`},
		{map[string][]string{"example.com": {foreign[:10] + "\n" + foreign[11:]}}, `Config.Pins["example.com"][0]`},
		{map[string][]string{"example.com": nil}, `Config.Pins["example.com"] holds no key`},
		{map[string][]string{"": {foreign}}, `Config.Pins[""]: no host`},
		{map[string][]string{"*": {foreign}}, `Config.Pins["*"]`},
		{map[string][]string{"*.": {foreign}}, `Config.Pins["*."]: no host`},
		{map[string][]string{"a.*.com": {foreign}}, `Config.Pins["a.*.com"]`},
		{map[string][]string{"*.127.0.0.1": {foreign}}, `Config.Pins["*.127.0.0.1"]`},
		{map[string][]string{"example.com:443": {foreign}}, `Config.Pins["example.com:443"]: not a host`},
		{map[string][]string{"https://example.com": {foreign}}, `Config.Pins["https://example.com"]`},
		{map[string][]string{"example com": {foreign}}, `Config.Pins["example com"]`},
		{map[string][]string{"example.com/": {foreign}}, `Config.Pins["example.com/"]`},
		{map[string][]string{"example.com": {foreign}, "Example.com": {foreign}}, `another entry is for the same host`},
		{map[string][]string{"::1": {foreign}, "[0::1]": {foreign}}, `another entry is for the same host`},
	} {
		s, err := mien.New(mien.Config{Pins: c.pins})
		if err == nil {
			_ = s.Close()
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: error %v", c.pins, err)
		}
	}
	origin := newOrigin(t, mientest.Config{})
	pins := map[string][]string{"localhost": {foreign}}
	s := newSession(t, mien.Config{Pins: pins})
	pins["localhost"][0] = pinned(origin.Certificate())
	delete(pins, "localhost")
	_, err := anew(t, s, t.Context(), named(origin))
	pinError(t, err, "localhost")
}

// Base64 may begin with the slash that the forms of a pin end with.
func TestPinThatBeginsWithASlash(t *testing.T) {
	sum := append([]byte{0xff, 0xff, 0xff}, make([]byte, 29)...)
	bare := base64.StdEncoding.EncodeToString(sum)
	for _, key := range []string{bare, "sha256/" + bare, "sha256//" + bare} {
		s, err := mien.New(mien.Config{Pins: map[string][]string{"example.com": {key}}})
		if err != nil {
			t.Error(err)
			continue
		}
		_ = s.Close()
	}
}

func FuzzPins(f *testing.F) {
	f.Add("example.com", foreign)
	f.Add("*.example.com", foreign[8:])
	f.Add("[::1]", "sha256/")
	f.Add("*.*.", "\n")
	f.Fuzz(func(t *testing.T, host, key string) {
		s, err := mien.New(mien.Config{Pins: map[string][]string{host: {key}}})
		if err == nil {
			_ = s.Close()
		} else if !strings.Contains(err.Error(), "Config.Pins[") {
			t.Errorf("error %v", err)
		}
	})
}

package mien_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/url"
	"testing"

	"github.com/mien-http/mien"
	"github.com/mien-http/mien/fingerprint"
	"github.com/mien-http/mien/mientest"
)

// sharing is the configuration of origins that take each other's tickets: only
// the client can keep them apart.
func sharing(version uint16) *tls.Config {
	c := &tls.Config{MaxVersion: version}
	c.SetSessionTicketKeys([][32]byte{{1}})
	return c
}

// offers reports of each connection of origin whether it offered a session.
func offers(t testing.TB, origin *mientest.Origin) []bool {
	t.Helper()
	var list []bool
	for _, c := range origin.Connections() {
		h, err := fingerprint.ParseClientHelloRecords(c.Hello)
		if err != nil {
			t.Fatal(err)
		}
		offered := h.HasPSK()
		for _, e := range h.Extensions {
			offered = offered || e.ID == 35 && len(e.Data) > 0 // session_ticket, RFC 5077
		}
		list = append(list, offered)
	}
	return list
}

// lastOffers reports whether the latest connection of origin offered a session.
func lastOffers(t testing.TB, origin *mientest.Origin) bool {
	t.Helper()
	list := offers(t, origin)
	return list[len(list)-1]
}

func eachVersion(t *testing.T, test func(t *testing.T, version uint16)) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		t.Run(tls.VersionName(version), func(t *testing.T) { test(t, version) })
	}
}

// resumes opens two connections to url and checks that the second resumes.
func resumes(t *testing.T, s *mien.Session, ctx context.Context, url string) {
	t.Helper()
	mustAnew(t, s, ctx, url)
	if !mustAnew(t, s, ctx, url).TLS.DidResume {
		t.Fatal("not resumed where it should be")
	}
}

func TestTicketsOfTwoPorts(t *testing.T) {
	eachVersion(t, func(t *testing.T, version uint16) {
		one, two := newOrigin(t, mientest.Config{TLS: sharing(version)}), newOrigin(t, mientest.Config{TLS: sharing(version)})
		s := newSession(t, mien.Config{})
		resumes(t, s, t.Context(), named(one))
		if mustAnew(t, s, t.Context(), named(two)).TLS.DidResume || lastOffers(t, two) {
			t.Error("a ticket went to another port")
		}
	})
}

// One verified name for two hosts does not make them one.
func TestTicketsOfOneServerName(t *testing.T) {
	eachVersion(t, func(t *testing.T, version uint16) {
		origin := newOrigin(t, mientest.Config{TLS: sharing(version)})
		s := newSession(t, mien.Config{TLS: &tls.Config{RootCAs: origin.CertPool(), ServerName: "example.com"}})
		resumes(t, s, t.Context(), origin.URL)
		if mustAnew(t, s, t.Context(), named(origin)).TLS.DidResume || lastOffers(t, origin) {
			t.Error("a ticket went to another host")
		}
	})
}

// tunnels is a proxy whose every tunnel ends at addr. It takes any credentials.
func tunnels(t *testing.T, addr string) *url.URL {
	t.Helper()
	at := scripted(t, place{}, func(_ int, nc net.Conn) {
		if _, err := http.ReadRequest(bufio.NewReader(nc)); err != nil {
			return
		}
		far, err := net.Dial("tcp", addr)
		if err != nil {
			return
		}
		_, _ = io.WriteString(nc, "HTTP/1.1 200 OK\r\n\r\n")
		splice(nc, far)
	})
	return &url.URL{Scheme: "http", Host: at}
}

// Two addresses have no server_name to tell them apart, and a proxy hides where
// they lead.
func TestTicketsOfTwoAddresses(t *testing.T) {
	eachVersion(t, func(t *testing.T, version uint16) {
		origin := newOrigin(t, mientest.Config{TLS: sharing(version), Hosts: []string{"192.0.2.1", "192.0.2.2"}})
		s := newSession(t, mien.Config{Proxy: http.ProxyURL(tunnels(t, origin.Addr().String()))})
		resumes(t, s, t.Context(), "https://192.0.2.1/")
		if mustAnew(t, s, t.Context(), "https://192.0.2.2/").TLS.DidResume || lastOffers(t, origin) {
			t.Error("a ticket went to another address")
		}
		// A ticket of a server whose certificate is good for one address alone.
		only := newSigner(t)
		cfg := sharing(version)
		cfg.Certificates = []tls.Certificate{only.issue(t, func(c *x509.Certificate) { c.IPAddresses = []net.IP{net.IPv4(192, 0, 2, 1)} })}
		origin = newOrigin(t, mientest.Config{TLS: cfg})
		s = newSession(t, mien.Config{TLS: &tls.Config{RootCAs: only.pool}, Proxy: http.ProxyURL(tunnels(t, origin.Addr().String()))})
		resumes(t, s, t.Context(), "https://192.0.2.1/")
		_, err := anew(t, s, t.Context(), "https://192.0.2.2/")
		uncertified(t, err, new(x509.HostnameError))
	})
}

func TestTicketsOfTwoIdentities(t *testing.T) {
	eachVersion(t, func(t *testing.T, version uint16) {
		origin := newOrigin(t, mientest.Config{TLS: sharing(version)})
		proxy := tunnels(t, origin.Addr().String())
		as := func(user string) *url.URL {
			u := *proxy
			u.User = url.UserPassword(user, "secret")
			return &u
		}
		s := newSession(t, mien.Config{})
		identities := []mien.Options{
			{}, {Isolation: "a"}, {Isolation: "b"},
			{Proxy: proxy}, {Proxy: as("a")}, {Proxy: as("b")}, {Proxy: as("a"), Isolation: "a"},
		}
		for _, o := range identities {
			ctx := mien.WithOptions(t.Context(), o)
			if mustAnew(t, s, ctx, origin.URL).TLS.DidResume || lastOffers(t, origin) {
				t.Errorf("%+v: a ticket came from another identity", o)
			}
			resumes(t, s, ctx, origin.URL)
		}
	})
}

// Sessions that verify or identify themselves otherwise share nothing.
func TestTicketsOfTwoSessions(t *testing.T) {
	eachVersion(t, func(t *testing.T, version uint16) {
		ca := newSigner(t)
		origin := ca.origin(t, mientest.Config{TLS: sharing(version)})
		cert := ca.issue(t, nil)
		for name, cfg := range map[string]*tls.Config{
			"plain":              {RootCAs: ca.pool},
			"more roots":         {RootCAs: func() *x509.CertPool { p := ca.pool.Clone(); p.AddCert(newSigner(t).cert); return p }()},
			"InsecureSkipVerify": {InsecureSkipVerify: true},
			"VerifyConnection":   {RootCAs: ca.pool, VerifyConnection: func(tls.ConnectionState) error { return nil }},
			"client certificate": {RootCAs: ca.pool, Certificates: []tls.Certificate{cert}},
		} {
			s := newSession(t, mien.Config{TLS: cfg})
			if mustAnew(t, s, t.Context(), origin.URL).TLS.DidResume || lastOffers(t, origin) {
				t.Errorf("%s: a ticket came from another session", name)
			}
			resumes(t, s, t.Context(), origin.URL)
		}
	})
}

// A session of one ALPN offer is not resumed under another.
func TestTicketsOfTwoProtocols(t *testing.T) {
	eachVersion(t, func(t *testing.T, version uint16) {
		origin := newOrigin(t, mientest.Config{TLS: sharing(version)})
		s := newSession(t, mien.Config{})
		resumes(t, s, t.Context(), origin.URL)
		upgrade := func() {
			req := request(t, http.MethodGet, origin.URL, nil)
			req.Header.Set("Connection", "Upgrade")
			req.Header.Set("Upgrade", "websocket")
			resp, err := s.RoundTrip(req)
			if err != nil {
				t.Fatal(err)
			}
			readAll(t, resp)
		}
		upgrade()
		if lastOffers(t, origin) {
			t.Error("a ticket of h2 and http/1.1 was offered for http/1.1 alone")
		}
		upgrade()
		if !lastOffers(t, origin) {
			t.Error("no ticket for the second connection of http/1.1")
		}
	})
}

func TestTicketsDisabled(t *testing.T) {
	eachVersion(t, func(t *testing.T, version uint16) {
		origin := newOrigin(t, mientest.Config{TLS: sharing(version)})
		s := newSession(t, mien.Config{TLS: &tls.Config{RootCAs: origin.CertPool(), SessionTicketsDisabled: true}})
		for range 2 {
			if mustAnew(t, s, t.Context(), origin.URL).TLS.DidResume || lastOffers(t, origin) {
				t.Error("resumed")
			}
		}
	})
}

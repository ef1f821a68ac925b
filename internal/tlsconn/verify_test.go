package tlsconn

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"math/big"
	"strings"
	"testing"

	"github.com/mien-http/mien/retry"
	"time"
)

func TestVerification(t *testing.T) {
	expired := func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }
	clientOnly := func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} }
	tests := []struct {
		name   string
		leaf   func(*x509.Certificate)
		change func(*Config)
		want   any // pointer for errors.As; nil: success
		host   string
	}{
		{name: "good"},
		{name: "IP address", change: func(c *Config) { c.ServerName = "127.0.0.1" }},
		{name: "TLS.ServerName wins", change: func(c *Config) { c.ServerName, c.TLS.ServerName = "other.test", testHost }},
		{name: "wrong host", change: func(c *Config) { c.ServerName = "other.test" }, want: new(x509.HostnameError)},
		{name: "wrong IP address", change: func(c *Config) { c.ServerName = "127.0.0.2" }, want: new(x509.HostnameError)},
		{name: "expired", leaf: expired, want: new(x509.CertificateInvalidError)},
		{name: "clock of the caller", change: func(c *Config) {
			c.TLS.Time = func() time.Time { return time.Now().Add(2 * time.Hour) }
		}, want: new(x509.CertificateInvalidError)},
		{name: "untrusted", change: func(c *Config) { c.TLS.RootCAs = x509.NewCertPool() }, want: new(x509.UnknownAuthorityError)},
		{name: "not for servers", leaf: clientOnly, want: new(x509.CertificateInvalidError)},
		{name: "skipped", leaf: expired, change: func(c *Config) { c.TLS.InsecureSkipVerify = true }},
	}
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		for _, test := range tests {
			t.Run(tls.VersionName(version)+"/"+test.name, func(t *testing.T) {
				s := newServer(t, func(c *tls.Config) { c.MaxVersion = version })
				if test.leaf != nil {
					s = newServer(t, nil)
					auth := s.auth
					s = newServer(t, func(c *tls.Config) {
						c.MaxVersion = version
						c.Certificates = []tls.Certificate{auth.issue(t, test.leaf)}
					})
					s.auth = auth
				}
				cfg := s.config(profile(t, "chrome-156-linux"))
				cfg.Tickets = NewTickets(0)
				if test.change != nil {
					test.change(&cfg)
				}
				c, err := s.dial(t, cfg)
				if test.want == nil {
					if err != nil {
						t.Fatal(err)
					}
					io.ReadFull(c, make([]byte, 5))
					if chains := c.ConnectionState().VerifiedChains; (len(chains) == 1) == cfg.TLS.InsecureSkipVerify {
						t.Errorf("%d verified chains", len(chains))
					}
					c.Close()
					return
				}
				var failed *tls.CertificateVerificationError
				if !errors.As(err, &failed) || len(failed.UnverifiedCertificates) != 1 || !errors.As(err, test.want) {
					t.Fatalf("error %T: %v", err, err)
				}
				if cfg.Tickets.Len() != 0 {
					t.Error("a session was stored")
				}
			})
		}
	}
}

// A resumed connection is verified against this connection's name, roots and
// clock with the certificates of the first one.
func TestVerificationOnResumption(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		tests := []struct {
			name   string
			change func(*Config)
			want   any
		}{
			{"wrong host", func(c *Config) { c.ServerName = "other.test" }, new(x509.HostnameError)},
			{"roots changed", func(c *Config) { c.TLS = &tls.Config{RootCAs: x509.NewCertPool()} }, new(x509.UnknownAuthorityError)},
			{"expired since", func(c *Config) {
				c.TLS = &tls.Config{RootCAs: c.TLS.RootCAs, Time: func() time.Time { return time.Now().Add(2 * time.Hour) }}
			}, new(x509.CertificateInvalidError)},
		}
		for _, test := range tests {
			t.Run(tls.VersionName(version)+"/"+test.name, func(t *testing.T) {
				s := newServer(t, func(c *tls.Config) { c.MaxVersion = version })
				cfg := s.config(profile(t, "chrome-156-linux"))
				cfg.Tickets, cfg.Chains = NewTickets(0), &Chains{}
				s.mustDial(t, cfg)
				if cfg.Tickets.Len() != 1 {
					t.Fatal("no session held")
				}
				test.change(&cfg)
				var failed *tls.CertificateVerificationError
				if _, err := s.dial(t, cfg); !errors.As(err, &failed) || !errors.As(err, test.want) {
					t.Fatalf("error %T: %v", err, err)
				}
			})
		}
	}
}

// Where nothing is verified uTLS's own clock decides whether to offer a ticket.
// One that has expired must not leave the shape of a resumed hello behind.
func TestExpiredTicketIsNotOffered(t *testing.T) {
	for _, name := range profileNames {
		s := newServer(t, nil)
		p := profile(t, name)
		cfg := s.config(p)
		cfg.Tickets = NewTickets(0)
		cfg.TLS = &tls.Config{InsecureSkipVerify: true}
		s.mustDial(t, cfg)
		cfg.TLS.Time = func() time.Time { return time.Now().Add(2 * time.Hour) }
		if s.mustDial(t, cfg).ConnectionState().DidResume {
			t.Error("resumed with an expired certificate")
		}
		if got := s.hello(t, 1).JA4(); got != p.Digests.JA4 {
			t.Errorf("JA4 %s, want that of a fresh hello", got)
		}
	}
}

func TestCallbacks(t *testing.T) {
	s := newServer(t, nil)
	cfg := s.config(profile(t, "chrome-156-linux"))
	cfg.Tickets = NewTickets(0)
	peers, conns := 0, 0
	cfg.TLS.VerifyPeerCertificate = func(raw [][]byte, chains [][]*x509.Certificate) error {
		peers++
		if len(raw) != 1 || len(chains) != 1 {
			t.Errorf("%d certificates, %d chains", len(raw), len(chains))
		}
		return nil
	}
	cfg.TLS.VerifyConnection = func(state tls.ConnectionState) error {
		conns++
		if state.DidResume != (conns == 2) || len(state.VerifiedChains) != 1 || state.ServerName != testHost {
			t.Errorf("connection %d: %+v", conns, state)
		}
		return nil
	}
	s.mustDial(t, cfg)
	s.mustDial(t, cfg)
	if peers != 1 || conns != 2 {
		t.Errorf("VerifyPeerCertificate %d times, VerifyConnection %d times", peers, conns)
	}

	mine := errors.New("mine")
	cfg.TLS.VerifyConnection = func(tls.ConnectionState) error { return mine }
	if _, err := s.dial(t, cfg); !refused(err, mine) {
		t.Errorf("error %v, want the callback's own", err)
	}
	cfg.TLS.VerifyConnection = nil
	cfg.NoTicket = true
	cfg.TLS.VerifyPeerCertificate = func([][]byte, [][]*x509.Certificate) error { return mine }
	if _, err := s.dial(t, cfg); !refused(err, mine) {
		t.Errorf("error %v, want the callback's own", err)
	}
}

// refused reports whether err is a refusal of the peer for the reason given.
func refused(err, reason error) bool {
	var c interface{ FailureClass() string }
	return errors.Is(err, reason) && errors.As(err, &c) && c.FailureClass() == "Certificate"
}

func TestClientCertificate(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		t.Run(tls.VersionName(version), func(t *testing.T) {
			s := newServer(t, nil)
			auth := s.auth
			s = newServer(t, func(c *tls.Config) {
				c.ClientAuth, c.ClientCAs, c.MaxVersion = tls.RequireAndVerifyClientCert, auth.pool, version
			})
			mine := auth.issue(t, func(c *x509.Certificate) { c.SerialNumber = big.NewInt(7) })
			cfg := s.config(profile(t, "chrome-156-linux"))
			cfg.TLS.Certificates = []tls.Certificate{mine}
			s.mustDial(t, cfg)

			cfg.TLS.Certificates = nil
			cfg.TLS.GetClientCertificate = func(info *tls.CertificateRequestInfo) (*tls.Certificate, error) {
				if info.Version != version || len(info.AcceptableCAs) != 1 || len(info.SignatureSchemes) == 0 {
					t.Errorf("request %+v", info)
				}
				return &mine, info.SupportsCertificate(&mine)
			}
			s.mustDial(t, cfg)

			cfg.TLS.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return nil, nil }
			if _, err := s.dial(t, cfg); err == nil || !strings.Contains(err.Error(), "GetClientCertificate") {
				t.Errorf("no certificate and no error: %v", err)
			}
			refused := errors.New("mine")
			cfg.TLS.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return nil, refused }
			if _, err := s.dial(t, cfg); !isLocal(err, refused) || err.Error() != "tls.Config.GetClientCertificate: mine" {
				t.Errorf("error %v, want the callback's own", err)
			}

			// TLS 1.3 tells of a missing certificate after the handshake.
			cfg.TLS.GetClientCertificate = nil
			c, err := s.dial(t, cfg)
			if err == nil {
				_, err = c.Read(make([]byte, 1))
				c.Close()
			}
			wantAlert(t, err, map[uint16]tls.AlertError{tls.VersionTLS12: 40, tls.VersionTLS13: 116}[version], true)
		})
	}
}

// isLocal reports whether err is cause, and called a failure of this side's.
func isLocal(err, cause error) bool {
	return errors.Is(err, cause) && retry.Classify(retry.Failure{Phase: retry.PhaseTLS, Err: err}) == retry.Invalid
}

func wantAlert(t *testing.T, err error, want tls.AlertError, remote bool) {
	t.Helper()
	var alert *AlertError
	if !errors.As(err, &alert) || alert.Alert != want || alert.Remote != remote || alert.TLSAlert() != uint8(want) {
		t.Errorf("error %T %v, want alert %d, remote %v", err, err, want, remote)
	}
	var std tls.AlertError
	if !errors.As(err, &std) || std != want {
		t.Errorf("no tls.AlertError in %v", err)
	}
}

func TestKeyLog(t *testing.T) {
	s := newServer(t, nil)
	cfg := s.config(profile(t, "firefox-153-linux"))
	var log bytes.Buffer
	cfg.TLS.KeyLogWriter = &log
	s.mustDial(t, cfg)
	for _, label := range []string{
		"CLIENT_HANDSHAKE_TRAFFIC_SECRET ", "SERVER_HANDSHAKE_TRAFFIC_SECRET ",
		"CLIENT_TRAFFIC_SECRET_0 ", "SERVER_TRAFFIC_SECRET_0 ",
	} {
		if strings.Count(log.String(), label) != 1 {
			t.Errorf("no %sin %q", label, log.String())
		}
	}
}

type brokenWriter struct{ err error }

func (w brokenWriter) Write([]byte) (int, error) { return 0, w.err }

func TestKeyLogError(t *testing.T) {
	s := newServer(t, nil)
	cfg := s.config(profile(t, "firefox-153-linux"))
	mine := errors.New("mine")
	cfg.TLS.KeyLogWriter = brokenWriter{mine}
	if _, err := s.dial(t, cfg); !isLocal(err, mine) || err.Error() != "tls.Config.KeyLogWriter: mine" {
		t.Errorf("error %v, want the writer's", err)
	}
}

func TestNameIsRequired(t *testing.T) {
	s := newServer(t, nil)
	cfg := s.config(profile(t, "chrome-156-linux"))
	cfg.ServerName = ""
	if _, err := s.dial(t, cfg); err == nil || !strings.Contains(err.Error(), "ServerName") {
		t.Errorf("error %v", err)
	}
	cfg.Profile = nil
	if _, err := s.dial(t, cfg); err == nil || !strings.Contains(err.Error(), "Profile") {
		t.Errorf("error %v", err)
	}
	cfg = s.config(profile(t, "chrome-156-linux"))
	cfg.ServerName, cfg.TLS.InsecureSkipVerify = "", true
	s.mustDial(t, cfg)
}

func TestExportKeyingMaterial(t *testing.T) {
	c := newServerDial(t)
	a, err := c.ExportKeyingMaterial("EXPORTER-test", nil, 32)
	if err != nil || len(a) != 32 || bytes.Equal(a, make([]byte, 32)) {
		t.Errorf("%x, %v", a, err)
	}
}

func newServerDial(t *testing.T) *Conn {
	s := newServer(t, nil)
	return s.mustDial(t, s.config(profile(t, "chrome-156-linux")))
}

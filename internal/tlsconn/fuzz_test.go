package tlsconn

import (
	"bytes"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/mien-http/mien/fingerprint"
)

// seedReply is a ServerHello in answer to a captured hello.
func seedReply(f *testing.F, random, ext []byte) []byte {
	return serverHelloMessage(capture(f, "chromium-156-fresh"), random, ext)
}

func seeds(f *testing.F) [][]byte {
	share := append([]byte{0, 51, 0, 36, 0, 0x1d, 0, 32}, make([]byte, 32)...)
	return [][]byte{
		seedReply(f, make([]byte, 32), share),
		seedReply(f, retryRandom, []byte{0, 51, 0, 2, 0, 0x17}),
		seedReply(f, make([]byte, 32), nil),
		handshakeMessage(11, make([]byte, 100)),
	}
}

func FuzzServerHello(f *testing.F) {
	for _, s := range seeds(f) {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		h, rest, ok := parseServerHello(b)
		if !ok {
			return
		}
		if !bytes.HasSuffix(b, rest) {
			t.Error("rest is not the end")
		}
		// What is whole stays what it is, whatever follows.
		again, _, ok := parseServerHello(append(bytes.Clone(b), 1, 2, 3))
		if !ok || again != h {
			t.Errorf("%+v with bytes behind it: %+v", h, again)
		}
	})
}

// However the flight is cut, the verdict is the same.
func FuzzFlight(f *testing.F) {
	f.Add(append(handshakeMessage(8, []byte{0, 0}), handshakeMessage(25, []byte{0, 2, 0, 1, 0, 0, 0, 0})...), 3)
	f.Add(append(handshakeMessage(25, []byte{0, 2, 0xff, 0, 0, 0, 0, 0}), handshakeMessage(20, make([]byte, 32))...), 1)
	f.Fuzz(func(t *testing.T, b []byte, step int) {
		if step <= 0 {
			return
		}
		var whole, cut flight
		wantDone, wantErr := whole.messages(b)
		done, err := false, error(nil)
		for part := b; len(part) > 0 && !done; {
			n := min(step, len(part))
			done, err = cut.messages(part[:n])
			part = part[n:]
		}
		if done != wantDone || (err == nil) != (wantErr == nil) {
			t.Errorf("whole %v %v, cut %v %v", wantDone, wantErr, done, err)
		}
		if kept := len(whole.head); kept > 9 && (whole.head[0] != messageExtensions || kept > 4+maxExtensions) {
			t.Errorf("%d bytes kept", len(whole.head))
		}
	})
}

// A memConn gives what a server sent and swallows what is written.
type memConn struct {
	net.Conn
	r io.Reader
}

func (c *memConn) Read(b []byte) (int, error)  { return c.r.Read(b) }
func (c *memConn) Write(b []byte) (int, error) { return len(b), nil }
func (c *memConn) Close() error                { return nil }

// No server can do worse than make the handshake fail.
func FuzzPeer(f *testing.F) {
	for _, s := range seeds(f) {
		f.Add(plainRecord(s))
	}
	f.Add([]byte{21, 3, 3, 0, 2, 2, 40})
	f.Add([]byte("HTTP/1.1 400 Bad Request\r\n\r\n"))
	p, err := fingerprint.Lookup("firefox-153-linux")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		_, err := Client(t.Context(), &memConn{r: bytes.NewReader(b)}, Config{Profile: p, ServerName: testHost})
		if err == nil || strings.Contains(err.Error(), "panic") {
			t.Errorf("error %v", err)
		}
	})
}

// A profile that cannot be sent is an error, never a panic.
func TestImpossibleProfiles(t *testing.T) {
	s := newServer(t, nil)
	for name, change := range map[string]func(*fingerprint.TLS){
		"no extensions":     func(p *fingerprint.TLS) { p.Extensions = nil },
		"unknown group":     func(p *fingerprint.TLS) { edit(p, extKeyShare).KeyShares[1].Group = 0x9999 },
		"no shares":         func(p *fingerprint.TLS) { edit(p, extKeyShare).KeyShares = nil },
		"two hybrid shares": func(p *fingerprint.TLS) { edit(p, extKeyShare).KeyShares[2].Group = 0x11ec },
		"empty ECH":         func(p *fingerprint.TLS) { edit(p, extECH).ECH = &fingerprint.ECHGrease{} },
		"no ECH":            func(p *fingerprint.TLS) { edit(p, extECH).ECH = nil },
		"huge ECH":          func(p *fingerprint.TLS) { edit(p, extECH).ECH.Payload = []int{1 << 20} },
		"negative ECH":      func(p *fingerprint.TLS) { edit(p, extECH).ECH.EncLen = -1 },
		"bad point formats": func(p *fingerprint.TLS) { edit(p, extPointFormats).Data = []byte{9} },
		"two tickets": func(p *fingerprint.TLS) {
			p.Extensions = append(p.Extensions, fingerprint.Extension{ID: extSessionTicket})
		},
		"early data": func(p *fingerprint.TLS) { p.Extensions = append(p.Extensions, fingerprint.Extension{ID: extEarlyData}) },
		"record size limit": func(p *fingerprint.TLS) {
			p.Extensions = append(p.Extensions, fingerprint.Extension{ID: extRecordSizeLimit})
		},
		"unsupported TLS1.4": func(p *fingerprint.TLS) { edit(p, extSupportedVersions).Codes = []fingerprint.Code{0x0305} },
		"no ciphers":         func(p *fingerprint.TLS) { p.CipherSuites = nil },
		"empty protocol":     func(p *fingerprint.TLS) { edit(p, extALPN).Protocols = []string{""} },
		"huge extension": func(p *fingerprint.TLS) {
			p.Extensions = append(p.Extensions, fingerprint.Extension{ID: 0x7777, Data: make([]byte, 1<<17)})
		},
	} {
		p := profile(t, "chrome-156-linux")
		change(&p.TLS)
		if c, err := s.dial(t, s.config(p)); err == nil {
			c.Close()
			t.Errorf("%s: no error", name)
		}
	}
}

func edit(p *fingerprint.TLS, id fingerprint.Code) *fingerprint.Extension {
	for i := range p.Extensions {
		if p.Extensions[i].ID == id {
			return &p.Extensions[i]
		}
	}
	return nil
}

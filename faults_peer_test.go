package mien_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"math/big"
	"net"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/mien-http/mien"
	"github.com/mien-http/mien/mientest"
)

// place is where a peer lives and which protocol it is met by.
type place struct {
	protocol
	network *mientest.Network // nil: loopback
	port    *atomic.Int32     // the latest of network
}

// listen opens a port there.
func (p place) listen(t *testing.T) net.Listener {
	t.Helper()
	if p.network != nil {
		l, err := p.network.Listen("127.0.0.1:" + strconv.Itoa(int(p.port.Add(1))))
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func (p place) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	if p.network != nil {
		return p.network.DialContext(ctx, network, addr)
	}
	return new(net.Dialer).DialContext(ctx, network, addr)
}

// scripted is a peer that does with each connection, from 1, what serve says,
// and then closes it.
func scripted(t *testing.T, p place, serve func(n int, nc net.Conn)) (addr string) {
	t.Helper()
	l := p.listen(t)
	var wg sync.WaitGroup
	var mu sync.Mutex
	var open []net.Conn
	wg.Go(func() {
		for n := 1; ; n++ {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			open = append(open, nc)
			mu.Unlock()
			wg.Go(func() {
				defer nc.Close()
				serve(n, nc)
			})
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		mu.Lock()
		for _, nc := range open {
			_ = nc.Close()
		}
		mu.Unlock()
		wg.Wait()
	})
	return l.Addr().String()
}

// rst makes the end of nc a RST.
func rst(nc net.Conn) { _ = under(nc).(interface{ SetLinger(int) error }).SetLinger(0) }

// closeWrite makes the end of what is written to nc a FIN, without a close_notify.
func closeWrite(nc net.Conn) { _ = under(nc).(interface{ CloseWrite() error }).CloseWrite() }

// under is the connection that carries nc's TLS, if it has any.
func under(nc net.Conn) net.Conn {
	if c, ok := nc.(*tls.Conn); ok {
		return c.NetConn()
	}
	return nc
}

// gone reads nc until the peer is gone.
func gone(nc net.Conn) { _, _ = io.Copy(io.Discard, nc) }

// peerCA signs the certificates of scripted peers.
var peerCA = sync.OnceValues(func() (*tls.Certificate, error) {
	return issue(&x509.Certificate{IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}, nil)
})

// serial is of the certificate issued last.
var serial atomic.Int64

// issue makes a certificate for 127.0.0.1 and *.test, valid now and in a bubble.
func issue(template *x509.Certificate, ca *tls.Certificate) (*tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template.SerialNumber = big.NewInt(serial.Add(1))
	template.Subject = pkix.Name{CommonName: "scripted peer"}
	template.NotBefore, template.NotAfter = time.Unix(0, 0), time.Unix(1<<32, 0)
	template.DNSNames, template.IPAddresses = []string{"*.test"}, []net.IP{net.IPv4(127, 0, 0, 1)}
	parent, signer := template, any(key)
	if ca != nil {
		parent, signer = ca.Leaf, ca.PrivateKey
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	if err != nil {
		return nil, err
	}
	leaf, err := x509.ParseCertificate(der)
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}, err
}

// peerTLS is the configuration of a scripted peer and that of its client.
func peerTLS(t *testing.T, alpn []string, template *x509.Certificate) (server, client *tls.Config) {
	t.Helper()
	ca, err := peerCA()
	if err != nil {
		t.Fatal(err)
	}
	cert, err := issue(template, ca)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(ca.Leaf)
	return &tls.Config{Certificates: []tls.Certificate{*cert}, NextProtos: alpn}, &tls.Config{RootCAs: pool}
}

// scriptedTLS is a scripted peer that speaks TLS.
func scriptedTLS(t *testing.T, p place, alpn []string, serve func(n int, c *tls.Conn)) *broken {
	t.Helper()
	server, client := peerTLS(t, alpn, &x509.Certificate{})
	addr := scripted(t, p, func(n int, nc net.Conn) {
		if c := tls.Server(nc, server); c.Handshake() == nil {
			serve(n, c)
		}
	})
	return &broken{url: "https://" + addr + "/", cfg: mien.Config{TLS: client}, seen: func() int { return 0 }}
}

// scriptedH1 is a peer that answers the first requests by do, all if times is
// negative, and the others with 200.
func scriptedH1(t *testing.T, p place, times int, do func(c *tls.Conn, r *http.Request)) *broken {
	var seen atomic.Int32
	b := scriptedTLS(t, p, []string{"http/1.1"}, func(_ int, c *tls.Conn) {
		for br := bufio.NewReader(c); ; {
			r, err := http.ReadRequest(br)
			if err != nil {
				return
			}
			_, _ = io.Copy(io.Discard, r.Body)
			if r.URL.Path != warming && breaks(int(seen.Add(1)), times) {
				do(c, r)
				return
			}
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
		}
	})
	b.seen = func() int { return int(seen.Load()) }
	return b
}

// h2Peer is a scripted peer's side of one HTTP/2 connection.
type h2Peer struct {
	*http2.Framer
	conn   *tls.Conn
	silent bool                 // it answers no PING
	told   chan<- http2.ErrCode // gets the codes of the client's GOAWAYs, if not nil
}

// status answers stream with 200, and with more fields if there are any.
func (p *h2Peer) status(stream uint32, end bool, fields ...hpack.HeaderField) {
	var block bytes.Buffer
	enc := hpack.NewEncoder(&block)
	_ = enc.WriteField(hpack.HeaderField{Name: ":status", Value: "200"})
	for _, f := range fields {
		_ = enc.WriteField(f)
	}
	_ = p.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: block.Bytes(), EndHeaders: true, EndStream: end})
}

func (p *h2Peer) fin() { fin(p.conn) }

// fin ends nc without a close_notify, and reads until the client has closed
// too: the end would be a RST otherwise.
func fin(nc net.Conn) {
	closeWrite(nc)
	gone(under(nc))
}

// scriptedH2 is scriptedH1 for HTTP/2: do is called when a request is whole, and
// the connection goes on afterwards.
func scriptedH2(t *testing.T, p place, times int, do func(p *h2Peer, stream uint32)) *broken {
	var seen atomic.Int32
	b := scriptedTLS(t, p, []string{"h2"}, func(_ int, c *tls.Conn) {
		preface := make([]byte, len(http2.ClientPreface))
		if _, err := io.ReadFull(c, preface); err != nil {
			return
		}
		p := &h2Peer{Framer: http2.NewFramer(c, c), conn: c}
		p.AllowIllegalWrites = true
		_ = p.WriteSettings()
		for {
			f, err := p.ReadFrame()
			if err != nil {
				return
			}
			ended := false
			switch f := f.(type) {
			case *http2.SettingsFrame:
				if !f.IsAck() {
					_ = p.WriteSettingsAck()
				}
			case *http2.PingFrame:
				if !f.IsAck() && !p.silent {
					_ = p.WritePing(true, f.Data)
				}
			case *http2.GoAwayFrame:
				if p.told != nil {
					p.told <- f.ErrCode
				}
			case *http2.HeadersFrame:
				ended = f.StreamEnded()
			case *http2.DataFrame:
				ended = f.StreamEnded()
			}
			if !ended {
				continue
			}
			if stream := f.Header().StreamID; breaks(int(seen.Add(1)), times) {
				do(p, stream)
			} else {
				p.status(stream, true)
			}
		}
	})
	b.seen = func() int { return int(seen.Load()) }
	return b
}

// warming is the path of requests that only open a connection.
const warming = "/warming"

// breaking is a mientest origin whose requests are counted, but for those that
// warm, and answered by script if times says so. handler nil: 200.
func breaking(t *testing.T, p place, cfg mientest.Config, times int, script func(r *http.Request) mientest.RequestAction) *broken {
	t.Helper()
	var seen atomic.Int32
	if cfg.Protocols == nil {
		cfg.Protocols = p.alpn
	}
	if cfg.Handler == nil {
		cfg.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) })
	}
	cfg.Faults.Request.Script = func(_ int, r *http.Request) mientest.RequestAction {
		if r.URL.Path == warming {
			return mientest.RequestAction{}
		}
		if n := int(seen.Add(1)); script != nil && breaks(n, times) {
			return script(r)
		}
		return mientest.RequestAction{}
	}
	cfg.Listener = p.listen(t)
	origin := newOrigin(t, cfg)
	return &broken{url: origin.URL + "/", seen: func() int { return int(seen.Load()) }}
}

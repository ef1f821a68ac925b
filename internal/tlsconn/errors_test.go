package tlsconn

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// readHello reads the client's first record.
func readHello(c net.Conn) []byte {
	header := make([]byte, 5)
	if _, err := io.ReadFull(c, header); err != nil {
		return nil
	}
	body := make([]byte, int(header[3])<<8|int(header[4]))
	io.ReadFull(c, body)
	return append(header, body...)
}

func TestPeerThatDies(t *testing.T) {
	tests := []struct {
		name   string
		handle func(net.Conn)
		check  func(error) bool
	}{
		{"FIN", func(c net.Conn) { readHello(c) }, func(err error) bool { return err == io.EOF }},
		{"RST", func(c net.Conn) {
			readHello(c)
			c.(*teeConn).Conn.(*net.TCPConn).SetLinger(0)
		}, func(err error) bool { return errors.Is(err, syscall.ECONNRESET) || isWSAReset(err) }},
		{"FIN inside a record", func(c net.Conn) {
			readHello(c)
			c.Write([]byte{22, 3, 3, 0, 100, 2})
		}, func(err error) bool { return errors.Is(err, io.ErrUnexpectedEOF) }},
		{"close_notify", func(c net.Conn) {
			readHello(c)
			c.Write([]byte{21, 3, 3, 0, 2, 1, 0})
		}, func(err error) bool { return errors.Is(err, io.EOF) }},
		{"not TLS", func(c net.Conn) {
			readHello(c)
			c.Write([]byte("HTTP/1.1 400 Bad Request\r\n\r\n"))
		}, isHeaderError},
		{"garbage", func(c net.Conn) {
			readHello(c)
			c.Write(make([]byte, 1000))
		}, isHeaderError},
		{"handshake_failure", func(c net.Conn) {
			readHello(c)
			c.Write([]byte{21, 3, 3, 0, 2, 2, 40})
		}, func(err error) bool { return isAlert(err, 40, true) }},
		{"another message", func(c net.Conn) {
			readHello(c)
			c.Write([]byte{22, 3, 3, 0, 4, 14, 0, 0, 0})
		}, func(err error) bool { return isAlert(err, 10, false) }},
		{"a handshake message without end", func(c net.Conn) {
			readHello(c)
			record := append([]byte{22, 3, 3, 0x40, 0}, make([]byte, 0x4000)...)
			copy(record[5:], []byte{2, 0xff, 0xff, 0xff})
			for range 200 {
				if _, err := c.Write(record); err != nil {
					return
				}
			}
		}, func(err error) bool { var a *AlertError; return errors.As(err, &a) && !a.Remote }},
	}
	for _, name := range profileNames {
		for _, test := range tests {
			t.Run(name+"/"+test.name, func(t *testing.T) {
				s := &server{auth: newAuthority(t)}
				s.serve(t, test.handle)
				if _, err := s.dial(t, s.config(profile(t, name))); !test.check(err) {
					t.Errorf("error %T: %v", err, err)
				}
			})
		}
	}
}

// WSAECONNRESET, which syscall.ECONNRESET does not match on Windows.
func isWSAReset(err error) bool {
	var errno syscall.Errno
	return errors.As(err, &errno) && errno == 10054
}

func isHeaderError(err error) bool {
	var header tls.RecordHeaderError
	return errors.As(err, &header) && header.Msg != "" && header.Conn == nil
}

func isAlert(err error, n uint8, remote bool) bool {
	var alert *AlertError
	return errors.As(err, &alert) && alert.TLSAlert() == n && alert.Remote == remote
}

func TestPlainHTTPServer(t *testing.T) {
	s := &server{auth: newAuthority(t)}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	plain := &http.Server{Handler: http.NotFoundHandler()}
	done := make(chan struct{})
	go func() { defer close(done); plain.Serve(ln) }()
	defer func() { plain.Close(); <-done }()
	s.addr = ln.Addr().String()
	_, err = s.dial(t, s.config(profile(t, "chrome-156-linux")))
	var header tls.RecordHeaderError
	if !errors.As(err, &header) || string(header.RecordHeader[:]) != "HTTP/" {
		t.Errorf("error %T: %v", err, err)
	}
}

func TestNoCommonProtocol(t *testing.T) {
	s := newServer(t, func(c *tls.Config) { c.NextProtos = []string{"acme-tls/1"} })
	_, err := s.dial(t, s.config(profile(t, "chrome-156-linux")))
	wantAlert(t, err, 120, true)
}

// TLS 1.2 is the floor, though this preset offers TLS 1.0 and the server takes it.
func TestVersionFloor(t *testing.T) {
	auth := newAuthority(t)
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	leaf := auth.issue(t, nil).Leaf
	cert := sign(t, leaf, auth.cert, &key.PublicKey, auth.key)
	s := newServer(t, func(c *tls.Config) {
		c.MinVersion, c.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
		c.Certificates = []tls.Certificate{{Certificate: [][]byte{cert.Raw}, PrivateKey: key}}
	})
	s.auth = auth
	_, err = s.dial(t, s.config(profile(t, "utls:HelloChrome_58")))
	wantAlert(t, err, 70, false)
	_, err = s.dial(t, s.config(profile(t, "chrome-156-linux")))
	wantAlert(t, err, 70, true)
}

func TestAlertErrorText(t *testing.T) {
	for want, e := range map[string]*AlertError{
		"remote error: tls: handshake failure":           {Alert: 40, Remote: true},
		"local error: tls: bad certificate":              {Alert: 42},
		"local error: tls: bad certificate: it was said": {Alert: 42, Reason: errors.New("it was said")},
	} {
		if e.Error() != want {
			t.Errorf("%q, want %q", e.Error(), want)
		}
	}
}

// Errors of the connection below pass as they are, a time-out with its method.
func TestTimeoutPasses(t *testing.T) {
	c := newServerDial(t)
	c.SetReadDeadline(time.Now().Add(-time.Second))
	_, err := c.Read(make([]byte, 1))
	var timeout net.Error
	if !errors.As(err, &timeout) || !timeout.Timeout() {
		t.Errorf("error %T: %v", err, err)
	}
	c.Close()
	if _, err := c.Write([]byte("x")); !errors.Is(err, net.ErrClosed) {
		t.Errorf("write after close: %v", err)
	}
}

// A silentConn swallows what is written and never has anything to read.
type silentConn struct {
	net.Conn
	closed chan struct{}
}

func newSilentConn() *silentConn { return &silentConn{closed: make(chan struct{})} }

func (c *silentConn) Read([]byte) (int, error)    { <-c.closed; return 0, net.ErrClosed }
func (c *silentConn) Write(b []byte) (int, error) { return len(b), nil }
func (c *silentConn) Close() error {
	select {
	case <-c.closed:
	default:
		close(c.closed)
	}
	return nil
}

func TestContext(t *testing.T) { synctest.Test(t, testContext) }

func testContext(t *testing.T) {
	cfg := Config{Profile: profile(t, "chrome-156-linux"), ServerName: testHost}
	for _, test := range []struct {
		name    string
		ctx     func() (context.Context, context.CancelFunc)
		want    error
		elapsed time.Duration
	}{
		{"deadline", func() (context.Context, context.CancelFunc) {
			return context.WithTimeout(t.Context(), 15*time.Second)
		}, context.DeadlineExceeded, 15 * time.Second},
		{"cancelled on the way", func() (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(time.Second, cancel)
			return ctx, cancel
		}, context.Canceled, time.Second},
		{"cancelled before", func() (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			return ctx, cancel
		}, context.Canceled, 0},
		{"with a cause", func() (context.Context, context.CancelFunc) {
			return context.WithTimeoutCause(t.Context(), time.Second, errors.New("too slow"))
		}, context.DeadlineExceeded, time.Second},
	} {
		ctx, cancel := test.ctx()
		start, nc := time.Now(), newSilentConn()
		c, err := Client(ctx, nc, cfg)
		if c != nil || err != test.want || time.Since(start) != test.elapsed {
			t.Errorf("%s: error %v after %v", test.name, err, time.Since(start))
		}
		select {
		case <-nc.closed:
		default:
			t.Errorf("%s: connection left open", test.name)
		}
		cancel()
	}
}

// Once the handshake is over ctx plays no part.
func TestContextEndsAfterHandshake(t *testing.T) {
	s := newServer(t, nil)
	nc, err := net.Dial("tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	c, err := Client(ctx, nc, s.config(profile(t, "chrome-156-linux")))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	cancel()
	if _, err := io.ReadFull(c, make([]byte, 5)); err != nil {
		t.Error(err)
	}
}

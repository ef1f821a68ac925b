package leak_test

import (
	"bufio"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
)

// proxies are servers of every family. What one does is in the user name that
// it is given, before its first dot: none, literal (none, and addresses are to be
// asked for), close, drop (once there is a tunnel), auth, deny, gateway, garbage,
// raw, trailer (all three tell what the proxy was told) or stall; with -once only
// the first time.
type proxies struct {
	place *place
	certs tls.Certificate // of the https proxy
	wg    sync.WaitGroup

	mu       sync.Mutex
	closers  []io.Closer         // guarded by mu
	closed   bool                // guarded by mu
	asked    map[string]int      // guarded by mu; how often by a user
	basics   map[string]struct{} // guarded by mu; values of Proxy-Authorization
	outgoing map[string]struct{} // guarded by mu; addresses that origins were dialled from
	tunnels  int                 // guarded by mu; dialled to origins
	problems []string            // guarded by mu
}

// start listens at host and fills in the place's ports.
func (x *proxies) start(host string) error {
	x.asked, x.basics, x.outgoing = make(map[string]int), make(map[string]struct{}), make(map[string]struct{})
	x.place.Ports = make(map[string]string)
	for name, serve := range map[string]func(net.Conn){"http": x.http, "https": x.https, "socks4": x.socks4, "socks5": x.socks5} {
		l, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
		if err != nil {
			return err
		}
		_, x.place.Ports[name], _ = net.SplitHostPort(l.Addr().String())
		x.keep(l)
		x.wg.Go(func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				x.keep(c)
				x.wg.Go(func() {
					defer c.Close()
					serve(c)
				})
			}
		})
	}
	return nil
}

// keep has close close c.
func (x *proxies) keep(c io.Closer) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.closed {
		c.Close()
	}
	x.closers = append(x.closers, c)
}

func (x *proxies) close() {
	x.mu.Lock()
	x.closed = true
	for _, c := range x.closers {
		c.Close()
	}
	x.mu.Unlock()
	x.wg.Wait()
}

func (x *proxies) problem(format string, args ...any) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.problems = append(x.problems, fmt.Sprintf(format, args...))
}

// known reports whether a user is one of ours and, where there is a password,
// whether it is right.
func known(user, password string, passwords bool) bool {
	return strings.HasSuffix(user, "."+secretUser) && (!passwords || password == secretPassword)
}

// fault is what the proxy does for a user this time.
func (x *proxies) fault(user string) string {
	does, _, _ := strings.Cut(user, ".")
	x.mu.Lock()
	x.asked[user]++
	n := x.asked[user]
	x.mu.Unlock()
	if once, ok := strings.CutSuffix(does, "-once"); ok {
		if does = "none"; n == 1 {
			does = once
		}
	}
	return does
}

// dial connects to what a user asked for, by the proxy's own look-up.
func (x *proxies) dial(user, target string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(target)
	if err != nil {
		return nil, err
	}
	addr, err := netip.ParseAddr(host)
	literal := err == nil
	if literal && !strings.HasPrefix(user, "literal.") && host != x.place.Far {
		x.problem("user %s: asked for %s, not for a name: somebody else looked it up", user, target)
	}
	switch {
	case strings.HasPrefix(host, "nx-"):
		return nil, fmt.Errorf("no such host")
	case !literal || addr.IsLoopback() && addr.Is4():
		host = x.place.Origin
	}
	c, err := net.Dial("tcp", net.JoinHostPort(host, port))
	if err != nil {
		return nil, err
	}
	x.keep(c)
	x.mu.Lock()
	x.outgoing[c.LocalAddr().String()] = struct{}{}
	x.tunnels++
	x.mu.Unlock()
	return c, nil
}

// splice copies both ways until either end is done.
func splice(near net.Conn, early io.Reader, far net.Conn) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = io.Copy(far, early)
		far.Close()
		near.Close()
	}()
	_, _ = io.Copy(near, far)
	near.Close()
	far.Close()
	<-done
}

func (x *proxies) https(c net.Conn) {
	tc := tls.Server(c, &tls.Config{Certificates: []tls.Certificate{x.certs}, NextProtos: []string{"http/1.1"}})
	if tc.Handshake() == nil {
		x.http(tc)
	}
}

// http serves one request on c, CONNECT or in absolute form.
func (x *proxies) http(c net.Conn) {
	br := bufio.NewReader(c)
	req, err := http.ReadRequest(br)
	if err != nil {
		return
	}
	authorization := req.Header.Get("Proxy-Authorization")
	user, password := basic(authorization)
	answer := func(status int) {
		// A proxy may say what it was told, in every place where it can.
		fmt.Fprintf(c, "HTTP/1.1 %d %s\r\nX-Told: %s\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%[2]s", status, authorization, authorization, len(authorization))
	}
	if !known(user, password, true) {
		x.problem("an HTTP proxy was told %q", authorization)
		answer(http.StatusProxyAuthRequired)
		return
	}
	x.mu.Lock()
	x.basics[strings.TrimPrefix(authorization, "Basic ")] = struct{}{}
	x.mu.Unlock()
	switch x.fault(user) {
	case "close":
		return
	case "drop":
		if req.Method == http.MethodConnect {
			_, _ = io.WriteString(c, "HTTP/1.1 200 Connection established\r\n\r\n")
		}
		return
	case "raw":
		_, _ = io.WriteString(c, strings.TrimPrefix(authorization, "Basic ")+"\r\n\r\n")
		return
	case "trailer":
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"+authorization+" "+password+"\r\n\r\n")
		return
	case "auth":
		answer(http.StatusProxyAuthRequired)
		return
	case "deny":
		answer(http.StatusForbidden)
		return
	case "gateway":
		answer(http.StatusBadGateway)
		return
	case "garbage":
		_, _ = io.WriteString(c, "HTTP/1.1 "+strings.TrimPrefix(authorization, "Basic ")+" "+authorization+"\r\n\r\n")
		return
	case "stall":
		_, _ = io.Copy(io.Discard, br)
		return
	}
	target := req.Host
	if req.Method != http.MethodConnect {
		if target = req.URL.Host; req.URL.Port() == "" {
			target = net.JoinHostPort(req.URL.Hostname(), "80")
		}
	}
	far, err := x.dial(user, target)
	if err != nil {
		answer(http.StatusBadGateway)
		return
	}
	if req.Method == http.MethodConnect {
		_, _ = io.WriteString(c, "HTTP/1.1 200 Connection established\r\n\r\n")
	} else {
		req.Header.Del("Proxy-Authorization")
		req.Header.Del("Proxy-Connection")
		req.Close = req.Header.Get("Upgrade") == ""
		if req.Write(far) != nil {
			far.Close()
			return
		}
	}
	splice(c, br, far)
}

// basic takes a value of Proxy-Authorization apart.
func basic(value string) (user, password string) {
	text, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(value, "Basic "))
	if err != nil {
		return "", ""
	}
	user, password, _ = strings.Cut(string(text), ":")
	return user, password
}

package mientest

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"sync"
	"syscall"
)

// A Network is a set of listeners in memory, for tests in a testing/synctest
// bubble, where a real socket would keep the clock from moving:
//
//	var network mientest.Network
//	listener, err := network.Listen("example.test:443")
//	origin, err := mientest.New(mientest.Config{Listener: listener})
//	transport := &http.Transport{DialContext: network.DialContext, …}
//
// Connections are buffered as sockets are, know deadlines, half close and
// reset. The zero value is ready for use. Its methods may be used concurrently.
type Network struct {
	mu        sync.Mutex
	listeners map[string]*memListener // guarded by mu
	port      int                     // guarded by mu: of the latest client
}

// memAddr is an address in memory, "host:port".
type memAddr string

func (memAddr) Network() string  { return "mem" }
func (a memAddr) String() string { return string(a) }

// Listen returns a listener at addr, "host:port". An addr without a host, as
// ":443", takes what is dialled to that port of hosts that nobody listens at.
func (n *Network) Listen(addr string) (net.Listener, error) {
	if _, _, err := net.SplitHostPort(addr); err != nil {
		return nil, &net.OpError{Op: "listen", Net: "mem", Err: err}
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.listeners[addr] != nil {
		return nil, &net.OpError{Op: "listen", Net: "mem", Addr: memAddr(addr), Err: syscall.EADDRINUSE}
	}
	if n.listeners == nil {
		n.listeners = make(map[string]*memListener)
	}
	l := &memListener{network: n, addr: memAddr(addr), queue: make(chan *memConn, 128), done: make(chan struct{})}
	n.listeners[addr] = l
	return l, nil
}

// DialContext connects to the listener at addr; the network's name is not
// looked at. Where nobody listens the error wraps ECONNREFUSED.
func (n *Network) DialContext(ctx context.Context, _, addr string) (net.Conn, error) {
	fail := func(err error) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Net: "mem", Addr: memAddr(addr), Err: err}
	}
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return fail(err)
	}
	n.mu.Lock()
	l := n.listeners[addr]
	if l == nil {
		l = n.listeners[":"+port]
	}
	n.port++
	local := memAddr("client:" + strconv.Itoa(n.port))
	n.mu.Unlock()
	if l == nil {
		return fail(connRefused)
	}
	client, server := memPipe(local, memAddr(addr))
	select {
	case <-l.done:
		return fail(connRefused)
	case <-ctx.Done():
		return fail(context.Cause(ctx))
	case l.queue <- server:
	}
	select {
	case <-l.done:
		l.refuse() // it may have closed before it saw this connection
	default:
	}
	return client, nil
}

// memListener is a listener of a Network.
type memListener struct {
	network *Network
	addr    memAddr
	queue   chan *memConn
	done    chan struct{}
	once    sync.Once
}

func (l *memListener) Addr() net.Addr { return l.addr }

func (l *memListener) Accept() (net.Conn, error) {
	closed := &net.OpError{Op: "accept", Net: "mem", Addr: l.addr, Err: net.ErrClosed}
	select {
	case <-l.done:
		return nil, closed
	default:
	}
	select {
	case c := <-l.queue:
		return c, nil
	case <-l.done:
		return nil, closed
	}
}

// Close resets the connections that nobody accepted.
func (l *memListener) Close() error {
	err := fmt.Errorf("close %s: %w", l.addr, net.ErrClosed)
	l.once.Do(func() {
		err = nil
		l.network.mu.Lock()
		delete(l.network.listeners, string(l.addr))
		l.network.mu.Unlock()
		close(l.done)
		l.refuse()
	})
	return err
}

func (l *memListener) refuse() {
	for {
		select {
		case c := <-l.queue:
			reset(c)
		default:
			return
		}
	}
}

package h2

import (
	"math"
	"net"
	"sync"
	"time"

	"golang.org/x/net/http2"

	"github.com/mien-http/mien/fingerprint"
)

// Config is what a connection needs to know beside its net.Conn.
type Config struct {
	// Profile is the browser's HTTP/2 behaviour. It must not be nil and is
	// not written to.
	Profile *fingerprint.HTTP2
	// MaxHeaderBytes limits a decoded field section, counted as RFC 9113
	// §6.5.2 does (names, values and 32 bytes a line). 0: 256 KiB.
	MaxHeaderBytes int
	// Streams is how many streams the peer is taken to allow until its
	// SETTINGS say; 0: 100.
	Streams int
	// PingAfter sends a PING when nothing was received for this long while
	// the connection is open. 0 or negative: never, as browsers.
	PingAfter time.Duration
	// PingTimeout is how long the answer to a PING may take. 0: 15 s.
	PingTimeout time.Duration
	// ContinueTimeout is how long a request with "Expect: 100-continue" waits
	// for an interim response before it sends its content. 0: 1 s.
	ContinueTimeout time.Duration
	// OnState, if set, is called without locks held whenever a stream ended,
	// Available may have grown, Closing became true or Err became non-nil. It
	// is called from several goroutines, the connection's own among them, and
	// must not block. It is never called by Reserve, Release, Close, Flush or
	// a method that only reports, so these may be called with a lock held that
	// OnState takes.
	OnState func(*Conn)
}

const (
	defaultHeaderBytes     = 256 << 10
	defaultPingTimeout     = 15 * time.Second
	defaultContinueTimeout = time.Second
	// initialStreams is how many streams a peer is taken to allow until its
	// SETTINGS say how many it does.
	initialStreams = 100
	// initialWindow and initialFrameSize are what RFC 9113 §6.5.2 and §6.9.2
	// start with.
	initialWindow    = 65535
	initialFrameSize = 16384
	maxWindow        = math.MaxInt32
	maxStreamID      = math.MaxInt32
	// closeGrace is how long a connection that failed is kept to get its
	// GOAWAY to a peer that is slow to read.
	closeGrace = time.Second
)

// A Conn is one HTTP/2 client connection. All methods may be called
// concurrently. Make one with [New]; the zero value is of no use.
type Conn struct {
	nc   net.Conn
	cfg  Config // with defaults applied; never written after New
	done chan struct{}

	windows windows // what the profile announces; never written after New
	reader  reader  // owned by the reading goroutine

	mu sync.Mutex
	// Everything below is guarded by mu.

	err     *Error // why the connection ended; nil while it lives
	closing bool   // no new streams: GOAWAY seen or ids used up
	goAway  *Error // what the peer's GOAWAY said, nil before
	lastID  uint32 // highest stream the peer may process, after GOAWAY
	changed bool   // OnState is due
	running int    // goroutines of this connection

	streams map[uint32]*stream // open ones, cancelled ones included until reset
	nextID  uint32
	slots   slots
	order   dependencies
	enc     *encoder
	block   []byte          // scratch of the encoder
	wakes   []chan struct{} // of streams that are over, for streams to come
	prio    [5]byte         // scratch

	out    output
	peer   peerSettings
	send   sendWindow
	recv   recvWindow
	resets resets
	flood  flood
	ping   ping
}

// New starts HTTP/2 on nc, whose handshake is complete, and takes it over. The
// preface, SETTINGS and WINDOW_UPDATE of the profile are queued; they go out
// in one Write with the first request, or when [Conn.Flush] is called.
func New(nc net.Conn, cfg Config) *Conn {
	if cfg.MaxHeaderBytes <= 0 {
		cfg.MaxHeaderBytes = defaultHeaderBytes
	}
	if cfg.PingTimeout <= 0 {
		cfg.PingTimeout = defaultPingTimeout
	}
	if cfg.ContinueTimeout <= 0 {
		cfg.ContinueTimeout = defaultContinueTimeout
	}
	profile := cfg.Profile
	c := &Conn{
		nc:      nc,
		cfg:     cfg,
		done:    make(chan struct{}),
		windows: newWindows(profile),
		lastID:  math.MaxUint32,
		running: 2,
		streams: make(map[uint32]*stream),
		nextID:  max(profile.FirstStreamID, 1),
		slots:   slots{limit: streamsUntilSettings(cfg.Streams)},
		enc:     newEncoder(profile),
		peer:    peerSettings{frameSize: initialFrameSize, window: initialWindow},
		send:    sendWindow{n: initialWindow},
	}
	c.recv = c.windows.opened(c.windows.conn)
	c.reader.init(c)
	c.out.init()
	c.out.queue = append(c.out.queue, http2.ClientPreface...)
	c.out.queue = appendSettings(c.out.queue, profile.Settings)
	if profile.WindowUpdate > 0 {
		c.out.queue = appendWindowUpdate(c.out.queue, 0, profile.WindowUpdate)
	}
	c.ping.start(c)
	go c.readLoop()
	go c.writeLoop()
	return c
}

// Flush sends what [New] queued without waiting for a request. Only the first
// call has an effect.
func (c *Conn) Flush() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.out.release()
}

// Err returns why the connection can no longer be used, an *[Error], or nil. A
// connection that only drains has a nil Err and Closing reports true.
func (c *Conn) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err == nil {
		return nil
	}
	return c.err
}

// Closing reports whether no further stream can be opened: the peer sent
// GOAWAY, the stream ids are used up, or the connection has ended.
func (c *Conn) Closing() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.closing || c.err != nil
}

// Close ends the connection at once. Requests in flight fail with
// net.ErrClosed. It does not wait: Done tells when the connection's goroutines
// are gone and the net.Conn is closed. OnState is called by another goroutine.
func (c *Conn) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.fail(&Error{Err: net.ErrClosed})
	return nil
}

// Done is closed when the connection has ended and left nothing behind.
func (c *Conn) Done() <-chan struct{} { return c.done }

// unlock ends a critical section and calls OnState if it is due.
func (c *Conn) unlock() {
	changed := c.changed
	c.changed = false
	c.mu.Unlock()
	if changed && c.cfg.OnState != nil {
		c.cfg.OnState(c)
	}
}

// fail ends the connection and every request on it. mu is held. What e says of
// the connection is said of each stream, whose own facts are added.
func (c *Conn) fail(e *Error) {
	if c.err != nil {
		return
	}
	if c.goAway != nil && e.Remote && !e.HasCode {
		said := *c.goAway
		said.Err = e.Err
		e = &said
	}
	c.err = e
	c.changed = true
	c.ping.stop()
	c.resets.stop()
	c.slots.refuse()
	for _, s := range c.streams {
		c.lose(s, e)
	}
	c.out.discard()
	switch {
	case e.Remote || c.out.taken == 0: // nobody to tell, or nothing to speak of
	case e.HasCode:
		c.out.queue = appendGoAway(c.out.queue, e.Code)
	case c.cfg.Profile.GoAwayOnClose:
		c.out.queue = appendGoAway(c.out.queue, http2.ErrCodeNo)
	}
	// Lingering lets the peer read a GOAWAY before the close resets the link.
	c.out.finish(c.nc, e.HasCode && !e.Remote)
}

// exited counts the connection's goroutines down.
func (c *Conn) exited() {
	c.mu.Lock()
	c.running--
	last := c.running == 0
	closer := c.out.closer
	c.mu.Unlock()
	if last {
		closer.Stop()
		c.nc.Close()
		close(c.done)
	}
}

// open makes s a stream and gives it the next id. mu is held.
func (c *Conn) open(s *stream) {
	s.id = c.nextID
	c.nextID += 2
	if c.nextID > maxStreamID {
		c.closing = true
		c.changed = true
		c.slots.refuse()
	}
	s.recv = c.windows.opened(c.windows.stream)
	s.send = c.peer.window
	c.streams[s.id] = s
	s.awake()
}

func streamsUntilSettings(hint int) int {
	if hint <= 0 {
		return initialStreams
	}
	return min(hint, initialStreams)
}

package soak_test

import (
	"encoding/gob"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/mien-http/mien/fingerprint"
	"github.com/mien-http/mien/mientest"
)

// The fields that tie a delivery to a request and say what is to be answered.
const (
	idField    = "X-Soak-Id"
	padField   = "X-Soak-Pad" // bytes in the answer behind its first line
	faultField = "X-Soak-Fault"
)

// originSetup is the first thing that an origin process reads.
type originSetup struct {
	Host  string // the address to listen on
	Calm  bool   // nothing is broken
	Seed  uint64
	Sites []string // keys of siteKinds
}

// originHello is its answer.
type originHello struct {
	CA   []byte   // PEM
	URLs []string // one for each of Sites
}

// originReport answers every further question, which is a bool: whether the
// origins may be restarted from now on.
type originReport struct {
	Deliveries []delivery // since the last report, but for those of which there are More
	More       bool
	GoAways    map[connID]uint32 // the last stream of each, since the last report
	Restarts   int               // since the start
	Killed     int64             // handshakes, since the start
	Handshakes int64             // all of them, since the start
}

// delivery is one request head that arrived.
type delivery struct {
	ID     uint64
	Fault  fault
	H2     bool
	Conn   connID
	Stream uint32
}

// connID names a connection: Life counts the starts of sites.
type connID struct{ Life, Conn int }

// reported is how many deliveries go into one report: gob keeps buffers as
// large as its largest message.
const reported = 2000

// siteKinds are the protocols by ALPN; plain has none.
var siteKinds = map[string][]string{
	"h2":    {"h2"},
	"h1":    {"http/1.1"},
	"both":  {"h2", "http/1.1"},
	"plain": nil,
}

// origins are all sites of one process.
type origins struct {
	setup originSetup
	sites []*site

	mu       sync.Mutex
	rnd      *rand.Rand        // guarded by mu
	log      []delivery        // guarded by mu
	goAways  map[connID]uint32 // guarded by mu
	lives    int               // guarded by mu
	restarts int               // guarded by mu
}

// site is one of them; it goes away and comes back on its port.
type site struct {
	all  *origins
	kind string
	addr string // constant after the first start

	mu     sync.Mutex
	origin *mientest.Origin // guarded by mu; nil while away
	past   mientest.Counters
}

// serveOrigins is the role.
func serveOrigins(stdin io.Reader) error {
	in, out := gob.NewDecoder(stdin), gob.NewEncoder(os.Stdout)
	o := &origins{}
	if err := in.Decode(&o.setup); err != nil {
		return err
	}
	hello, err := o.start()
	defer o.stop()
	if err != nil {
		return err
	}
	if err := out.Encode(hello); err != nil {
		return err
	}
	var pause func() // ends the restarts
	for {
		var restart bool
		if err := in.Decode(&restart); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return err
		}
		if pause != nil {
			pause()
			pause = nil
		}
		if restart && !o.setup.Calm {
			pause = o.disturb()
		}
		if err := out.Encode(o.report()); err != nil {
			return err
		}
	}
	if pause != nil {
		pause()
	}
	return nil
}

// start starts all sites. stop stops them also if that failed.
func (o *origins) start() (hello originHello, err error) {
	o.rnd = rand.New(rand.NewPCG(o.setup.Seed, 1))
	for _, kind := range o.setup.Sites {
		s := &site{all: o, kind: kind, addr: net.JoinHostPort(o.setup.Host, "0")}
		if err := s.start(); err != nil {
			return hello, err
		}
		o.sites = append(o.sites, s)
		u, err := url.Parse(s.origin.URL)
		if err != nil {
			return hello, err
		}
		s.addr = u.Host
		hello.CA = s.origin.CertPEM()
		hello.URLs = append(hello.URLs, fmt.Sprintf("%s://%s.test:%s", u.Scheme, kind, u.Port()))
	}
	return hello, nil
}

func (o *origins) stop() {
	for _, s := range o.sites {
		s.stop()
	}
}

// start listens on the site's address. A port that was just left may be
// another socket's for a moment.
func (s *site) start() error {
	var listener net.Listener
	var err error
	for range 100 {
		if listener, err = net.Listen("tcp", s.addr); err == nil {
			break
		}
		<-time.After(20 * time.Millisecond)
	}
	if err != nil {
		return err
	}
	cfg := mientest.Config{
		Listener: listener, Protocols: siteKinds[s.kind], Plain: s.kind == "plain", MaxConcurrentStreams: 100,
		Handler: http.HandlerFunc(s.all.answer), RecordMax: 1, RecordFull: -1,
	}
	s.all.mu.Lock()
	s.all.lives++
	life := s.all.lives
	s.all.mu.Unlock()
	cfg.Faults.Request.Script = func(_ int, req *http.Request) mientest.RequestAction { return s.all.onRequest(life, req) }
	if !s.all.setup.Calm {
		cfg.Faults.Request.CloseAfter = 100
		if s.kind != "plain" {
			cfg.Faults.Handshake.Share = 0.2
			cfg.Faults.Script = s.all.onHello
		}
	}
	o, err := mientest.New(cfg)
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.origin = o
	s.mu.Unlock()
	return nil
}

// stop closes the port and all connections.
func (s *site) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.origin == nil {
		return
	}
	s.origin.Close()
	n := s.origin.Counters()
	s.past.Handshakes += n.Handshakes
	s.past.HandshakesKilled += n.HandshakesKilled
	s.origin = nil
}

// disturb restarts the sites, or ends their connections, until the function
// that it returns is called. All are back then.
func (o *origins) disturb() (pause func()) {
	done := make(chan struct{})
	var wg sync.WaitGroup
	wait := func(atLeast, atMost time.Duration) bool {
		select {
		case <-time.After(atLeast + time.Duration(o.draw(int64(atMost-atLeast)))):
			return true
		case <-done:
			return false
		}
	}
	for _, s := range o.sites {
		wg.Go(func() {
			for wait(time.Second, 6*time.Second) {
				how := o.draw(4)
				if how < 2 {
					s.origin.CloseConnections([]mientest.Ending{mientest.FIN, mientest.RST}[how])
					continue
				}
				s.stop()
				wait(50*time.Millisecond, 500*time.Millisecond)
				if err := s.start(); err != nil {
					fmt.Fprintln(os.Stderr, err)
					os.Exit(1)
				}
				o.mu.Lock()
				o.restarts++
				o.mu.Unlock()
			}
		})
	}
	return func() {
		close(done)
		wg.Wait()
	}
}

func (o *origins) draw(n int64) int64 {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.rnd.Int64N(n)
}

// report hands the log over.
func (o *origins) report() originReport {
	var r originReport
	for _, s := range o.sites {
		s.mu.Lock()
		n := mientest.Counters{}
		if s.origin != nil {
			n = s.origin.Counters()
		}
		r.Handshakes += s.past.Handshakes + n.Handshakes
		r.Killed += s.past.HandshakesKilled + n.HandshakesKilled
		s.mu.Unlock()
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	r.Restarts = o.restarts
	if r.Deliveries, o.log = o.log, nil; len(r.Deliveries) > reported {
		r.Deliveries, o.log, r.More = r.Deliveries[:reported], r.Deliveries[reported:], true
	}
	r.GoAways, o.goAways = o.goAways, nil
	return r
}

// onHello stalls or delays some handshakes that were not killed.
func (o *origins) onHello(int, *fingerprint.ClientHello) mientest.Action {
	switch p := o.draw(1000); {
	case p < 3:
		return mientest.Action{End: mientest.Stall}
	case p < 100:
		return mientest.Action{Delay: time.Duration(p) * time.Millisecond}
	}
	return mientest.Action{}
}

// onRequest logs a delivery and decides what becomes of it.
func (o *origins) onRequest(life int, req *http.Request) mientest.RequestAction {
	report, _ := mientest.ReportOf(req)
	id, _ := strconv.ParseUint(req.Header.Get(idField), 10, 64) // 0 is no request's, and noticed
	d := delivery{ID: id, H2: report.Protocol == "h2", Conn: connID{life, report.Connection}, Stream: report.Stream}
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.setup.Calm {
		d.Fault = drawFault(o.rnd, d.H2)
	}
	o.log = append(o.log, d)
	req.Header.Set(faultField, strconv.Itoa(int(d.Fault)))
	action := d.Fault.action(o.rnd, report.Stream)
	if g := action.GoAway; g != nil && d.H2 {
		// It says of all that came meanwhile, too, that nothing was done.
		if last, ok := o.goAways[d.Conn]; !ok || g.LastStream < last {
			if o.goAways == nil {
				o.goAways = make(map[connID]uint32)
			}
			o.goAways[d.Conn] = g.LastStream
		}
	}
	return action
}

// answer reads the content and answers with what it was.
func (o *origins) answer(w http.ResponseWriter, req *http.Request) {
	sum := crc32.NewIEEE()
	size, err := io.Copy(sum, req.Body)
	if err != nil {
		return // the client left
	}
	n, _ := strconv.Atoi(req.Header.Get(faultField))
	pad, _ := strconv.Atoi(req.Header.Get(padField))
	head := answerHead(req.Header.Get(idField), sum.Sum32(), size)
	what := fault(n)
	if what == silent && req.Method == http.MethodHead {
		what = none // its answer is whole, and the next request on the connection would wait behind it
	}
	switch what {
	case readFIN:
		mientest.EndConnection(req, mientest.FIN)
		return
	case readRST:
		mientest.EndConnection(req, mientest.RST)
		return
	case cut, silent:
		w.Header().Set("Content-Length", strconv.Itoa(len(head)+pad+1))
		_, _ = io.WriteString(w, head)
		_ = http.NewResponseController(w).Flush()
		if what == cut {
			mientest.EndConnection(req, []mientest.Ending{mientest.FIN, mientest.RST}[pad%2])
			return
		}
		<-req.Context().Done()
		return
	}
	if pad%2 == 0 {
		w.Header().Set("Content-Length", strconv.Itoa(len(head)+pad))
	}
	_, _ = io.WriteString(w, head)
	_, _ = io.CopyN(w, padding, int64(pad))
}

// answerHead is the first line of an answer, behind which come pad bytes.
func answerHead(id string, sum uint32, size int64) string {
	return fmt.Sprintf("%s %08x %d\n", id, sum, size)
}

// padding is as many bytes as anybody wants.
var padding = filler{}

type filler struct{}

func (filler) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = '.'
	}
	return len(p), nil
}

package doctor

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/mien-http/mien"
	"github.com/mien-http/mien/retry"
)

// maxAddresses are tried of a name.
const maxAddresses = 8

// examination tries the way to one URL. It belongs to one goroutine.
type examination struct {
	o      Options
	report *Report
	target *url.URL
	origin string // scheme://host:port/ : what is asked for but once
	host   string
	port   string
	pinned string // host:port of the address that direct handshakes go to; "": none works
	left   int    // handshakes that may still be made
}

func newExamination(o Options, r *Report) (*examination, error) {
	u, err := url.Parse(o.URL)
	if err != nil {
		var bad *url.Error
		if errors.As(err, &bad) {
			err = bad.Err
		}
		return nil, fmt.Errorf("URL: %w", err)
	}
	switch {
	case !strings.EqualFold(u.Scheme, "https"):
		return nil, fmt.Errorf("scheme %q: the doctor is for https, there is no handshake elsewhere", u.Scheme)
	case u.Hostname() == "":
		return nil, errors.New("the URL has no host")
	}
	u.User = nil
	e := &examination{o: o, report: r, target: u, host: u.Hostname(), port: u.Port(), left: MaxHandshakes}
	if e.port == "" {
		e.port = "443"
	}
	e.origin = "https://" + u.Host + "/"
	r.URL, r.Profile = u.String(), o.Profile.Name
	if o.Proxy != nil {
		if o.Proxy.Host == "" {
			return nil, errors.New("proxy: the URL has no host; http://host:port is the form")
		}
		r.Proxy = o.Proxy.Scheme + "://" + o.Proxy.Host
	}
	// What the session would refuse, the URL or the proxy, is wrong use.
	s, err := e.session(e.ways()[0], ProfileHello)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	req, err := http.NewRequestWithContext(context.Background(), http.MethodHead, e.origin, nil)
	if err != nil {
		return nil, err
	}
	_, err = s.RoundTrip(req) // it is checked and then not dialled, as it belongs to no attempt
	var refused *mien.Error
	if errors.As(err, &refused) && refused.Class == retry.Invalid {
		return nil, refused.Err
	}
	return e, nil
}

// ways are the routes to try, the one that matters first.
func (e *examination) ways() []Route {
	switch {
	case e.o.Proxy == nil:
		return []Route{Direct}
	case e.o.NoDirect:
		return []Route{Proxied}
	}
	return []Route{Proxied, Direct}
}

// session makes the session of one way and one hello. It returns nil without an
// error where the profile has no such hello.
func (e *examination) session(way Route, h Hello) (*mien.Session, error) {
	profile := variant(e.o.Profile, h)
	if profile == nil {
		return nil, nil
	}
	cfg := mien.Config{
		Profile:     profile,
		TLS:         &tls.Config{RootCAs: e.o.RootCAs, SessionTicketsDisabled: true}, // every hello is a fresh one
		Retry:       retry.Policy{MaxAttempts: -1},
		Limits:      mien.Limits{Handshakes: -1},
		Timeouts:    mien.Timeouts{Dial: e.o.HandshakeTime, TLS: e.o.HandshakeTime, Headers: 2 * e.o.HandshakeTime},
		DialContext: dial,
	}
	if h == NamelessOne {
		// An IP literal is never sent as server_name. There is no name to
		// verify then, and nothing is sent over such a connection.
		cfg.TLS.ServerName, cfg.TLS.InsecureSkipVerify = "192.0.2.1", true
	}
	if way == Proxied {
		cfg.Proxy = http.ProxyURL(e.o.Proxy)
		if strings.EqualFold(e.o.Proxy.Scheme, "https") && e.o.RootCAs != nil {
			cfg.ProxyTLS = &tls.Config{RootCAs: e.o.RootCAs}
		}
	}
	return mien.New(cfg)
}

// run fills the report's probes.
func (e *examination) run(ctx context.Context) {
	defer func() { e.report.Handshakes = MaxHandshakes - e.left }()
	ways := e.ways()
	for _, way := range ways {
		if way == Direct && !e.addresses(ctx) {
			continue
		}
		e.hellos(ctx, way)
	}
	main := ways[0]
	if !e.report.probe(main, ProfileHello).all() {
		return
	}
	e.request(ctx, main)
	e.crowds(ctx, main)
	if main == Proxied && jump(e.report.crowds(Proxied)) != nil && e.report.probe(Direct, ProfileHello).all() {
		e.crowds(ctx, Direct)
	}
}

// addresses looks up the name and tries each address once. It reports whether
// one can be connected to.
func (e *examination) addresses(ctx context.Context) bool {
	addrs := e.lookup(ctx)
	if len(addrs) > maxAddresses {
		addrs = addrs[:maxAddresses]
	}
	shaken := false
	for _, a := range addrs {
		at := a.String()
		addr := net.JoinHostPort(at, e.port)
		p := Probe{What: TCP, Route: Direct, Address: at}
		p.add(e.connect(ctx, addr))
		if p.all() {
			p.Detail = "connected"
		}
		e.keep(p)
		if !p.all() {
			continue
		}
		if e.pinned == "" {
			e.pinned = addr
		}
		if len(addrs) == 1 {
			continue // the hellos go there anyway
		}
		t := Probe{What: TLS, Route: Direct, Hello: ProfileHello, Address: at}
		e.repeat(ctx, &t, 1, addr)
		e.keep(t)
		if t.all() && !shaken {
			e.pinned, shaken = addr, true
		}
	}
	return e.pinned != ""
}

// keep puts p into the report if it has anything to tell.
func (e *examination) keep(p Probe) {
	if p.Tried > 0 {
		e.report.Probes = append(e.report.Probes, p)
	}
}

func (e *examination) lookup(ctx context.Context) []netip.Addr {
	if a, err := netip.ParseAddr(e.host); err == nil {
		return []netip.Addr{a}
	}
	ctx, cancel := context.WithTimeout(ctx, e.o.HandshakeTime)
	defer cancel()
	start := time.Now()
	addrs, err := e.o.Resolver.LookupNetIP(ctx, "ip", e.host)
	p := Probe{What: Lookup, Route: Direct}
	r := result{took: time.Since(start)}
	if err != nil {
		f := retry.Failure{Phase: retry.PhaseDNS, Err: err}
		r.failed = &mien.Error{Phase: f.Phase, Class: retry.Classify(f), Err: err}
	}
	p.add(r)
	var list []string
	for i := range addrs {
		addrs[i] = addrs[i].Unmap()
		list = append(list, addrs[i].String())
	}
	p.Detail = strings.Join(list, ", ")
	e.keep(p)
	return addrs
}

// connect opens a socket and closes it.
func (e *examination) connect(ctx context.Context, addr string) result {
	inner, cancel := context.WithTimeout(ctx, e.o.HandshakeTime)
	defer cancel()
	start := time.Now()
	var d net.Dialer
	c, err := d.DialContext(inner, "tcp", addr)
	r := result{took: time.Since(start)}
	switch {
	case err == nil:
		_ = c.Close()
	case ctx.Err() != nil:
		r.cut = true
	default:
		f := retry.Failure{Phase: retry.PhaseDial, Err: err}
		r.failed = &mien.Error{Phase: f.Phase, Class: retry.Classify(f), Err: err}
	}
	return r
}

// request sends the one GET that there is.
func (e *examination) request(ctx context.Context, way Route) {
	s, err := e.session(way, ProfileHello)
	if err != nil || e.left == 0 {
		return
	}
	defer s.Close()
	e.left--
	a := &attempt{url: e.target.String(), whole: true}
	if way == Direct {
		a.address = e.pinned
	}
	p := Probe{What: Request, Route: way}
	start := time.Now()
	r := a.run(ctx, s, 5*e.o.HandshakeTime)
	r.took = time.Since(start)
	p.add(r)
	if p.all() {
		p.Detail = fmt.Sprintf("answered with status %d", r.status)
	}
	e.keep(p)
}

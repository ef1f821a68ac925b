package capture

import (
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/mien-http/mien/mientest"
)

// Hosts are the names that a browser has to find on loopback: a site, another
// host of that site, and hosts of another site.
var Hosts = []string{homeHost, "api.shop.test", "www.other.test", "cdn.other.test", "api.other.test"}

const homeHost = "www.shop.test"

// Options of a Site.
type Options struct {
	// Fresh and Resumed are how many connections of each kind the browser is to
	// open: enough to see what is drawn at random. 0: 32 and 8.
	Fresh, Resumed int
}

// A Part is one visit of the browser.
type Part struct {
	Name string // the folder of its recording: "h2-full"
	URL  string // to be opened in the browser, as if typed
	Says string // what is seen there, in words

	stop  string // path of the last request
	once  *sync.Once
	ended chan struct{}
}

// Ended is closed once the browser has sent the last request of the part.
func (p *Part) Ended() <-chan struct{} { return p.ended }

// A Site is a set of running origins. Its methods may be used concurrently.
type Site struct {
	parts   []*Part
	origins []*origin // constant
}

// origin is one of a site: those with a wire are recorded with their requests,
// of the others only connections count.
type origin struct {
	*mientest.Origin
	name string // the folder of the recording
	wire wire
	url  string
}

// wire says how requests reach an origin.
type wire string

const (
	overHTTP2     wire = "h2"
	overHTTP1     wire = "http/1.1"
	overCleartext wire = "cleartext"
)

// The origins of a site.
const (
	nameHTTP2     = "h2-full"
	nameHTTP1     = "h1-full"
	nameCleartext = "cleartext"
	nameFresh     = "hello"
	nameResumed   = "resume"
	nameRetry     = "hrr-p384"
)

// New starts a Site on loopback. The caller closes it.
func New(o Options) (*Site, error) {
	if o.Fresh == 0 {
		o.Fresh = 32
	}
	if o.Resumed == 0 {
		o.Resumed = 8
	}
	s := &Site{}
	add := func(name string, w wire, cfg mientest.Config, page *pages) error {
		cfg.Handler, cfg.RecordFull = page, 1<<20
		if !cfg.Plain {
			cfg.Hosts = Hosts
		}
		m, err := mientest.New(cfg)
		if err != nil {
			return err
		}
		u, err := url.Parse(m.URL)
		if err != nil {
			m.Close()
			return err
		}
		u.Host = homeHost + ":" + u.Port()
		s.origins = append(s.origins, &origin{Origin: m, name: name, wire: w, url: u.String()})
		return nil
	}
	full := func(name, says string, w wire, cfg mientest.Config) error {
		p := &Part{Name: name, Says: says, stop: "/k/done", once: new(sync.Once), ended: make(chan struct{})}
		if err := add(name, w, cfg, &pages{part: p}); err != nil {
			return err
		}
		p.URL = s.origins[len(s.origins)-1].url + "/"
		s.parts = append(s.parts, p)
		return nil
	}
	lonely := &pages{closes: true}
	talk := &Part{Name: nameFresh, Says: "connections: fresh, resumed, after a HelloRetryRequest", stop: "/k/done", once: new(sync.Once), ended: make(chan struct{})}
	for _, step := range []func() error{
		func() error {
			return full(nameHTTP2, "requests over HTTP/2", overHTTP2, mientest.Config{ExtendedConnect: true})
		},
		func() error {
			return full(nameHTTP1, "requests over HTTP/1.1", overHTTP1, mientest.Config{Protocols: []string{"http/1.1"}})
		},
		func() error {
			return full(nameCleartext, "requests in cleartext", overCleartext, mientest.Config{Plain: true})
		},
		func() error { return add(nameResumed, "", mientest.Config{}, lonely) },
		func() error {
			// No browser sends a share of this group unasked.
			return add(nameRetry, "", mientest.Config{TLS: &tls.Config{CurvePreferences: []tls.CurveID{tls.CurveP384}, SessionTicketsDisabled: true}}, lonely)
		},
		func() error {
			visits := []visit{{s.origin(nameResumed).url, 1 + o.Resumed}, {s.origin(nameRetry).url, 3}}
			page := &pages{part: talk, closes: true, visits: append([]visit{{"", o.Fresh - 1}}, visits...)}
			return add(nameFresh, "", mientest.Config{TLS: &tls.Config{SessionTicketsDisabled: true}}, page)
		},
	} {
		if err := step(); err != nil {
			s.Close()
			return nil, err
		}
	}
	talk.URL = s.origin(nameFresh).url + "/"
	s.parts = append(s.parts, talk)
	return s, nil
}

func (s *Site) origin(name string) *origin {
	return s.origins[slices.IndexFunc(s.origins, func(o *origin) bool { return o.name == name })]
}

// Parts are the visits that a browser has to make, in that order.
func (s *Site) Parts() []*Part { return slices.Clone(s.parts) }

// Connections are the URLs of the origins of which connections alone count: each
// ends the connection with its first answer.
func (s *Site) Connections() []*url.URL {
	var out []*url.URL
	for _, o := range s.origins {
		if u, err := url.Parse(o.url); o.wire == "" && err == nil {
			out = append(out, u)
		}
	}
	return out
}

// CertPEM is the certificate that the browser has to trust, in PEM.
func (s *Site) CertPEM() []byte { return s.origins[0].CertPEM() }

// Key is the SHA-256 of the public key of the origins' certificates, in base64, as
// Chromium takes it in place of a trusted issuer.
func (s *Site) Key() string {
	sum := sha256.Sum256(s.origins[0].Certificate().RawSubjectPublicKeyInfo)
	return base64.StdEncoding.EncodeToString(sum[:])
}

// Close stops the origins and waits for them. Calling it again does nothing.
func (s *Site) Close() {
	for _, o := range s.origins {
		o.Close()
	}
}

// kindName is the last part of a request's path, which names its kind.
func kindName(path string) string {
	path, _, _ = strings.Cut(path, "?")
	return path[strings.LastIndexByte(path, '/')+1:]
}

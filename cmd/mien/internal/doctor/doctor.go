// Package doctor finds out why TLS handshakes fail here: it looks at the limits
// of this machine, tries an origin by several ways and with several
// ClientHellos, and names the cause that fits all it saw.
//
// Usage:
//
//	report, err := doctor.Examine(ctx, doctor.Options{URL: "https://example.com/"})
//	report.Verdict // doctor.LargeHello
//	report.Text    // the same in words
//
// # What it sends
//
// At most [MaxHandshakes] handshakes, which end as soon as they are complete,
// and one GET of the URL. Only the GET carries the URL's path and query, and
// only over a connection whose certificate was verified.
//
// # Limitations
//
// It sees one moment from one place. What lies on the way cannot be told from
// the origin itself, unless a proxy is one of two ways and the other is open.
package doctor

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"time"

	"github.com/mien-http/mien"
	"github.com/mien-http/mien/fingerprint"
)

// Options say what to examine. The zero value looks at this machine alone.
type Options struct {
	// URL is an https URL; "": none, only this machine is looked at.
	URL string
	// Profile is the browser whose hello is tried; nil: fingerprint.Chrome().
	Profile *fingerprint.Profile
	// RootCAs verify the origin and an https proxy; nil: the system's.
	RootCAs *x509.CertPool
	// Proxy is the second way to the origin; nil: none.
	Proxy *url.URL
	// NoDirect: with a Proxy, no socket is opened to the origin itself and its
	// name is not looked up.
	NoDirect bool
	// Resolver looks up the URL's host for direct tries; nil: Go's own.
	Resolver mien.Resolver
	// Connections is how many the machine is to hold at once; 0: 5,000.
	Connections int
	// Repeat is how often each hello is tried, at most 20; 0: 5.
	Repeat int
	// Concurrent is the most handshakes at once, at most 128; 0: 64, negative:
	// none are made at once.
	Concurrent int
	// Timeout bounds all of it; 0: 60 s.
	Timeout time.Duration
	// HandshakeTime bounds the connection and, again, the handshake; 0: a
	// fifteenth of Timeout, at most 5 s.
	HandshakeTime time.Duration
}

// MaxHandshakes bounds what one examination sends, whatever the Options.
const MaxHandshakes = 400

const (
	maxRepeat     = 20
	maxConcurrent = 128
)

func (o Options) withDefaults() (Options, error) {
	if o.Profile == nil {
		o.Profile = fingerprint.Chrome()
	}
	if o.Resolver == nil {
		o.Resolver = &net.Resolver{PreferGo: true}
	}
	orDefault(&o.Connections, 5000)
	orDefault(&o.Repeat, 5)
	orDefault(&o.Concurrent, 64)
	orDefault(&o.Timeout, time.Minute)
	orDefault(&o.HandshakeTime, min(o.Timeout/15, 5*time.Second))
	switch {
	case o.Connections < 0:
		return o, fmt.Errorf("connections: %d is negative", o.Connections)
	case o.Repeat < 0 || o.Repeat > maxRepeat:
		return o, fmt.Errorf("repeat: %d is not within 1 and %d", o.Repeat, maxRepeat)
	case o.Concurrent > maxConcurrent:
		return o, fmt.Errorf("concurrent: %d is more than %d, which would be an attack rather than a question", o.Concurrent, maxConcurrent)
	case o.Timeout < 0:
		return o, fmt.Errorf("timeout: %v is negative", o.Timeout)
	case o.HandshakeTime < 0:
		return o, fmt.Errorf("handshake time: %v is negative", o.HandshakeTime)
	case o.NoDirect && o.Proxy == nil:
		return o, errors.New("no way is left: not direct, and no proxy")
	case o.URL == "" && o.Proxy != nil:
		return o, errors.New("a proxy without a URL: there is nothing to try through it")
	}
	return o, nil
}

func orDefault[T int | time.Duration](v *T, def T) {
	if *v == 0 {
		*v = def
	}
}

// Report is what was found, in the order in which it was looked for.
type Report struct {
	URL         string  `json:"url,omitempty"`     // without user and password
	Profile     string  `json:"profile,omitempty"` // its name
	Proxy       string  `json:"proxy,omitempty"`   // scheme://host:port
	Connections int     `json:"connections"`       // that the checks are for
	Checks      []Check `json:"checks"`            // of this machine
	Probes      []Probe `json:"probes"`            // of the way to the URL

	Verdict  Code     `json:"verdict"`          // the cause
	Text     string   `json:"text"`             // the cause in a sentence
	Advice   string   `json:"advice,omitempty"` // what to do; "" for nothing
	Evidence []string `json:"evidence"`         // what the verdict rests on
	Limit    int      `json:"limit,omitempty"`  // with Overload: handshakes at once that came through
	Healthy  bool     `json:"healthy"`          // nothing wrong was found

	Complete   bool `json:"complete"`   // false: time ran out before everything was tried
	Handshakes int  `json:"handshakes"` // tried in all
}

// Examine looks at this machine and, if there is a URL, at the way there. What
// is wrong with the world is in the report; an error means that o is wrong or
// that ctx has ended.
func Examine(ctx context.Context, o Options) (*Report, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	r := &Report{Connections: o.Connections, Checks: checks(thisMachine(), int64(o.Connections)), Probes: []Probe{}, Complete: true}
	if o.URL != "" {
		e, err := newExamination(o, r)
		if err != nil {
			return nil, err
		}
		bounded, cancel := context.WithTimeout(ctx, o.Timeout)
		e.run(bounded)
		r.Complete = bounded.Err() == nil
		cancel()
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
	conclude(r, o)
	return r, nil
}

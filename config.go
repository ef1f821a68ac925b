package mien

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"

	"github.com/mien-http/mien/fingerprint"
	"github.com/mien-http/mien/internal/egress"
	"github.com/mien-http/mien/retry"
)

// Config is what a Session is made from. The zero value is a good one: the
// newest Chrome, certificates verified, retries that never send twice what must
// not be sent twice. [New] takes what it needs out of it; changing it later
// changes nothing.
type Config struct {
	// Profile is the browser to look like; nil: fingerprint.Chrome().
	Profile *fingerprint.Profile
	// Header goes on every request that does not set the same field itself,
	// e.g. Accept-Language or Authorization. A nil slice suppresses the
	// profile's field. With Accept-Encoding here, as on a request, nil included,
	// bodies are returned as they come: nothing is decoded.
	Header http.Header
	// TLS holds the caller's choices; it is cloned. RootCAs, Certificates,
	// GetClientCertificate, ServerName, KeyLogWriter, InsecureSkipVerify,
	// VerifyPeerCertificate, VerifyConnection, SessionTicketsDisabled and Time
	// are honoured. Any other field set is an error: the profile owns it. Roots
	// added to RootCAs later count from the next connection on. What a callback
	// that verifies returns is of class retry.Certificate. A resumed connection
	// keeps the client certificate of its first; SSLKEYLOGFILE is never read.
	TLS *tls.Config
	// Pins are the keys that hosts may have, beyond what TLS asks for: by host,
	// the SHA-256 of a SubjectPublicKeyInfo in base64 (RFC 7469 §2.4, or curl's
	// sha256//…). "*.example.com" is every subdomain at any depth, not
	// example.com; of several entries the nearest counts alone. A connection,
	// resumed ones too, fails with a [PinError] unless its verified chain holds
	// one of the keys; with TLS.InsecureSkipVerify the server's own key must be
	// one. The host is that of the URL: never a proxy's, and cleartext has no key.
	Pins map[string][]string
	// NoChainCache builds the certificate chain of every connection anew. Without
	// it a chain that led to a trusted root counts for an hour, for the same
	// certificates, host and roots; names and dates are checked each time.
	NoChainCache bool
	// Proxy picks the proxy of a request, once per attempt, as in
	// http.Transport; nil, or a nil URL: direct. HTTP_PROXY is never read. The
	// URL's scheme is http, https, socks5 (also socks5h: names always go to the
	// proxy) or socks4(a), with user and password in it. If the proxy cannot
	// carry a request, the request fails: it never goes around.
	Proxy func(*http.Request) (*url.URL, error)
	// ProxyTLS is for https proxies; nil: verified against the system's roots.
	ProxyTLS *tls.Config
	// Jar keeps the cookies of Do, Get, All and Client; nil: a new one in
	// memory with the rules of the profile's browser and the public suffix
	// list, see [Session.ExportCookies]. The interface has no words for SameSite
	// on requests nor for Options.Isolation: a jar that is set knows neither.
	Jar http.CookieJar
	// Retry says what is tried again; the zero value is the safe default.
	Retry retry.Policy
	// Limits bound what runs at once.
	Limits Limits
	// Timeouts bound single phases; the whole is the context's.
	Timeouts Timeouts
	// Resolver looks up host names; nil: Go's own resolver. Nobody waits for it
	// longer than a second after its context has ended.
	Resolver Resolver
	// Hosts are the addresses of names about which Resolver is not asked. A name
	// is exact, without port, in any case, in ASCII or Unicode. They serve what
	// is connected to directly: an origin, or the first proxy of a route; what
	// lies behind a proxy is the proxy's to look up. nil: none.
	Hosts map[string][]netip.Addr
	// DNSCache is how long an answer of Resolver is used again, by one way out
	// with one Options.Isolation alone; zero: a minute, which is the most;
	// negative: not at all. No failure is kept, nor an answer none of whose
	// addresses can be connected to. CloseIdleConnections drops what is kept.
	DNSCache time.Duration
	// LocalAddr is the address that connections leave from; zero: the system's
	// choice. Addresses of the other family are not connected to then.
	LocalAddr netip.Addr
	// DialContext, if set, opens every connection in place of a TCP socket, to
	// the origin or the first proxy by name and port: for tests in memory and
	// for tunnels. TLS and HTTP run on top of what it returns. What it returns
	// more than a second after its context has ended is closed.
	DialContext func(ctx context.Context, network, addr string) (net.Conn, error)
	// Redirect limits what Do, Get, All and Client follow.
	Redirect Redirect
	// Hooks are called while requests run.
	Hooks Hooks
	// Logger gets the few warnings there are, and at debug level each handshake
	// and each retry; nil: none. No record holds credentials, paths or queries.
	Logger *slog.Logger
}

// Resolver looks up the addresses of a host name; *net.Resolver is one. It must
// be safe for concurrent use.
type Resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// Limits bound what a Session does at once. For each, zero is the default and a
// negative value means no limit.
type Limits struct {
	InFlight        int   // requests at once, bodies unread included; 10,000
	InFlightPerHost int   // the same per host; no limit
	Handshakes      int   // TLS handshakes at once per way out and origin; 256
	ConnsPerOrigin  int   // connections per way out and origin; as many as needed
	BrowserConns    bool  // true: as many connections as browsers open, h1 6, h2 1
	HeaderBytes     int   // decoded response field section; 256 KiB
	BodyBytes       int64 // decoded response body; no limit
	// PerHostRate is how many requests per second may start per host, evenly
	// spaced; no limit.
	PerHostRate float64
}

// Timeouts bound single phases of a request. For each, zero is the default and
// a negative value means none.
type Timeouts struct {
	Dial      time.Duration // name and TCP connection; 30 s
	Proxy     time.Duration // each proxy's part: TLS with it and its answer; 30 s
	TLS       time.Duration // handshake; 15 s
	Headers   time.Duration // request written to response header fields; none
	BodyStall time.Duration // silence in a response body, event streams and upgrades excepted; 5 min
	Idle      time.Duration // unused connection; 90 s
	PingAfter time.Duration // silence on an HTTP/2 connection before it is asked with a PING, which no browser does; none
}

// Redirect limits the redirects that a Session follows. The zero value follows
// up to 20, as browsers do.
type Redirect struct {
	// Max hops; 0: 20, negative: none is followed and the 3xx is the response.
	Max int
	// Check is asked before each hop is sent, with the requests so far, oldest
	// first. Its error ends the request, with [http.ErrUseLastResponse] the 3xx
	// becomes the response.
	Check func(next *http.Request, via []*http.Request) error
	// NoDowngrade refuses a redirect from https to http.
	NoDowngrade bool
}

const (
	defaultInFlight    = 10_000
	defaultHandshakes  = 256
	defaultHeaderBytes = 256 << 10
	mostHeaderBytes    = 1 << 30 // more is no limit, and layers below count in fewer bits
	browserRedirects   = 20      // the Fetch standard, HTTP-redirect fetch, step 7
)

// withDefaults checks c and fills what is zero. Contradictions are errors that
// name the field.
func (c Config) withDefaults() (Config, error) {
	if c.Profile == nil {
		c.Profile = fingerprint.Chrome()
	} else {
		c.Profile = c.Profile.Clone()
	}
	if err := c.Profile.Validate(); err != nil {
		return c, fmt.Errorf("mien: Config.Profile: %w", err)
	}
	if err := checkTLS("TLS", c.TLS); err != nil {
		return c, err
	}
	if err := checkTLS("ProxyTLS", c.ProxyTLS); err != nil {
		return c, err
	}
	c.TLS, c.ProxyTLS = cloneTLS(c.TLS), cloneTLS(c.ProxyTLS)
	pins, err := canonicalPins(c.Pins)
	if err != nil {
		return c, err
	}
	c.Pins = pins
	if c.LocalAddr.IsValid() && c.DialContext != nil {
		return c, fmt.Errorf("mien: Config.LocalAddr and Config.DialContext exclude each other")
	}
	if c.Resolver != nil && c.DialContext != nil {
		return c, fmt.Errorf("mien: Config.Resolver and Config.DialContext exclude each other")
	}
	if err := c.checkNames(); err != nil {
		return c, err
	}
	for name, values := range c.Header {
		if err := checkField("Config.Header", name, values); err != nil {
			return c, fmt.Errorf("mien: %w", err)
		}
	}
	c.Header = c.Header.Clone()
	if err := c.Retry.Validate(); err != nil {
		return c, fmt.Errorf("mien: Config.Retry: %w", err)
	}
	c.Retry = c.Retry.WithDefaults()
	if c.Limits.BrowserConns && c.Limits.ConnsPerOrigin != 0 {
		return c, fmt.Errorf("mien: Config.Limits: BrowserConns and ConnsPerOrigin exclude each other")
	}
	c.Limits.InFlight = orDefault(c.Limits.InFlight, defaultInFlight)
	c.Limits.Handshakes = orDefault(c.Limits.Handshakes, defaultHandshakes)
	c.Limits.HeaderBytes = min(orDefault(c.Limits.HeaderBytes, defaultHeaderBytes), mostHeaderBytes)
	if c.Limits.HeaderBytes == 0 {
		c.Limits.HeaderBytes = mostHeaderBytes // zero is a default to the layers below
	}
	c.Timeouts.Dial = orDefault(c.Timeouts.Dial, 30*time.Second)
	c.Timeouts.Proxy = orDefault(c.Timeouts.Proxy, 30*time.Second)
	c.Timeouts.TLS = orDefault(c.Timeouts.TLS, 15*time.Second)
	c.Timeouts.BodyStall = orDefault(c.Timeouts.BodyStall, 5*time.Minute)
	c.Timeouts.Idle = orDefault(c.Timeouts.Idle, 90*time.Second)
	c.Timeouts.Headers = orDefault(c.Timeouts.Headers, 0)
	c.Timeouts.PingAfter = orDefault(c.Timeouts.PingAfter, 0)
	c.Redirect.Max = orDefault(c.Redirect.Max, browserRedirects)
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c, nil
}

// orDefault gives def for zero and zero for a negative value: from then on zero
// means no limit.
func orDefault[T int | int64 | time.Duration](v, def T) T {
	switch {
	case v == 0:
		return def
	case v < 0:
		return 0
	}
	return v
}

func cloneTLS(c *tls.Config) *tls.Config {
	if c == nil {
		return nil
	}
	c = c.Clone()
	c.Certificates = slices.Clone(c.Certificates)
	return c
}

// checkTLS refuses what the profile decides, so that nobody believes it took effect.
func checkTLS(field string, c *tls.Config) error {
	if c == nil {
		return nil
	}
	for _, set := range []struct {
		name string
		is   bool
	}{
		{"Rand", c.Rand != nil},
		{"NameToCertificate", c.NameToCertificate != nil}, //nolint:staticcheck // refused because it is deprecated and unused
		{"GetCertificate", c.GetCertificate != nil},
		{"GetConfigForClient", c.GetConfigForClient != nil},
		{"NextProtos", len(c.NextProtos) > 0},
		{"ClientAuth", c.ClientAuth != 0},
		{"ClientCAs", c.ClientCAs != nil},
		{"CipherSuites", len(c.CipherSuites) > 0},
		{"PreferServerCipherSuites", c.PreferServerCipherSuites}, //nolint:staticcheck // refused, see above
		{"SessionTicketKey", c.SessionTicketKey != [32]byte{}},   //nolint:staticcheck // refused, see above
		{"ClientSessionCache", c.ClientSessionCache != nil},
		{"UnwrapSession", c.UnwrapSession != nil},
		{"WrapSession", c.WrapSession != nil},
		{"MinVersion", c.MinVersion != 0},
		{"MaxVersion", c.MaxVersion != 0},
		{"CurvePreferences", len(c.CurvePreferences) > 0},
		{"DynamicRecordSizingDisabled", c.DynamicRecordSizingDisabled},
		{"Renegotiation", c.Renegotiation != 0},
		{"EncryptedClientHelloConfigList", len(c.EncryptedClientHelloConfigList) > 0},
		{"EncryptedClientHelloRejectionVerify", c.EncryptedClientHelloRejectionVerify != nil},
		{"GetEncryptedClientHelloKeys", c.GetEncryptedClientHelloKeys != nil},
		{"EncryptedClientHelloKeys", len(c.EncryptedClientHelloKeys) > 0},
	} {
		if set.is {
			return fmt.Errorf("mien: Config.%s.%s is set, but the browser profile decides it", field, set.name)
		}
	}
	return nil
}

func checkField(where, name string, values []string) error {
	if !httpguts.ValidHeaderFieldName(name) {
		return fmt.Errorf("%s: %q is not a field name (RFC 9110 §5.1)", where, name)
	}
	for _, v := range values {
		if !httpguts.ValidHeaderFieldValue(v) {
			// Without the value, which may be a secret with a line break behind it.
			at := strings.IndexFunc(v, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f })
			return fmt.Errorf("%s: the value of %s holds byte 0x%02x at %d, which no field value may hold (RFC 9110 §5.5)", where, name, v[at], at)
		}
	}
	return nil
}

// checkNames checks what is said of names and addresses, and takes its own copy.
func (c *Config) checkNames() error {
	if c.Hosts != nil && c.DialContext != nil {
		return fmt.Errorf("mien: Config.Hosts and Config.DialContext exclude each other")
	}
	hosts, err := egress.ParseHosts(c.Hosts)
	if err != nil {
		return fmt.Errorf("mien: Config.Hosts: %w", err)
	}
	c.Hosts = hosts
	if c.LocalAddr.IsMulticast() {
		return fmt.Errorf("mien: Config.LocalAddr: nothing can come from the multicast address %v", c.LocalAddr)
	}
	if c.DNSCache > egress.MaxAnswerAge {
		return fmt.Errorf("mien: Config.DNSCache is %v, more than the %v that an answer may be kept", c.DNSCache, egress.MaxAnswerAge)
	}
	c.DNSCache = orDefault(c.DNSCache, egress.MaxAnswerAge)
	return nil
}

func (c *Config) dialer(r *egress.Registry) *egress.Dialer {
	return egress.New(egress.Config{
		Resolver:     obeyingResolver(c.Resolver),
		Hosts:        c.Hosts,
		Answers:      c.DNSCache,
		LocalAddr:    c.LocalAddr,
		DialContext:  obeyingDial(c.DialContext),
		Timeout:      c.Timeouts.Dial,
		ProxyTimeout: c.Timeouts.Proxy,
		Connect:      c.connectFields(),
		Registry:     r,
	})
}

// connectFields are those of the browser's CONNECT requests.
func (c *Config) connectFields() []egress.Field {
	var agent string
	for _, f := range c.Profile.Identity {
		if strings.EqualFold(f.Name, "User-Agent") {
			agent = f.Value
		}
	}
	if c.Profile.Browser.Engine == "gecko" {
		return egress.FirefoxConnect(agent)
	}
	return egress.ChromiumConnect(agent)
}

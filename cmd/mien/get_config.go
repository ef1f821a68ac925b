package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"time"

	"github.com/mien-http/mien"
	"github.com/mien-http/mien/fingerprint"
	"github.com/mien-http/mien/retry"
)

// config is the Session's.
func (g *oneGet) config(targets []target) (mien.Config, error) {
	var cfg mien.Config
	var err error
	if err := g.checkKind(); err != nil {
		return cfg, err
	}
	if cfg.Profile, err = profileOf(g.o.profile); err != nil {
		return cfg, err
	}
	if g.o.http1 {
		if cfg.Profile, err = http1Profile(cfg.Profile); err != nil {
			return cfg, err
		}
	}
	if cfg.TLS, err = g.tls(); err != nil {
		return cfg, err
	}
	if cfg.Pins, err = g.pinned(targets); err != nil {
		return cfg, err
	}
	if err := g.proxies(&cfg); err != nil {
		return cfg, err
	}
	if cfg.Hosts, err = g.hosts(targets); err != nil {
		return cfg, err
	}
	if g.o.localAddr != "" {
		if cfg.LocalAddr, err = netip.ParseAddr(strings.Trim(g.o.localAddr, "[]")); err != nil {
			return cfg, fmt.Errorf("--interface %q: it is not an IP address of this machine", g.o.localAddr)
		}
	}
	switch {
	case g.o.ipv4:
		cfg.Resolver = family("ip4")
	case g.o.ipv6:
		cfg.Resolver = family("ip6")
	}
	if d := time.Duration(g.o.connectTime); d > 0 {
		cfg.Timeouts.Dial, cfg.Timeouts.Proxy, cfg.Timeouts.TLS = d, d, d
	}
	cfg.Retry, err = g.o.retry()
	return cfg, err
}

// profileOf is the profile of that name, or of that file: a name has no path and
// no ending.
func profileOf(name string) (*fingerprint.Profile, error) {
	if strings.HasSuffix(name, ".json") || strings.ContainsAny(name, `/\`) {
		return fingerprint.Load(name)
	}
	return fingerprint.Lookup(name)
}

// Extensions of a hello that name protocols.
const (
	extALPN    fingerprint.Code = 16
	extALPSOld fingerprint.Code = 17513
	extALPS    fingerprint.Code = 17613
)

// http1Profile is p with a hello that names no protocol, to which servers answer in
// HTTP/1.1. (One that names http/1.1 alone is refused as a browser's.)
func http1Profile(p *fingerprint.Profile) (*fingerprint.Profile, error) {
	if p.TLS.Preset != "" {
		return nil, fmt.Errorf("--http1.1: the hello of %s is a preset, in which nothing can be changed", p.Name)
	}
	p = p.Clone()
	var kept []fingerprint.Extension
	for _, e := range p.TLS.Extensions {
		if e.ID != extALPN && e.ID != extALPS && e.ID != extALPSOld {
			kept = append(kept, e)
		}
	}
	p.TLS.Extensions = kept
	p.Digests = fingerprint.Digests{} // of the whole hello
	return p, nil
}

func (g *oneGet) tls() (*tls.Config, error) {
	cfg := &tls.Config{}
	var err error
	if g.o.cacert != "" {
		if cfg.RootCAs, err = readRoots(g.o.cacert); err != nil {
			return nil, err
		}
	}
	if g.o.insecure {
		if !g.o.silent {
			fmt.Fprintln(g.stderr, "mien: --insecure: the server's certificate is not verified, anybody in between can read and change what is sent")
		}
		cfg.InsecureSkipVerify = true
	}
	if g.o.cert == "" {
		if g.o.key != "" {
			return nil, errors.New("--key: the certificate is missing; --cert FILE")
		}
		return cfg, nil
	}
	key := g.o.key
	if key == "" {
		key = g.o.cert
	}
	pair, err := tls.LoadX509KeyPair(g.o.cert, key)
	if err != nil {
		return nil, fmt.Errorf("--cert: %w", err)
	}
	cfg.Certificates = []tls.Certificate{pair}
	return cfg, nil
}

// pinned are the keys of --pinnedpubkey, for the host of every URL.
func (g *oneGet) pinned(targets []target) (map[string][]string, error) {
	if g.o.pins == "" {
		return nil, nil
	}
	keys := strings.Split(g.o.pins, ";")
	for _, k := range keys {
		if !strings.HasPrefix(k, "sha256//") {
			return nil, fmt.Errorf("--pinnedpubkey %q: the form is sha256//… with the SHA-256 of the key in base64", k)
		}
	}
	pins := make(map[string][]string)
	for _, t := range targets {
		pins[t.parsed.Hostname()] = keys
	}
	return pins, nil
}

// retry is the policy. With --retry it is as generous with statuses as curl.
func (o *getOptions) retry() (retry.Policy, error) {
	attempts := o.maxAttempts
	var p retry.Policy
	if o.retriesSet {
		if o.retries < 0 || o.retries > 1000 {
			return p, fmt.Errorf("--retry %d: from 0 to 1000", o.retries)
		}
		attempts = o.retries + 1
		p.Statuses = []int{408, 429, 500, 502, 503, 504}
	}
	switch {
	case o.maxAttempts < 0:
		return p, fmt.Errorf("--max-attempts %d: at least 1", o.maxAttempts)
	case attempts == 1:
		return retry.Policy{MaxAttempts: -1}, nil
	}
	p.MaxAttempts = attempts
	return p, nil
}

func readRoots(file string) (*x509.CertPool, error) { return rootsOf("cacert", file) }

func rootsOf(flag, file string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("--%s: %w", flag, err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("--%s %s: there is no certificate in PEM form in it", flag, file)
	}
	return pool, nil
}

// family is a resolver that knows addresses of one family alone: "ip4" or "ip6".
type family string

func (f family) LookupNetIP(ctx context.Context, _, host string) ([]netip.Addr, error) {
	return net.DefaultResolver.LookupNetIP(ctx, string(f), host)
}

// forwards reports whether a proxy gets req as it is, with the whole URL in it.
func (g *oneGet) forwards(req *http.Request) bool {
	if req.URL.Scheme != "http" || g.proxyOf == nil {
		return false
	}
	u, err := g.proxyOf(req)
	return err == nil && u != nil && (u.Scheme == "http" || u.Scheme == "https")
}

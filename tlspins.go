package mien

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// PinError is the cause when a server's certificates are good and none of their
// keys is among [Config.Pins]: somebody else may be answering for the host. It
// stands inside a *tls.CertificateVerificationError, its class is
// retry.Certificate, and nothing was sent.
type PinError struct {
	// Host is the host of the request's URL.
	Host string
	// Seen are the keys of the verified chains, the server's own first, each as
	// "sha256//" and base64, ready to be a pin. Under TLS.InsecureSkipVerify it
	// is the server's own alone.
	Seen []string
}

// Error names the host and the keys.
func (e *PinError) Error() string {
	return fmt.Sprintf("no key of the certificate chain is pinned for %s; seen: %s", e.Host, strings.Join(e.Seen, ", "))
}

// pinPrefix is how curl marks the hash of a pin (its option --pinnedpubkey).
const pinPrefix = "sha256//"

// canonicalPins returns a copy of pins in which every host and every key has one
// spelling.
func canonicalPins(pins map[string][]string) (map[string][]string, error) {
	if len(pins) == 0 {
		return nil, nil
	}
	out := make(map[string][]string, len(pins))
	for pattern, keys := range pins {
		host, err := pinnedHost(pattern)
		if err != nil {
			return nil, fmt.Errorf("mien: Config.Pins[%q]: %w", pattern, err)
		}
		if out[host] != nil {
			return nil, fmt.Errorf("mien: Config.Pins[%q]: another entry is for the same host", pattern)
		}
		if len(keys) == 0 {
			return nil, fmt.Errorf("mien: Config.Pins[%q] holds no key: no connection could ever be made", pattern)
		}
		own := make([]string, len(keys))
		for i, key := range keys {
			if own[i], err = canonicalPin(key); err != nil {
				return nil, fmt.Errorf("mien: Config.Pins[%q][%d]: %w", pattern, i, err)
			}
		}
		out[host] = own
	}
	return out, nil
}

// pinnedHost is the one spelling of a host, or of "*." and a domain.
func pinnedHost(pattern string) (string, error) {
	domain, wild := strings.CutPrefix(pattern, "*.")
	if strings.Contains(domain, "*") {
		return "", fmt.Errorf(`"*" stands only in front, as "*.example.com"`)
	}
	bare := strings.TrimSuffix(strings.TrimPrefix(domain, "["), "]")
	_, err := netip.ParseAddr(bare)
	address := err == nil
	switch {
	case address && wild:
		return "", fmt.Errorf("an address has no subdomains")
	case address:
		domain = bare
	case strings.ContainsAny(domain, ":[]"):
		return "", fmt.Errorf("not a host; ports and schemes do not belong here")
	}
	host, err := asciiHost(domain)
	if err != nil {
		return "", err
	}
	if host = spelling(host); host == "" {
		return "", fmt.Errorf("no host")
	}
	if wild {
		return "*." + host, nil
	}
	return host, nil
}

// spelling gives all ways to write a host that validate lets through one form:
// "example.com." is "example.com", and "0:0:0:0:0:0:0:1" is "::1".
func spelling(host string) string {
	if addr, err := netip.ParseAddr(host); err == nil {
		return addr.Unmap().WithZone("").String()
	}
	return strings.ToLower(strings.TrimSuffix(host, "."))
}

// pinLen is the length of a SHA-256 in base64.
const pinLen = (sha256.Size + 2) / 3 * 4

// canonicalPin is key as "sha256//" and base64. What stands before the last 44
// characters tells the form, since base64 too may begin with a slash.
func canonicalPin(key string) (string, error) {
	before, text := "", key
	if len(key) > pinLen {
		before, text = key[:len(key)-pinLen], key[len(key)-pinLen:]
	}
	// The decoder passes over line breaks, so that the sum may be too short.
	sum, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil || len(sum) != sha256.Size || !slices.Contains([]string{"", "sha256/", pinPrefix}, before) {
		return "", fmt.Errorf("%q is not a SHA-256 in base64 (44 characters), with or without %q before it", key, pinPrefix)
	}
	return pinPrefix + text, nil
}

// pinOf is the pin of cert's key (RFC 7469 §2.4).
func pinOf(cert *x509.Certificate) string {
	sum := sha256.Sum256(cert.RawSubjectPublicKeyInfo)
	return pinPrefix + base64.StdEncoding.EncodeToString(sum[:])
}

// pinned returns what Pins say of host, nil if nothing. An exact entry comes
// before a wildcard, and a long one before a short one.
func (c *Config) pinned(host string) []string {
	if len(c.Pins) == 0 {
		return nil
	}
	host = spelling(host)
	if keys := c.Pins[host]; keys != nil {
		return keys
	}
	for {
		var found bool
		if _, host, found = strings.Cut(host, "."); !found {
			return nil
		}
		if keys := c.Pins["*."+host]; keys != nil {
			return keys
		}
	}
}

// checkPins fails unless a verified chain of the connection holds one of keys.
// Without verification there is no chain, and nobody but the server itself has
// proved to have its key.
func checkPins(host string, keys []string, state tls.ConnectionState) error {
	chains := state.VerifiedChains
	if len(chains) == 0 && len(state.PeerCertificates) > 0 {
		chains = [][]*x509.Certificate{state.PeerCertificates[:1]}
	}
	e := &PinError{Host: host}
	for _, chain := range chains {
		for _, cert := range chain {
			pin := pinOf(cert)
			if slices.Contains(keys, pin) {
				return nil
			}
			if !slices.Contains(e.Seen, pin) {
				e.Seen = append(e.Seen, pin)
			}
		}
	}
	return &tls.CertificateVerificationError{UnverifiedCertificates: state.PeerCertificates, Err: e}
}

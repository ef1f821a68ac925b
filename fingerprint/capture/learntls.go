package capture

import (
	"bytes"
	"fmt"
	"slices"

	fp "github.com/mien-http/mien/fingerprint"
)

// Extensions that learning a hello has to know (IANA, TLS ExtensionType Values).
const (
	extServerName   fp.Code = 0
	extGroups       fp.Code = 10
	extSignatures   fp.Code = 13
	extALPN         fp.Code = 16
	extCompress     fp.Code = 27
	extDelegated    fp.Code = 34
	extTicket       fp.Code = 35
	extPSK          fp.Code = 41
	extEarlyData    fp.Code = 42
	extVersions     fp.Code = 43
	extKeyShare     fp.Code = 51
	extALPSOld      fp.Code = 17513
	extALPS         fp.Code = 17613
	extECH          fp.Code = 65037
	groupX25519     fp.Code = 0x001d
	groupHybrid     fp.Code = 0x11ec // X25519MLKEM768
	x25519KeyLength         = 32
)

// pages returns the hellos for web pages over HTTP/2: those that offer h2, and
// name a host that requests went to. A browser's calls of its own and its
// WebSocket connections look different.
func (c *Capture) pages() []Hello {
	hosts := map[string]bool{}
	for _, r := range c.Requests {
		hosts[hostOnly(r.Host)] = true
	}
	known := slices.ContainsFunc(c.Hellos, func(h Hello) bool { return hosts[h.Hello.ServerName()] })
	var out []Hello
	for _, h := range c.Hellos {
		name := h.Hello.ServerName()
		switch {
		case known && name != "" && !hosts[name]:
		case !slices.Contains(h.Hello.ALPN(), "h2") || len(h.Hello.KeyShares()) == 0:
		default:
			out = append(out, h)
		}
	}
	return out
}

func hostOnly(host string) string {
	for i := len(host) - 1; i >= 0 && host[i] != ']'; i-- {
		if host[i] == ':' {
			return host[:i]
		}
	}
	return host
}

// split sorts hellos by what they answer.
func splitHellos(all []Hello) (fresh, resumed []Hello) {
	for _, h := range all {
		switch {
		case h.AfterRetry:
		case h.Hello.HasPSK():
			resumed = append(resumed, h)
		default:
			fresh = append(fresh, h)
		}
	}
	return fresh, resumed
}

// learnTLS finds the template of which all hellos are drawn.
func learnTLS(all []Hello) (*fp.TLS, error) {
	fresh, resumed := splitHellos(all)
	if len(fresh) == 0 {
		return nil, fmt.Errorf("no fresh ClientHello that offers h2 among the %d recorded", len(all))
	}
	first := fresh[0]
	t := &fp.TLS{CipherSuites: placeholders(first.Hello.CipherSuites)}
	for _, h := range fresh {
		if got := placeholders(h.Hello.CipherSuites); !slices.Equal(got, t.CipherSuites) {
			return nil, fmt.Errorf("%s and %s differ in their cipher suites: %v, %v", first.File, h.File, t.CipherSuites, got)
		}
		if !sameSet(ids(h.Hello), ids(first.Hello)) {
			return nil, fmt.Errorf("%s and %s differ in their extensions: %v, %v", first.File, h.File, ids(first.Hello), ids(h.Hello))
		}
		if !slices.Equal(ids(h.Hello), ids(first.Hello)) {
			t.Permute = true
		}
	}
	grease := 0
	for _, raw := range first.Hello.Extensions {
		e, err := learnExtension(raw, grease, fresh)
		if err != nil {
			return nil, err
		}
		if raw.ID.IsGREASE() {
			grease++
		}
		e.FreshOnly = len(resumed) > 0 && !slices.ContainsFunc(resumed, func(h Hello) bool { return has(h.Hello, raw.ID) || raw.ID.IsGREASE() })
		if e.ECH != nil {
			e.ECH.GrowWithPSK = slices.ContainsFunc(resumed, func(h Hello) bool {
				ech, ok := h.Hello.ECH()
				return ok && !slices.Contains(e.ECH.Payload, len(ech.Payload))
			})
		}
		t.Extensions = append(t.Extensions, *e)
	}
	t.SharedX25519 = !slices.ContainsFunc(fresh, func(h Hello) bool { return !sharesKey(h.Hello) })
	return t, nil
}

// placeholders puts GREASE for the reserved values.
func placeholders(codes []fp.Code) []fp.Code {
	out := slices.Clone(codes)
	for i, c := range out {
		if c.IsGREASE() {
			out[i] = fp.GREASE
		}
	}
	return out
}

func ids(h *fp.ClientHello) []fp.Code {
	out := make([]fp.Code, len(h.Extensions))
	for i, e := range h.Extensions {
		out[i] = e.ID
	}
	return placeholders(out)
}

func sameSet(a, b []fp.Code) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}

func has(h *fp.ClientHello, id fp.Code) bool {
	_, ok := h.Extension(id)
	return ok
}

// body returns the extension with that ID, or the n-th GREASE one.
func body(h *fp.ClientHello, id fp.Code, n int) []byte {
	for _, e := range h.Extensions {
		switch {
		case e.ID == id && !id.IsGREASE():
			return e.Data
		case e.ID.IsGREASE() && id.IsGREASE():
			if n == 0 {
				return e.Data
			}
			n--
		}
	}
	return nil
}

// sharesKey reports whether the X25519 half of the hybrid share is the X25519
// share itself.
func sharesKey(h *fp.ClientHello) bool {
	var hybrid, plain []byte
	for _, s := range h.KeyShares() {
		switch s.Group {
		case groupHybrid:
			hybrid = s.Data
		case groupX25519:
			plain = s.Data
		}
	}
	return len(plain) == x25519KeyLength && len(hybrid) > x25519KeyLength && bytes.Equal(hybrid[len(hybrid)-x25519KeyLength:], plain)
}

package fingerprint

import "slices"

// Clone returns a copy that shares no memory with p. A nil p gives nil.
func (p *Profile) Clone() *Profile {
	if p == nil {
		return nil
	}
	c := *p
	c.TLS = p.TLS.clone()
	c.HTTP2 = p.HTTP2.clone()
	c.Identity = slices.Clone(p.Identity)
	c.Headers = slices.Clone(p.Headers)
	for i := range c.Headers {
		c.Headers[i].Fields = slices.Clone(c.Headers[i].Fields)
	}
	return &c
}

func (t TLS) clone() TLS {
	t.CipherSuites = slices.Clone(t.CipherSuites)
	t.Extensions = slices.Clone(t.Extensions)
	for i := range t.Extensions {
		e := &t.Extensions[i]
		e.Codes = slices.Clone(e.Codes)
		e.Protocols = slices.Clone(e.Protocols)
		e.KeyShares = slices.Clone(e.KeyShares)
		for j := range e.KeyShares {
			e.KeyShares[j].Data = slices.Clone(e.KeyShares[j].Data)
		}
		if e.ECH != nil {
			ech := *e.ECH
			ech.AEADs = slices.Clone(ech.AEADs)
			ech.Payload = slices.Clone(ech.Payload)
			e.ECH = &ech
		}
		e.Data = slices.Clone(e.Data)
	}
	return t
}

func (h HTTP2) clone() HTTP2 {
	h.Settings = slices.Clone(h.Settings)
	h.PseudoHeaders = slices.Clone(h.PseudoHeaders)
	h.EndWithData = slices.Clone(h.EndWithData)
	h.HPACK.NeverIndexed = slices.Clone(h.HPACK.NeverIndexed)
	return h
}

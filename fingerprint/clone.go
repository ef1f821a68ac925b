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
	c.Notes = slices.Clone(p.Notes)
	c.Headers = slices.Clone(p.Headers)
	for i := range c.Headers {
		c.Headers[i] = c.Headers[i].clone()
	}
	c.Absent = slices.Clone(p.Absent)
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

func (l HeaderList) clone() HeaderList {
	l.Priorities = slices.Clone(l.Priorities)
	for i := range l.Priorities {
		l.Priorities[i].For = slices.Clone(l.Priorities[i].For)
	}
	l.Fields = slices.Clone(l.Fields)
	for i := range l.Fields {
		l.Fields[i].For = slices.Clone(l.Fields[i].For)
	}
	return l
}

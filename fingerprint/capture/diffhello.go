package capture

import (
	"bytes"
	"fmt"
	"slices"

	fp "github.com/mien-http/mien/fingerprint"
)

// DiffHello compares a ClientHello with the template that it should be drawn
// from: everything but [RandomFields], and of those what they are drawn from. A
// hello with a ticket is compared with what the browser sends then. where begins
// each difference.
func DiffHello(where string, t *fp.TLS, h *fp.ClientHello) []Difference {
	d := helloDiffer{where: where, t: t, h: h}
	d.compare("cipher suites", placeholders(h.CipherSuites), t.CipherSuites)
	d.extensions()
	d.greases()
	return d.out
}

type helloDiffer struct {
	where string
	t     *fp.TLS
	h     *fp.ClientHello
	out   []Difference
}

func (d *helloDiffer) add(what, want, got string) {
	d.out = append(d.out, Difference{d.where, what, want, got})
}

func (d *helloDiffer) compare(what string, got, want any) {
	if a, b := fmt.Sprint(want), fmt.Sprint(got); a != b {
		d.add(what, a, b)
	}
}

// extensions compares which there are, their order and their bodies.
func (d *helloDiffer) extensions() {
	var want []fp.Code
	for _, e := range d.t.Extensions {
		if !(e.FreshOnly && d.h.HasPSK()) {
			want = append(want, e.ID)
		}
	}
	if d.h.HasEarlyData() {
		// Behind key_share, as Gecko has it; others do not send any.
		if i := slices.Index(want, extKeyShare); i >= 0 {
			want = slices.Insert(want, i+1, extEarlyData)
		}
	}
	if d.h.HasPSK() {
		want = append(want, extPSK)
	}
	got := ids(d.h)
	switch {
	case !sameSet(got, want):
		d.compare("extensions", got, want)
	case !d.t.Permute:
		d.compare("order of the extensions", got, want)
	default:
		for i := range got {
			if (got[i] == fp.GREASE || got[i] == extPSK) != (want[i] == fp.GREASE || want[i] == extPSK) {
				d.compare("places of GREASE and pre_shared_key among the extensions", got, want)
				break
			}
		}
	}
	grease := 0
	for i := range d.t.Extensions {
		e := &d.t.Extensions[i]
		if e.ID == fp.GREASE {
			d.bytes("GREASE extension", body(d.h, fp.GREASE, grease), e.Data)
			grease++
		} else if has(d.h, e.ID) {
			d.extension(e)
		}
	}
}

func (d *helloDiffer) bytes(what string, got, want []byte) {
	if !bytes.Equal(got, want) {
		d.add(what, fmt.Sprintf("%x", want), fmt.Sprintf("%x", got))
	}
}

func (d *helloDiffer) extension(e *fp.Extension) {
	what := fmt.Sprintf("extension %s (%s)", e.ID, e.Name)
	switch {
	case len(e.Codes) > 0:
		d.compare(what, codesOf(d.h, e.ID), e.Codes)
	case e.ID == extALPN:
		d.compare(what, d.h.ALPN(), e.Protocols)
	case len(e.Protocols) > 0:
		d.compare(what, d.h.ALPS(), e.Protocols)
	case len(e.KeyShares) > 0:
		d.shares(what, e)
	case e.ECH != nil:
		d.ech(what, e.ECH)
	case e.ID == extServerName, e.ID == extTicket, e.ID == extPSK:
	default:
		d.bytes(what, body(d.h, e.ID, 0), e.Data)
	}
}

func (d *helloDiffer) shares(what string, e *fp.Extension) {
	got, _ := learnShares([]Hello{{Hello: d.h}})
	d.compare(what, got, e.KeyShares)
	if shared := sharesKey(d.h); shared != d.t.SharedX25519 {
		d.compare("X25519MLKEM768 shares the key of X25519", shared, d.t.SharedX25519)
	}
}

func (d *helloDiffer) ech(what string, g *fp.ECHGrease) {
	ech, ok := d.h.ECH()
	if !ok {
		d.add(what, "of the outer form", "unreadable")
		return
	}
	d.compare(what+", KDF", ech.KDF, g.KDF)
	d.compare(what+", length of the key", len(ech.Enc), g.EncLen)
	if !slices.Contains(g.AEADs, ech.AEAD) {
		d.add(what+", AEAD", fmt.Sprintf("one of %v", g.AEADs), ech.AEAD.String())
	}
	grown := g.GrowWithPSK && d.h.HasPSK() && len(ech.Payload) > slices.Max(g.Payload)
	if !slices.Contains(g.Payload, len(ech.Payload)) && !grown {
		d.add(what+", length of the payload", fmt.Sprintf("one of %v", g.Payload), fmt.Sprint(len(ech.Payload)))
	}
}

// greases checks what is drawn once and stands in two places.
func (d *helloDiffer) greases() {
	group := firstGREASE(d.h.Groups())
	for _, s := range d.h.KeyShares() {
		if s.Group.IsGREASE() {
			d.compare("GREASE in key_share", fmt.Sprintf("%04x", uint16(s.Group)), group)
		}
	}
}

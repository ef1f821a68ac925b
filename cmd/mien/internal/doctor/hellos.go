package doctor

import (
	"context"

	"github.com/mien-http/mien/retry"
)

// hellos tries the hellos one after the other along one way.
func (e *examination) hellos(ctx context.Context, way Route) {
	profile := Probe{What: TLS, Route: way, Hello: ProfileHello}
	e.repeat(ctx, &profile, e.o.Repeat, "")
	small := Probe{What: TLS, Route: way, Hello: SmallHello}
	nameless := Probe{What: TLS, Route: way, Hello: NamelessOne}
	padded := Probe{What: TLS, Route: way, Hello: PaddedHello}
	if profile.Tried > 0 && reachesPeer(&profile) {
		e.repeat(ctx, &small, e.o.Repeat, "")
		if !isAddress(e.host) {
			e.repeat(ctx, &nameless, e.o.Repeat, "")
		}
		if profile.none() && small.Completed > 0 {
			e.repeat(ctx, &padded, 2, "")
		}
		if profile.none() && small.Completed+nameless.Completed > 0 {
			// Not what the hello is, but when it was sent?
			e.repeat(ctx, &profile, 1, "")
		}
	}
	for _, p := range []Probe{profile, small, padded, nameless} {
		e.keep(p)
	}
}

// reachesPeer reports that it is worth while to try other hellos: not every
// attempt ended before the first one.
func reachesPeer(p *Probe) bool {
	if p.Completed > 0 {
		return true
	}
	return p.first.Phase == retry.PhaseTLS && p.first.Class != retry.LocalLimit
}

// maxStalls in a row are enough to believe in silence: TCP sends what was lost
// again within the time of one handshake.
const maxStalls = 2

// repeat adds n attempts with the hello of p to it, to address if that is given.
func (e *examination) repeat(ctx context.Context, p *Probe, n int, address string) {
	s, err := e.session(p.Route, p.Hello)
	if err != nil || s == nil {
		return
	}
	defer s.Close()
	if address == "" && p.Route == Direct {
		address = e.pinned
	}
	stalls := 0
	for range n {
		if e.left == 0 || ctx.Err() != nil {
			return
		}
		e.left--
		a := &attempt{url: e.origin, address: address}
		r := a.run(ctx, s, 3*e.o.HandshakeTime)
		p.add(r)
		if r.failed == nil {
			stalls = 0
			continue
		}
		if r.failed.Class == retry.HandshakeTimeout {
			stalls++
		}
		if stalls == maxStalls || r.failed.Class == retry.LocalLimit {
			return
		}
	}
}

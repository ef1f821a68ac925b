package doctor

import (
	"fmt"
	"net/netip"

	"github.com/mien-http/mien/retry"
)

// Code is a cause.
type Code string

// The causes.
const (
	NothingWrong     Code = "nothing-wrong"
	LocalLimit       Code = "local-limit"       // this machine is out of descriptors, ports or the like
	NoName           Code = "name"              // the name cannot be looked up
	Unreachable      Code = "unreachable"       // no TCP connection to any address
	ProxyUnreachable Code = "proxy-unreachable" // no connection to the proxy
	ProxyRefuses     Code = "proxy-refuses"     // the proxy answers, but opens no tunnel
	ProxyCloses      Code = "proxy-closes"      // the proxy ends the stream, before or after it answered
	NotTLS           Code = "not-tls"           // the peer speaks something else
	Certificate      Code = "certificate"       // it does not verify
	Alert            Code = "alert"             // the peer refuses this hello, and says so
	LargeHello       Code = "large-hello"       // what is longer than a segment does not get through
	KeyShare         Code = "key-share"         // what has an ML-KEM share does not get through, whatever its length
	NameFilter       Code = "sni-filter"        // what bears this server name does not get through
	BadAddress       Code = "address"           // some addresses of the name fail, others do not
	Overload         Code = "overload"          // too many handshakes at once are reset
	Intermittent     Code = "intermittent"      // some fail without a pattern
	HandshakeReset   Code = "handshake-reset"   // every handshake is ended by the peer
	HandshakeStall   Code = "handshake-stall"   // no handshake is answered
	RequestFails     Code = "request"           // handshakes are well, the request fails
	Undecided        Code = "undecided"         // time ran out before there was anything to judge
)

// probe is the sequence of handshakes with h along way, nil if there was none.
func (r *Report) probe(way Route, h Hello) *Probe {
	return r.find(func(p *Probe) bool {
		return p.What == TLS && p.Route == way && p.Hello == h && p.AtOnce == 0 && p.Address == ""
	})
}

func (r *Report) find(is func(*Probe) bool) *Probe {
	for i := range r.Probes {
		if is(&r.Probes[i]) {
			return &r.Probes[i]
		}
	}
	return nil
}

func (r *Report) crowds(way Route) []*Probe {
	return r.each(func(p *Probe) bool { return p.Route == way && p.AtOnce > 0 })
}

func (r *Report) each(is func(*Probe) bool) []*Probe {
	var found []*Probe
	for i := range r.Probes {
		if is(&r.Probes[i]) {
			found = append(found, &r.Probes[i])
		}
	}
	return found
}

func isAddress(host string) bool {
	_, err := netip.ParseAddr(host)
	return err == nil
}

// judge draws the verdict. Causes are asked for from the nearest to the
// farthest: what is wrong here would look like anything there.
type judge struct {
	*Report
	o    Options
	way  Route // that the verdict is about
	main *Probe
}

func conclude(r *Report, o Options) {
	j := &judge{Report: r, o: o, way: Direct}
	if o.Proxy != nil {
		j.way = Proxied
	}
	j.main = r.probe(j.way, ProfileHello)
	for _, cause := range []func() bool{
		j.limitHit, j.unreachable, j.proxy, j.answered, j.shape, j.proxyCloses, j.unsteady, j.silent,
		j.crowded, j.request, j.limitLow,
	} {
		if cause() {
			return
		}
	}
	j.nothing()
}

// say sets the verdict; evidence is what of it was there.
func (j *judge) say(code Code, text, advice string, evidence ...*Probe) bool {
	j.Verdict, j.Text, j.Advice = code, text, advice
	j.Evidence = []string{}
	for _, p := range evidence {
		if p != nil {
			j.Evidence = append(j.Evidence, p.String())
		}
	}
	j.Healthy = code == NothingWrong
	return true
}

func (j *judge) limitHit() bool {
	hit := j.each(func(p *Probe) bool { return p.failedWith(retry.LocalLimit) })
	if len(hit) == 0 {
		return false
	}
	j.say(LocalLimit, "this machine is out of file descriptors, ports or socket memory", j.raise(), hit...)
	j.lowEvidence()
	return true
}

// raise are the commands of the checks that are low.
func (j *judge) raise() string {
	s := ""
	for _, c := range j.Checks {
		if c.State == Low && c.Raise != "" {
			if s != "" {
				s += "; "
			}
			s += c.Raise
		}
	}
	if s == "" {
		return "close what else this program holds open, or raise the limits above"
	}
	return s
}

func (j *judge) lowEvidence() {
	for _, c := range j.Checks {
		if c.State == Low {
			j.Evidence = append(j.Evidence, fmt.Sprintf("%s: %s; %s", c.Name, c.Value, c.Why))
		}
	}
}

func (j *judge) limitLow() bool {
	for _, c := range j.Checks {
		if c.State == Low {
			text := fmt.Sprintf("this machine cannot hold %s connections", number(int64(j.Connections)))
			if j.URL != "" {
				text = "handshakes are well, but " + text
			}
			j.say(LocalLimit, text, j.raise(), j.main)
			j.lowEvidence()
			return true
		}
	}
	return false
}

func (j *judge) unreachable() bool {
	if j.way != Direct || j.URL == "" {
		return false
	}
	if p := j.find(func(p *Probe) bool { return p.What == Lookup }); p.none() {
		if p.failedWith(retry.NameNotFound) {
			return j.say(NoName, "the name does not exist", "is it spelt right? does the resolver of this network know it?", p)
		}
		return j.say(NoName, "the name server failed or did not answer", "try again, or another resolver in /etc/resolv.conf", p)
	}
	tcp := j.each(func(p *Probe) bool { return p.What == TCP })
	for _, p := range tcp {
		if p.all() {
			return false
		}
	}
	if len(tcp) == 0 {
		return false
	}
	if tcp[0].failedWith(retry.Refused) {
		return j.say(Unreachable, "nothing listens there, or a firewall refuses the connection", "is the port right? is the server up?", tcp...)
	}
	return j.say(Unreachable, "no address answers: the way is down, or a firewall drops the connection", "", tcp...)
}

// request is wrong only in how a connection ends: what is answered, and how
// late, is the origin's business.
func (j *judge) request() bool {
	p := j.find(func(p *Probe) bool { return p.What == Request })
	if !p.none() || p.failedWith(retry.HeaderTimeout) {
		return false
	}
	switch e := p.first; {
	case e.Alert != 0: // whatever class it came with: it may be there before the request is
		text := "the handshake completes, and then the peer refuses with alert " + alertName(e.Alert)
		if e.Alert == alertCertificateRequired {
			text += ": it wants a client certificate"
		}
		return j.say(Alert, text, "", p, j.main)
	case p.broke() > 0:
		return j.say(Intermittent, "handshakes complete, but not every time: one more for the request did not",
			"packet loss, an overloaded peer or a limit on the rate: retry, as mien does by itself", p, j.main)
	case p.failedWith(retry.Protocol):
		return j.say(RequestFails, "handshakes complete, but the peer breaks the protocol afterwards", "", p, j.main)
	}
	return j.say(RequestFails, "handshakes complete, but the connection ends when the request is sent",
		"whoever ends it judges what is inside TLS: the origin, or a proxy that decrypts", p, j.main)
}

// alertCertificateRequired is certificate_required (RFC 8446 §6.2).
const alertCertificateRequired = 116

func (j *judge) nothing() {
	switch {
	case j.URL == "":
		j.say(NothingWrong, fmt.Sprintf("this machine can hold %s connections, as far as it tells", number(int64(j.Connections))), "")
		for _, c := range j.Checks {
			if c.State == OK {
				j.Evidence = append(j.Evidence, c.Name+": "+c.Value)
			}
		}
		return
	case j.main == nil:
		j.say(Undecided, "time ran out before a handshake was tried", "give it more with --timeout")
		return
	}
	small := j.probe(j.way, SmallHello)
	j.say(NothingWrong, "nothing wrong was found", "", j.main, small, j.largest(j.way))
	if !j.Complete {
		j.Evidence = append(j.Evidence, "time ran out before everything was tried")
	}
}

// largest is the largest crowd along way.
func (r *Report) largest(way Route) *Probe {
	var last *Probe
	for _, p := range r.crowds(way) {
		if last == nil || p.AtOnce > last.AtOnce {
			last = p
		}
	}
	return last
}

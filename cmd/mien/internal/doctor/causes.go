package doctor

import (
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"github.com/mien-http/mien/retry"
)

// proxy knows the proxies that open no tunnel.
func (j *judge) proxy() bool {
	p := j.main
	if j.way != Proxied || !p.none() || p.first.Phase != retry.PhaseProxy {
		return false
	}
	direct := j.probe(Direct, ProfileHello)
	var status interface{ ProxyStatus() int }
	var reply interface{ SOCKSReply() byte }
	switch {
	case errors.As(p.first.Err, &status):
		advice := "ask whoever runs the proxy which hosts and ports it serves"
		if status.ProxyStatus() == 407 {
			advice = "put user and password into the proxy's URL, or correct them"
		}
		return j.say(ProxyRefuses, fmt.Sprintf("the proxy refuses to connect: it answers CONNECT with status %d", status.ProxyStatus()), advice, p, direct)
	case errors.As(p.first.Err, &reply):
		return j.say(ProxyRefuses, fmt.Sprintf("the proxy refuses to connect: SOCKS reply %d", reply.SOCKSReply()), "", p, direct)
	case p.failedWith(retry.ProxyReset):
		return j.say(ProxyCloses, "the proxy closes the connection before it answers", "is the proxy's scheme right? does it allow this machine?", p, direct)
	case p.failedWith(retry.Certificate), p.failedWith(retry.NotTLS), p.failedWith(retry.Protocol):
		return j.say(ProxyRefuses, "the proxy is not what its URL says", "is the scheme right? with https, is its certificate?", p, direct)
	}
	return j.say(ProxyUnreachable, "the proxy cannot be reached", "is the address right? is the proxy up?", p, direct)
}

// answered knows the peers that say what they refuse.
func (j *judge) answered() bool {
	p := j.main
	small, nameless := j.probe(j.way, SmallHello), j.probe(j.way, NamelessOne)
	switch {
	case !p.none():
		return false
	case p.failedWith(retry.NotTLS):
		return j.say(NotTLS, "the peer does not speak TLS on this port", "is it http://, or another port?", p)
	case p.failedWith(retry.Certificate):
		text, advice := certificate(p.first)
		return j.say(Certificate, text, advice, p, nameless)
	case p.failedWith(retry.Alert):
		text := "the peer refuses the handshake with alert " + alertName(p.first.Alert)
		switch {
		case small.all() && nameless.none():
			text += ", but not without ML-KEM"
		case nameless.all() && small.none():
			text += ", but not without the server name"
		}
		return j.say(Alert, text, "try another --profile; is the name one that the server serves?", p, small, nameless)
	}
	return false
}

// certificate says in words why one did not verify.
func certificate(err error) (text, advice string) {
	var invalid x509.CertificateInvalidError
	var host x509.HostnameError
	var unknown x509.UnknownAuthorityError
	switch {
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired && invalid.Cert != nil:
		if now := time.Now(); now.Before(invalid.Cert.NotBefore) {
			return "the certificate is valid only from " + invalid.Cert.NotBefore.Format(time.DateOnly),
				"is the clock of this machine right?"
		}
		return "the certificate has expired on " + invalid.Cert.NotAfter.Format(time.DateOnly),
			"whoever runs the server must renew it; is the clock of this machine right?"
	case errors.As(err, &host):
		return "the certificate is for another name than " + host.Host, "is the name right? does something else answer in the origin's place?"
	case errors.As(err, &unknown):
		return "the certificate is signed by nobody whom this machine trusts",
			"if that is meant to be, --cacert names the CA; if not, something on the way decrypts"
	}
	return "the certificate does not verify", ""
}

// shape finds what about the hello decides whether it gets through. Where the
// proxied way does not tell, the direct one may, if that fails as well.
func (j *judge) shape() bool {
	p := j.main
	if !p.none() || p.broke() == 0 {
		return false
	}
	small, padded, nameless := j.probe(j.way, SmallHello), j.probe(j.way, PaddedHello), j.probe(j.way, NamelessOne)
	where := ""
	if j.way == Proxied {
		where = " through the proxy"
	}
	seen := []*Probe{p, small, padded, nameless, j.probe(Direct, ProfileHello)}
	if j.way == Direct {
		seen = seen[:4]
	}
	switch {
	case small.all() && padded.all() && p.HelloSize > segment:
		return j.say(KeyShare, "hellos with a post-quantum key share (ML-KEM) do not get through"+where+", long ones without it do",
			"the server or something on the way cannot bear the key share: only a --profile without it works here", seen...)
	case small.all() && nameless.passed() == 0:
		return j.say(LargeHello, fmt.Sprintf("something %s hellos larger than one TCP segment%s", drops(p), where),
			fmt.Sprintf("a middlebox or server reads %d bytes at most and takes that for the whole: go another way, or use a --profile whose hello is smaller", segment), seen...)
	case nameless.passed() > 0 && small.passed() == 0:
		return j.say(NameFilter, fmt.Sprintf("something %s handshakes that bear this server name%s", drops(p), where),
			"a filter reads the name in the hello: another network or proxy has none, or another one", seen...)
	case small.all():
		return j.say(NameFilter, fmt.Sprintf("something %s long hellos that bear this server name%s", drops(p), where),
			"a filter reads the name, but only in hellos of more than one segment", seen...)
	}
	return false
}

func drops(p *Probe) string {
	if p.stalled() {
		return "drops"
	}
	return "resets"
}

// proxyCloses knows the proxy that opens a tunnel and then ends it, whatever is
// sent.
func (j *judge) proxyCloses() bool {
	p := j.main
	if j.way != Proxied || !p.none() || p.broke() == 0 {
		return false
	}
	direct := j.probe(Direct, ProfileHello)
	if direct.none() && direct.broke() > 0 {
		return false // it is the origin's doing, or nearer to it
	}
	what := "closes the stream after it opened the tunnel"
	if p.stalled() {
		what = "opens the tunnel, and then nothing comes back"
	}
	text, advice := "the proxy "+what, "ask whoever runs the proxy, or take another"
	switch {
	case direct.all():
		text += "; without it handshakes complete"
	default:
		advice += "; the origin may be at fault too, which only a direct try can tell"
	}
	return j.say(ProxyCloses, text, advice, p, j.probe(Proxied, SmallHello), j.probe(Proxied, NamelessOne), direct)
}

// unsteady finds failures that have no pattern, or only that of an address.
func (j *judge) unsteady() bool {
	small := j.probe(j.way, SmallHello)
	good := false
	var bad []*Probe
	for _, p := range j.each(func(p *Probe) bool { return p.What == TLS && p.Address != "" }) {
		if p.none() {
			bad = append(bad, p)
		}
		good = good || p.all()
	}
	if j.way == Direct && j.main.all() && good && len(bad) > 0 {
		return j.say(BadAddress, fmt.Sprintf("handshakes fail on %d of the addresses, on others they complete", len(bad)),
			"one of the servers behind the name is ill, or the way to it is", append(bad, j.main)...)
	}
	if !j.main.some() && !(j.main.all() && small.some()) {
		return false
	}
	tried, broke := j.main.Tried, j.main.broke()
	if small != nil {
		tried, broke = tried+small.Tried, broke+small.broke()
	}
	if broke == 0 {
		return j.say(Intermittent, "some handshakes are refused and others are not: several servers answer under this name", "", j.main, small)
	}
	return j.say(Intermittent, fmt.Sprintf("%d of %d handshakes were ended on the way, one alone at a time and whatever was in them", broke, tried),
		"packet loss, an overloaded peer or a limit on the rate: retry, as mien does by itself", j.main, small)
}

// silent is what is left when no handshake at all completes.
func (j *judge) silent() bool {
	p := j.main
	if !p.none() {
		return false
	}
	seen := []*Probe{p, j.probe(j.way, SmallHello), j.probe(j.way, NamelessOne)}
	if j.way == Proxied {
		seen = append(seen, j.probe(Direct, ProfileHello))
	}
	switch {
	case p.stalled():
		return j.say(HandshakeStall, "connections open, but no hello is answered, whatever is in it",
			"the server hangs, or something on the way swallows TLS", seen...)
	case p.broke() > 0:
		return j.say(HandshakeReset, "the peer ends every handshake, whatever is in the hello (curl calls this SSL_ERROR_SYSCALL)",
			"the server is down behind its address, or refuses this machine's address", seen...)
	}
	return j.say(HandshakeReset, "no handshake completes: "+p.Error, "", seen...)
}

// crowded finds the number of handshakes at once that is too much.
func (j *judge) crowded() bool {
	crowds := j.crowds(j.way)
	p := jump(crowds)
	if p == nil {
		return false
	}
	before := 1 // the largest crowd that was well
	for _, c := range crowds {
		if c == p {
			break
		}
		before = c.AtOnce
	}
	j.Limit = max(before, p.Completed)
	who := "the origin, or something before it,"
	if direct := j.crowds(Direct); j.way == Proxied {
		who = "the proxy or the origin"
		if len(direct) > 0 && jump(direct) == nil {
			who = "the proxy"
		} else if len(direct) > 0 {
			who = "the origin, direct as well as through the proxy,"
		}
	}
	evidence := append(crowds, j.main)
	if j.way == Proxied {
		evidence = append(evidence, j.crowds(Direct)...)
	}
	text := fmt.Sprintf("%s %s handshakes above about %d at once", who, drops(p), j.Limit)
	if last := crowds[len(crowds)-1]; last != p && last.none() {
		text += ", and refuses single ones for a while afterwards"
	}
	return j.say(Overload, text, fmt.Sprintf("mien finds the width by itself; Config.Limits.Handshakes: %d sets it", j.Limit), evidence...)
}

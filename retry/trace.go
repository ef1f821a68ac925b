package retry

import (
	"crypto/tls"
	"net/http/httptrace"
	"sync"
)

// sight is what an attempt through an unknown RoundTripper lets us see, by
// httptrace. The hooks may be called by other goroutines, and after the
// attempt is over.
type sight struct {
	mu      sync.Mutex
	phase   Phase // guarded by mu; the last one entered
	traced  bool  // guarded by mu; the RoundTripper calls the hooks at all
	conn    bool  // guarded by mu; a connection was handed to the request
	fresh   bool  // guarded by mu; some connection was new
	reused  bool  // guarded by mu; the last connection had been used before
	answers bool  // guarded by mu; a byte of the response came
}

func (s *sight) enter(p Phase) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.traced = true
	if !s.conn {
		s.phase = p
	}
}

// trace gives the hooks. net/http reports the end of a dial before it speaks
// to a proxy, and the beginning of the handshake after it: a failure between
// the two is the proxy's.
func (s *sight) trace() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		GetConn:  func(string) { s.enter("") },
		DNSStart: func(httptrace.DNSStartInfo) { s.enter(PhaseDNS) },
		ConnectStart: func(string, string) {
			s.enter(PhaseDial)
		},
		ConnectDone: func(_, _ string, err error) {
			if err == nil {
				s.enter(PhaseProxy)
			}
		},
		TLSHandshakeStart: func() { s.enter(PhaseTLS) },
		TLSHandshakeDone: func(_ tls.ConnectionState, err error) {
			if err == nil {
				s.enter(PhaseProxy) // of an https proxy; the origin's is followed by GotConn
			}
		},
		GotConn: func(info httptrace.GotConnInfo) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.traced, s.conn, s.reused = true, true, info.Reused
			s.fresh = s.fresh || !info.Reused
			s.phase, s.answers = PhaseWrite, false
		},
		WroteRequest: func(info httptrace.WroteRequestInfo) {
			s.mu.Lock()
			defer s.mu.Unlock()
			if info.Err == nil {
				s.phase = PhaseHeaders
			}
		},
		GotFirstResponseByte: func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.phase, s.answers = PhaseHeaders, true
		},
	}
}

// connected reports whether a new connection was made.
func (s *sight) connected() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.fresh
}

// failure puts the facts to err. Headers are written through a buffer, and
// their hooks run when they are in it or later, so the one moment before which
// nothing can have left for certain is that at which a connection is handed
// over. A RoundTripper that calls no hooks may have sent everything. An error
// that knows better, by a method RequestSent() bool, is believed.
func (s *sight) failure(err error) Failure {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := Failure{Phase: s.phase, Sent: s.conn || !s.traced, Reused: s.reused, Answered: s.answers, Err: err}
	if e, ok := asFact[interface{ RequestSent() bool }](err); ok {
		f.Sent = e.RequestSent()
	}
	return f
}

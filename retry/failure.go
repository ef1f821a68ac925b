package retry

// Phase is the part of a request's way in which it failed. The layer that was
// at work puts it on. The zero value says that nobody knows.
type Phase string

// The phases, in order.
const (
	PhaseQueue   Phase = "queue"   // waiting for a slot of our own
	PhaseDNS     Phase = "dns"     // resolving the name
	PhaseDial    Phase = "dial"    // opening the TCP connection
	PhaseProxy   Phase = "proxy"   // on the proxy leg, until the proxy says that the tunnel stands
	PhaseTLS     Phase = "tls"     // handshake with the origin
	PhaseWrite   Phase = "write"   // sending the request
	PhaseHeaders Phase = "headers" // waiting for the response's header section
	PhaseBody    Phase = "body"    // reading the response's body, which the caller has by then
)

// Connecting reports whether the phase is one of getting a connection, before
// any request can be on it.
func (p Phase) Connecting() bool {
	switch p {
	case PhaseDNS, PhaseDial, PhaseProxy, PhaseTLS:
		return true
	}
	return false
}

// Failure is what is known about one failed attempt. Its fields are facts, put
// on by the layers that know them and never guessed from an error's text.
type Failure struct {
	// Phase is where it failed.
	Phase Phase

	// Sent says that some byte of the request may have reached the origin.
	// Whoever is not sure says true. An error in Err with a method
	// RequestSent() bool that answers true counts as well.
	Sent bool

	// Reused says that the connection had carried a request before.
	Reused bool

	// Answered says that some byte of the answer to this request had come.
	// An unsolicited answer, as the 408 with which some servers end an idle
	// connection, is not one.
	Answered bool

	// Err is the cause, in the types of crypto/tls, crypto/x509, net, context
	// and syscall, or with the methods that Classify lists.
	Err error
}

// sent is Sent, or what the error says of itself.
func (f Failure) sent() bool {
	if f.Sent {
		return true
	}
	e, ok := asFact[interface{ RequestSent() bool }](f.Err)
	return ok && e.RequestSent()
}

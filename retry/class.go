package retry

// Class names the condition that made a request fail. The set is closed; the
// values are the names themselves, fit for a log or a metric's label. The zero
// value is Unknown.
type Class string

// The classes. Describe tells each in a sentence.
const (
	Unknown          Class = ""
	Queue            Class = "Queue"
	NameNotFound     Class = "NameNotFound"
	NameTemporary    Class = "NameTemporary"
	Refused          Class = "Refused"
	HandshakeReset   Class = "HandshakeReset"
	HandshakeTimeout Class = "HandshakeTimeout"
	NotTLS           Class = "NotTLS"
	Alert            Class = "Alert"
	Certificate      Class = "Certificate"
	ProxyReset       Class = "ProxyReset"
	ProxyRefused     Class = "ProxyRefused"
	LocalLimit       Class = "LocalLimit"
	StaleConnection  Class = "StaleConnection"
	ConnectionLost   Class = "ConnectionLost"
	HeaderTimeout    Class = "HeaderTimeout"
	BodyCut          Class = "BodyCut"
	BodyTimeout      Class = "BodyTimeout"
	NotProcessed     Class = "NotProcessed"
	StreamReset      Class = "StreamReset"
	Protocol         Class = "Protocol"
	Encoding         Class = "Encoding"
	Redirect         Class = "Redirect"
	Canceled         Class = "Canceled"
	Invalid          Class = "Invalid"
)

// Classes lists every class but Unknown, in the order in which a request can
// meet them.
func Classes() []Class {
	return []Class{
		Invalid, Queue, NameNotFound, NameTemporary, Refused, LocalLimit, ProxyReset, ProxyRefused,
		HandshakeReset, HandshakeTimeout, NotTLS, Alert, Certificate,
		StaleConnection, ConnectionLost, HeaderTimeout, NotProcessed, StreamReset, Protocol,
		BodyCut, BodyTimeout, Encoding, Redirect, Canceled,
	}
}

// String is the class's name; "Unknown" for the zero value.
func (c Class) String() string {
	if c == Unknown {
		return "Unknown"
	}
	return string(c)
}

// Describe explains the class in plain words, as a clause that can stand in an
// error's text.
func (c Class) Describe() string {
	switch c {
	case Queue:
		return "no slot became free before the context ended"
	case NameNotFound:
		return "the host name does not exist"
	case NameTemporary:
		return "the name server failed or did not answer in time"
	case Refused:
		return "the address refused the connection or cannot be reached"
	case HandshakeReset:
		return "peer closed the connection (curl calls this SSL_ERROR_SYSCALL)"
	case HandshakeTimeout:
		return "the handshake did not finish in time"
	case NotTLS:
		return "the peer does not speak TLS on this port (is the scheme right?)"
	case Alert:
		return "the TLS handshake was refused by an alert"
	case Certificate:
		return "the certificate did not verify"
	case ProxyReset:
		return "the proxy closed the connection before it answered"
	case ProxyRefused:
		return "the proxy refused to connect"
	case LocalLimit:
		return "this machine is out of file descriptors, ports or socket memory"
	case StaleConnection:
		return "a reused connection had been closed by the peer"
	case ConnectionLost:
		return "the connection broke before the response"
	case HeaderTimeout:
		return "no response headers in time"
	case BodyCut:
		return "the response body ended too early"
	case BodyTimeout:
		return "the response body fell silent"
	case NotProcessed:
		return "the server did not process the request"
	case StreamReset:
		return "the server reset the stream"
	case Protocol:
		return "the peer broke the protocol"
	case Encoding:
		return "the response body could not be decoded"
	case Redirect:
		return "the redirect cannot be followed"
	case Canceled:
		return "canceled by the caller"
	case Invalid:
		return "the request is not valid, or a part of it that is the caller's failed"
	}
	return "the cause is not known"
}

package retry

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"os"
	"reflect"

	"golang.org/x/net/http2"
)

// asFact finds the first error in err's tree that has the methods of T.
func asFact[T any](err error) (T, bool) {
	var fact T
	if err == nil {
		return fact, false
	}
	ok := errors.As(err, &fact)
	return fact, ok
}

// declaredClass is the class that an error claims for itself, for conditions
// that only their own layer can know: a redirect loop, a broken coding, a body
// that fell silent, an input that is not valid.
func declaredClass(err error) (Class, bool) {
	e, ok := asFact[interface{ FailureClass() string }](err)
	if !ok {
		return Unknown, false
	}
	c := Class(e.FailureClass())
	return c, c != Unknown
}

// isTimeout reports whether err says of itself that time ran out.
func isTimeout(err error) bool {
	if errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded) {
		return true
	}
	e, ok := asFact[interface{ Timeout() bool }](err)
	return ok && e.Timeout()
}

// isEnd reports whether err is a connection that ended: by FIN, by RST, or
// closed under our hands.
func isEnd(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, io.ErrClosedPipe) || errnoOf(err) == errnoReset
}

// isConnectionWide reports whether an HTTP/2 error is about the connection.
func isConnectionWide(err error) bool {
	e, ok := asFact[interface{ HTTP2Stream() bool }](err)
	return ok && !e.HTTP2Stream()
}

// isCoding reports whether a body does not decode. A network's error that came
// through a decoder is not that.
func isCoding(err error) bool {
	return is[interface{ ContentCoding() string }](err) &&
		!is[interface{ RequestSent() bool }](err) && errnoOf(err) == errnoNone && !isTimeout(err)
}

// isUnprocessed reports whether the peer said that it did nothing with the
// request.
func isUnprocessed(err error) bool {
	e, ok := asFact[interface{ Unprocessed() bool }](err)
	return ok && e.Unprocessed()
}

// isLimit reports whether one of our own limits on what a peer may send was
// passed. Sending the request again would bring the same answer.
func isLimit(err error) bool {
	e, ok := asFact[interface{ LimitExceeded() bool }](err)
	return ok && e.LimitExceeded()
}

// isCertificate reports whether a certificate did not verify.
func isCertificate(err error) bool {
	return is[*tls.CertificateVerificationError](err) || is[x509.UnknownAuthorityError](err) ||
		is[x509.HostnameError](err) || is[x509.CertificateInvalidError](err) ||
		is[x509.ConstraintViolationError](err) || is[x509.UnhandledCriticalExtension](err) ||
		is[x509.InsecureAlgorithmError](err) || is[x509.SystemRootsError](err)
}

func is[T any](err error) bool {
	_, ok := asFact[T](err)
	return ok
}

// alertOf gives the TLS alert in err, whoever sent it. crypto/tls keeps the
// alert's type to itself: over TCP it is a *net.OpError whose Op is "remote
// error" or "local error" around a number of a type we cannot name, but can
// read.
func alertOf(err error) (alert uint8, ok bool) {
	if e, ok := asFact[interface{ TLSAlert() uint8 }](err); ok {
		return e.TLSAlert(), true
	}
	var ae tls.AlertError
	if errors.As(err, &ae) {
		return uint8(ae), true
	}
	var op *net.OpError
	if errors.As(err, &op) && (op.Op == "remote error" || op.Op == "local error") {
		if v := reflect.ValueOf(op.Err); v.Kind() == reflect.Uint8 {
			return uint8(v.Uint()), true
		}
	}
	return 0, false
}

// h2Fault is what an HTTP/2 error says.
type h2Fault struct {
	code   http2.ErrCode
	local  bool // we found the peer at fault
	stream bool // about this stream alone: RST_STREAM; otherwise the connection: GOAWAY
}

// h2FaultOf reads an error of our own HTTP/2 connection by its methods, and
// those of golang.org/x/net/http2 by their types. net/http's stream errors
// convert to the latter.
func h2FaultOf(err error) (h2Fault, bool) {
	if e, ok := asFact[interface{ HTTP2Code() (uint32, bool) }](err); ok {
		code, ok := e.HTTP2Code()
		if !ok {
			return h2Fault{}, false
		}
		f := h2Fault{code: http2.ErrCode(code), stream: true}
		if e, ok := asFact[interface{ HTTP2Local() bool }](err); ok {
			f.local = e.HTTP2Local()
		}
		if e, ok := asFact[interface{ HTTP2Stream() bool }](err); ok {
			f.stream = e.HTTP2Stream()
		}
		return f, true
	}
	var se http2.StreamError
	if errors.As(err, &se) {
		return h2Fault{code: se.Code, stream: true}, true
	}
	var ga http2.GoAwayError
	if errors.As(err, &ga) {
		return h2Fault{code: ga.ErrCode}, true
	}
	var ce http2.ConnectionError
	if errors.As(err, &ce) {
		return h2Fault{code: http2.ErrCode(ce), local: true}, true
	}
	return h2Fault{}, false
}

// errnoKind is what an operating system's error number means here.
type errnoKind uint8

const (
	errnoNone        errnoKind = iota
	errnoReset                 // the peer or something on the way ended the connection
	errnoRefused               // nobody listens there: asking again brings the same answer
	errnoUnreachable           // no way there, or none allowed
	errnoTimeout               // retransmissions gave up, or TCP_USER_TIMEOUT
	errnoLimit                 // this machine is out of something
)

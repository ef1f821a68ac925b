package retry

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"testing"

	"golang.org/x/net/http2"
)

// Errors of other layers, as they look from here.

type h2Error struct {
	code                                         http2.ErrCode
	hasCode, local, conn, sent, unprocessed, max bool
	err                                          error
}

func (e *h2Error) Error() string             { return "h2" }
func (e *h2Error) Unwrap() error             { return e.err }
func (e *h2Error) RequestSent() bool         { return e.sent }
func (e *h2Error) Unprocessed() bool         { return e.unprocessed }
func (e *h2Error) HTTP2Code() (uint32, bool) { return uint32(e.code), e.hasCode }
func (e *h2Error) HTTP2Local() bool          { return e.local }
func (e *h2Error) HTTP2Stream() bool         { return !e.conn }
func (e *h2Error) LimitExceeded() bool       { return e.max }

type alertError uint8

func (e alertError) Error() string   { return "alert" }
func (e alertError) TLSAlert() uint8 { return uint8(e) }

// hiddenAlert is like crypto/tls's alert: a number of a type without a name.
type hiddenAlert uint8

func (hiddenAlert) Error() string { return "tls: something" }

type proxyError struct {
	status int
	after  string
}

func (e *proxyError) Error() string      { return "proxy" }
func (e *proxyError) ProxyStatus() int   { return e.status }
func (e *proxyError) RetryAfter() string { return e.after }

type socksError byte

func (e socksError) Error() string    { return "socks" }
func (e socksError) SOCKSReply() byte { return byte(e) }

type timeoutError struct{}

func (timeoutError) Error() string { return "slow" }
func (timeoutError) Timeout() bool { return true }

type codingError struct{ err error }

func (e *codingError) Error() string         { return "gzip" }
func (e *codingError) Unwrap() error         { return e.err }
func (e *codingError) ContentCoding() string { return "gzip" }

type declaredError string

func (e declaredError) Error() string        { return "declared" }
func (e declaredError) FailureClass() string { return string(e) }

func opError(op string, errno syscall.Errno) error {
	return &net.OpError{Op: op, Net: "tcp", Err: os.NewSyscallError("syscall", errno)}
}

func alertOverTCP(n uint8) error {
	return &net.OpError{Op: "remote error", Err: hiddenAlert(n)}
}

// row is a condition that can arise, and what must follow from it.
type row struct {
	name  string
	phase Phase
	err   error
	facts string // s: sent, r: reused, a: answered
	class Class
	want  Decision
}

func (r row) failure() Failure {
	f := Failure{Phase: r.phase, Err: r.err}
	for _, c := range r.facts {
		switch c {
		case 's':
			f.Sent = true
		case 'r':
			f.Reused = true
		case 'a':
			f.Answered = true
		}
	}
	return f
}

func rows() []row {
	var rows []row
	add := func(name string, phase Phase, err error, facts string, class Class, want Decision) {
		rows = append(rows, row{name, phase, err, facts, class, want})
	}
	queue := fmt.Errorf("3 of 3 held: %w", context.DeadlineExceeded)
	add("no slot", PhaseQueue, queue, "", Queue, Never)
	add("no slot, caller left", PhaseQueue, fmt.Errorf("3 of 3 held: %w", context.Canceled), "", Canceled, Never)

	add("NXDOMAIN", PhaseDNS, &net.DNSError{IsNotFound: true}, "", NameNotFound, Never)
	add("NXDOMAIN within a dial", PhaseDial, &net.OpError{Op: "dial", Err: &net.DNSError{IsNotFound: true}}, "", NameNotFound, Never)
	add("DNS time-out", PhaseDNS, &net.DNSError{IsTimeout: true}, "", NameTemporary, Any)
	add("DNS server failure", PhaseDNS, &net.DNSError{IsTemporary: true}, "", NameTemporary, Any)
	add("DNS server answers nonsense", PhaseDNS, &net.DNSError{}, "", NameTemporary, AnyOnce)
	add("DNS server's port closed", PhaseDNS, opError("read", osECONNREFUSED), "", NameTemporary, Any)
	add("DNS out of descriptors", PhaseDNS, &net.DNSError{UnwrapErr: opError("dial", osEMFILE)}, "", LocalLimit, Any)
	add("DNS deadline", PhaseDNS, os.ErrDeadlineExceeded, "", NameTemporary, Any)

	add("port refused", PhaseDial, opError("dial", osECONNREFUSED), "", Refused, Any)
	add("host unreachable", PhaseDial, opError("dial", osEHOSTUNREACH), "", Refused, Any)
	add("network unreachable", PhaseDial, opError("dial", osENETUNREACH), "", Refused, Any)
	add("RST at accept, dial", PhaseDial, opError("dial", osECONNRESET), "", HandshakeReset, Any)
	add("RST at accept, tls", PhaseTLS, opError("read", osECONNRESET), "", HandshakeReset, Any)
	add("dial time-out", PhaseDial, &net.OpError{Op: "dial", Err: os.ErrDeadlineExceeded}, "", HandshakeTimeout, Any)
	add("SYN retransmissions", PhaseDial, opError("dial", osETIMEDOUT), "", HandshakeTimeout, Any)

	add("RST after ClientHello", PhaseTLS, opError("read", osECONNRESET), "", HandshakeReset, Any)
	add("FIN after ClientHello", PhaseTLS, io.EOF, "", HandshakeReset, Any)
	add("FIN inside a record", PhaseTLS, io.ErrUnexpectedEOF, "", HandshakeReset, Any)
	add("close_notify in a handshake", PhaseTLS, alertOverTCP(0), "", HandshakeReset, Any)
	add("user_canceled in a handshake", PhaseTLS, alertError(90), "", HandshakeReset, Any)
	add("middlebox drops the second segment", PhaseTLS, &net.OpError{Op: "read", Err: os.ErrDeadlineExceeded}, "", HandshakeTimeout, Any)
	add("handshake stalls", PhaseTLS, context.DeadlineExceeded, "", HandshakeTimeout, Any)
	add("handshake stalls, our error", PhaseTLS, timeoutError{}, "", HandshakeTimeout, Any)
	add("EPIPE writing the hello", PhaseTLS, opError("write", osEPIPE), "", HandshakeReset, Any)
	add("in-memory pipe closed", PhaseTLS, io.ErrClosedPipe, "", HandshakeReset, Any)
	add("plain HTTP on a TLS port", PhaseTLS, tls.RecordHeaderError{Msg: "first record does not look like a TLS handshake"}, "", NotTLS, Never)
	add("https given for an http proxy", PhaseProxy, tls.RecordHeaderError{}, "", NotTLS, Never)
	for _, n := range []uint8{40, 70, 47, 71, 112, 120} {
		add(fmt.Sprintf("alert %d over TCP", n), PhaseTLS, alertOverTCP(n), "", Alert, Never)
		add(fmt.Sprintf("alert %d", n), PhaseTLS, alertError(n), "", Alert, Never)
		add(fmt.Sprintf("alert %d, local", n), PhaseTLS, fmt.Errorf("why: %w", tls.AlertError(n)), "", Alert, Never)
	}
	add("alert 80 over TCP", PhaseTLS, alertOverTCP(80), "", Alert, AnyOnce)
	add("alert 80", PhaseTLS, alertError(80), "", Alert, AnyOnce)
	add("alert 80, request sent", PhaseHeaders, alertError(80), "s", Alert, Never)
	for name, err := range map[string]error{
		"verification":    &tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}},
		"unknown CA":      x509.UnknownAuthorityError{},
		"wrong name":      x509.HostnameError{Certificate: new(x509.Certificate)},
		"expired":         x509.CertificateInvalidError{Reason: x509.Expired},
		"no system roots": x509.SystemRootsError{},
		"critical":        x509.UnhandledCriticalExtension{},
	} {
		add("certificate: "+name, PhaseTLS, fmt.Errorf("verify: %w", err), "", Certificate, Never)
		add("proxy certificate: "+name, PhaseProxy, err, "", Certificate, Never)
	}
	add("client certificate wanted", PhaseHeaders, alertOverTCP(116), "s", Alert, Never)
	add("protocol not offered", PhaseTLS, declaredError(Alert), "", Alert, Never)
	add("PSK and HelloRetryRequest", PhaseTLS, errors.New("utls: cannot"), "", Unknown, AnyOnce)
	add("our own socket closed in a handshake", PhaseTLS, &net.OpError{Op: "read", Err: net.ErrClosed}, "", Canceled, Never)

	add("proxy closes before its status", PhaseProxy, io.EOF, "", ProxyReset, Any)
	add("proxy resets before its status", PhaseProxy, opError("read", osECONNRESET), "", ProxyReset, Any)
	add("proxy stalls", PhaseProxy, os.ErrDeadlineExceeded, "", HandshakeTimeout, Any)
	add("proxy's port refused", PhaseProxy, opError("dial", osECONNREFUSED), "", Refused, Any)
	for status, want := range map[int]Decision{407: Never, 403: Never, 400: Never, 404: Never, 500: Never, 429: Any, 502: Any, 503: Any, 504: Any} {
		add(fmt.Sprintf("CONNECT %d", status), PhaseProxy, &proxyError{status: status}, "", ProxyRefused, want)
	}
	for reply, want := range map[byte]Decision{1: Any, 3: Any, 4: Any, 5: Any, 6: Any, 2: Never, 7: Never, 8: Never, 91: Any, 93: Never, 255: Never} {
		add(fmt.Sprintf("SOCKS reply %d", reply), PhaseProxy, socksError(reply), "", ProxyRefused, want)
	}

	for _, errno := range []syscall.Errno{osEMFILE, osENFILE, osEADDRNOTAVAIL} {
		add("local limit: "+errno.Error(), PhaseDial, opError("dial", errno), "", LocalLimit, Any)
	}

	add("stale connection, FIN", PhaseHeaders, io.EOF, "sr", StaleConnection, Idempotent)
	add("stale connection, RST", PhaseHeaders, opError("read", osECONNRESET), "sr", StaleConnection, Idempotent)
	add("stale connection, nothing written", PhaseWrite, opError("write", osEPIPE), "r", StaleConnection, Any)
	add("stale connection, closed by us", PhaseWrite, net.ErrClosed, "r", StaleConnection, Any)
	add("stale connection, close_notify", PhaseHeaders, alertOverTCP(0), "sr", StaleConnection, Idempotent)
	add("answer begun on a reused connection", PhaseHeaders, io.ErrUnexpectedEOF, "sra", ConnectionLost, Idempotent)
	add("FIN after the request", PhaseHeaders, io.EOF, "s", ConnectionLost, Idempotent)
	add("RST after the request", PhaseHeaders, opError("read", osECONNRESET), "s", ConnectionLost, Idempotent)
	add("RST before anything was written", PhaseWrite, opError("write", osECONNRESET), "", ConnectionLost, Any)
	add("header time-out", PhaseHeaders, os.ErrDeadlineExceeded, "s", HeaderTimeout, IdempotentOnce)
	add("write stalls before a byte left", PhaseWrite, os.ErrDeadlineExceeded, "", HeaderTimeout, AnyOnce)

	add("body cut", PhaseBody, io.ErrUnexpectedEOF, "sa", BodyCut, Never)
	add("body reset", PhaseBody, opError("read", osECONNRESET), "sa", BodyCut, Never)
	add("body cut, h2 RST", PhaseBody, &h2Error{code: http2.ErrCodeInternal, hasCode: true, sent: true}, "a", BodyCut, Never)
	add("content-length not reached, h2", PhaseBody, &h2Error{code: 1, hasCode: true, local: true, sent: true, err: io.ErrUnexpectedEOF}, "a", BodyCut, Never)
	add("body cut under a decoder", PhaseBody, &codingError{&h2Error{code: 8, hasCode: true, sent: true}}, "sa", BodyCut, Never)
	add("body silent", PhaseBody, timeoutError{}, "sa", BodyTimeout, Never)

	add("REFUSED_STREAM", PhaseHeaders, &h2Error{code: http2.ErrCodeRefusedStream, hasCode: true, sent: true}, "", NotProcessed, Any)
	add("REFUSED_STREAM of net/http", PhaseHeaders, fmt.Errorf("x: %w", http2.StreamError{Code: http2.ErrCodeRefusedStream}), "s", NotProcessed, Any)
	add("GOAWAY, stream above the last", PhaseHeaders, &h2Error{hasCode: true, conn: true, sent: true, unprocessed: true}, "", NotProcessed, Any)
	add("GOAWAY, stream included", PhaseHeaders, &h2Error{hasCode: true, conn: true, sent: true, err: io.EOF}, "", ConnectionLost, Idempotent)
	add("GOAWAY, stream included, body", PhaseBody, &h2Error{hasCode: true, conn: true, sent: true, err: io.EOF}, "a", ConnectionLost, Idempotent)
	add("GOAWAY of x/net", PhaseHeaders, http2.GoAwayError{ErrCode: http2.ErrCodeProtocol}, "s", ConnectionLost, Idempotent)
	for _, code := range []http2.ErrCode{http2.ErrCodeInternal, http2.ErrCodeProtocol, http2.ErrCodeEnhanceYourCalm, http2.ErrCodeCancel} {
		add("RST_STREAM "+code.String(), PhaseHeaders, &h2Error{code: code, hasCode: true, sent: true}, "", StreamReset, Idempotent)
		add("RST_STREAM of x/net "+code.String(), PhaseHeaders, http2.StreamError{Code: code}, "s", StreamReset, Idempotent)
	}
	add("HTTP_1_1_REQUIRED", PhaseHeaders, &h2Error{code: http2.ErrCodeHTTP11Required, hasCode: true, sent: true}, "", NotProcessed, Any)
	for _, code := range []http2.ErrCode{http2.ErrCodeFrameSize, http2.ErrCodeFlowControl, http2.ErrCodeProtocol, http2.ErrCodeCompression} {
		e := h2Error{code: code, hasCode: true, local: true, conn: true}
		sent := e
		sent.sent = true
		add("peer breaks the protocol, unsent "+code.String(), PhaseHeaders, &e, "", Protocol, Any)
		add("peer breaks the protocol, sent "+code.String(), PhaseHeaders, &sent, "", Protocol, Idempotent)
		add("peer breaks the protocol, body "+code.String(), PhaseBody, &sent, "a", Protocol, Idempotent)
	}
	add("connection error of x/net", PhaseHeaders, http2.ConnectionError(http2.ErrCodeProtocol), "s", Protocol, Idempotent)
	add("ping unanswered", PhaseHeaders, &h2Error{conn: true, sent: true, err: timeoutError{}}, "", ConnectionLost, Idempotent)
	add("ping unanswered, unsent", PhaseWrite, &h2Error{conn: true, err: timeoutError{}}, "", ConnectionLost, Any)
	add("ping unanswered, body", PhaseBody, &h2Error{conn: true, sent: true, err: timeoutError{}}, "a", ConnectionLost, Idempotent)
	add("TCP_USER_TIMEOUT", PhaseHeaders, opError("read", osETIMEDOUT), "s", ConnectionLost, Idempotent)
	add("TCP_USER_TIMEOUT, body", PhaseBody, opError("read", osETIMEDOUT), "sa", ConnectionLost, Idempotent)
	add("header list over the limit", PhaseHeaders, &h2Error{code: http2.ErrCodeProtocol, hasCode: true, local: true, max: true, sent: true}, "", Protocol, Never)
	add("flood", PhaseHeaders, &h2Error{code: http2.ErrCodeEnhanceYourCalm, hasCode: true, local: true, conn: true, sent: true}, "", Protocol, Never)
	add("broken coding", PhaseBody, &codingError{io.ErrUnexpectedEOF}, "sa", Encoding, Never)
	add("redirect loop", PhaseHeaders, declaredError(Redirect), "sa", Redirect, Never)
	add("bad input", "", declaredError(Invalid), "", Invalid, Never)
	for _, phase := range []Phase{PhaseQueue, PhaseDNS, PhaseDial, PhaseProxy, PhaseTLS, PhaseWrite, PhaseHeaders, PhaseBody, ""} {
		add("canceled in "+string(phase), phase, fmt.Errorf("x: %w", context.Canceled), "s", Canceled, Never)
		add("canceled under a flag in "+string(phase), phase, &h2Error{hasCode: true, unprocessed: true, err: context.Canceled}, "", Canceled, Never)
	}

	add("nothing known: no phase, EOF", "", io.EOF, "", Unknown, Never)
	add("nothing known: no error", PhaseTLS, nil, "", Unknown, AnyOnce)
	add("nothing known: sent", PhaseHeaders, errors.New("malformed"), "s", Unknown, Never)
	add("no phase, dial", "", opError("dial", osECONNREFUSED), "", Refused, Any)
	add("no phase, proxyconnect", "", &net.OpError{Op: "proxyconnect", Err: io.EOF}, "", ProxyReset, Any)
	add("no phase, sent", "", io.EOF, "s", ConnectionLost, Idempotent)
	add("no phase, name", "", &net.DNSError{IsNotFound: true}, "", NameNotFound, Never)
	add("no phase, certificate", "", x509.UnknownAuthorityError{}, "", Certificate, Never)
	add("text says EOF, type does not", PhaseTLS, errors.New("unexpected EOF: connection reset by peer"), "", Unknown, AnyOnce)
	return rows
}

func TestTable(t *testing.T) {
	for _, r := range rows() {
		t.Run(r.name, func(t *testing.T) {
			f := r.failure()
			class := Classify(f)
			if class != r.class {
				t.Errorf("Classify = %v, want %v", class, r.class)
			}
			if got := Decide(class, f); got != r.want {
				t.Errorf("Decide = %v, want %v", got, r.want)
			}
		})
	}
}

// A failure that may have been sent never allows every method, whatever it is,
// unless the server vouches for not having processed it.
func TestSentIsNeverAny(t *testing.T) {
	for _, r := range rows() {
		f := r.failure()
		f.Sent = true
		class := Classify(f)
		if d := Decide(class, f); (d == Any || d == AnyOnce) && class != NotProcessed {
			t.Errorf("%s, sent: %v for class %v", r.name, d, class)
		}
	}
}

func TestStatuses(t *testing.T) {
	for _, c := range []struct {
		status int
		listed []int
		class  Class
		want   Decision
	}{
		{421, nil, NotProcessed, AnyOnce},
		{425, nil, Unknown, Any},
		{407, nil, Unknown, Never},
		{429, nil, Unknown, Never},
		{503, nil, Unknown, Never},
		{429, []int{429, 503}, Unknown, Idempotent},
		{503, []int{429, 503}, Unknown, Idempotent},
		{502, []int{429, 503}, Unknown, Never},
		{200, nil, Unknown, Never},
	} {
		class, got := DecideStatus(c.status, c.listed)
		if class != c.class || got != c.want {
			t.Errorf("DecideStatus(%d, %v) = %v, %v; want %v, %v", c.status, c.listed, class, got, c.class, c.want)
		}
	}
}

func TestEveryClassIsExplained(t *testing.T) {
	seen := map[string]Class{}
	for _, c := range append(Classes(), Unknown) {
		text := c.Describe()
		if text == "" || c != Unknown && text == Unknown.Describe() {
			t.Errorf("%v has no explanation", c)
		}
		if other, ok := seen[text]; ok {
			t.Errorf("%v and %v are explained alike: %q", c, other, text)
		}
		seen[text] = c
	}
	if got, want := HandshakeReset.Describe(), "peer closed the connection (curl calls this SSL_ERROR_SYSCALL)"; got != want {
		t.Errorf("HandshakeReset: %q, want %q", got, want)
	}
	covered := map[Class]bool{}
	for _, r := range rows() {
		covered[r.class] = true
	}
	for _, c := range Classes() {
		if !covered[c] {
			t.Errorf("no row of the table leads to %v", c)
		}
	}
}

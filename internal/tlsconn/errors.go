package tlsconn

import (
	"crypto/tls"
	"errors"
	"net"
	"reflect"

	utls "github.com/refraction-networking/utls"

	"github.com/mien-http/mien/retry"
)

// AlertError is a TLS alert (RFC 8446 §6) that ended a handshake or a
// connection: sent by the server, or raised on this side because of what the
// server did.
type AlertError struct {
	Alert  tls.AlertError // the alert itself
	Remote bool           // the server sent it
	Reason error          // what this side found wrong; nil if Remote
}

// Error names the side that sent the alert, and why it did if that is known.
func (e *AlertError) Error() string {
	if e.Remote {
		return "remote error: " + e.Alert.Error()
	}
	if e.Reason != nil {
		return "local error: " + e.Alert.Error() + ": " + e.Reason.Error()
	}
	return "local error: " + e.Alert.Error()
}

// Unwrap returns Alert, so that errors.As finds a tls.AlertError.
func (e *AlertError) Unwrap() error { return e.Alert }

// TLSAlert returns the alert's number.
func (e *AlertError) TLSAlert() uint8 { return uint8(e.Alert) }

// localError is what a part of Config.TLS that is the caller's own failed with,
// through no fault of the server's.
type localError struct {
	field string
	err   error
}

func (e *localError) Error() string { return "tls.Config." + e.field + ": " + e.err.Error() }

// Unwrap returns the error as the callback gave it.
func (e *localError) Unwrap() error { return e.err }

// FailureClass says that another attempt would fail in the same way, and says
// nothing of the server.
func (e *localError) FailureClass() string { return string(retry.Invalid) }

// errFreshHello is the error of a handshake in which the server answered an
// offered ticket with a HelloRetryRequest.
var errFreshHello = errors.New("tlsconn: HelloRetryRequest in answer to a ticket: a new connection without it is needed")

// NeedsFreshHello reports whether err, from Client, means that the handshake
// failed only because it offered a ticket: uTLS cannot recompute its binder for
// the second hello that the server asked for. The ticket key is remembered in
// Tickets, so that a new call of Client offers none and can succeed. It is no
// failure of the server's.
func NeedsFreshHello(err error) bool { return errors.Is(err, errFreshHello) }

// explain turns what uTLS returned for a failed handshake into what Client
// returns. Order matters: our own findings are facts, uTLS's are consequences.
func (h *handshake) explain(err error) error {
	switch {
	case h.tap.fresh:
		h.cfg.Tickets.refuse(h.cfg.TicketKey)
		return errFreshHello
	case h.verify != nil && h.verify.err != nil:
		return h.verify.err
	case h.tap.fault != nil:
		return h.tap.fault
	case h.tap.ioErr != nil && errors.Is(err, h.tap.ioErr):
		return err
	}
	if converted, ok := convert(err); ok {
		return converted
	}
	if h.tap.localAlert != noAlert {
		return &AlertError{Alert: tls.AlertError(h.tap.localAlert), Reason: err}
	}
	return err
}

// utlsPath is the import path that the types of uTLS carry.
var utlsPath = reflect.TypeFor[utls.Conn]().PkgPath()

// convertError turns a uTLS error into crypto/tls's. Others are returned as
// they are.
func convertError(err error) error {
	if converted, ok := convert(err); ok {
		return converted
	}
	return err
}

// convert reports whether err holds an error of uTLS's, and returns its
// counterpart.
func convert(err error) (error, bool) {
	var header utls.RecordHeaderError
	if errors.As(err, &header) {
		// Conn is left out: it is the tap, and it is closed or about to be.
		return tls.RecordHeaderError{Msg: header.Msg, RecordHeader: header.RecordHeader}, true
	}
	var cert *utls.CertificateVerificationError
	if errors.As(err, &cert) {
		return &tls.CertificateVerificationError{UnverifiedCertificates: cert.UnverifiedCertificates, Err: cert.Err}, true
	}
	var op *net.OpError
	if errors.As(err, &op) {
		// uTLS, as crypto/tls, marks the side in Op.
		n, ok := alertNumber(op.Err)
		return &AlertError{Alert: tls.AlertError(n), Remote: op.Op == "remote error"}, ok
	}
	n, ok := alertNumber(err)
	return &AlertError{Alert: tls.AlertError(n)}, ok
}

// alertNumber returns the number of an alert of uTLS's, whose type over TCP is
// not exported. It is an integer of eight bits.
func alertNumber(err error) (uint8, bool) {
	v := reflect.ValueOf(err)
	if !v.IsValid() || v.Kind() != reflect.Uint8 || v.Type().PkgPath() != utlsPath {
		return 0, false
	}
	return uint8(v.Uint()), true
}

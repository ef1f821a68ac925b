package egress

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"reflect"
	"strconv"
	"time"

	"github.com/mien-http/mien/retry"
)

// Error says at which step a dial failed. It unwraps to the cause and names no
// credentials.
type Error struct {
	Phase retry.Phase // dns, dial or proxy
	Proxy string      // host:port of the proxy involved, "" if none
	Err   error       // the cause
}

func (e *Error) Error() string {
	if e.Proxy == "" {
		return e.Err.Error()
	}
	return "proxy " + e.Proxy + ": " + e.Err.Error()
}

func (e *Error) Unwrap() error { return e.Err }

// A ProxyError is the answer to CONNECT of a proxy that opened no tunnel. Its
// text is made of the status code alone: whatever else the proxy wrote may
// repeat what it was sent, credentials included.
type ProxyError struct {
	Proxy  string      // host:port
	Status int         // HTTP status code
	Header http.Header // as the proxy sent it

	// BodyPrefix is the beginning of the answer's body, at most 512 bytes of
	// what came within half a second, with our credentials made unreadable.
	BodyPrefix []byte
}

func (e *ProxyError) Error() string {
	s := "CONNECT was answered with status " + strconv.Itoa(e.Status)
	if text := http.StatusText(e.Status); text != "" {
		s += " (" + text + ")"
	}
	return s
}

// ProxyStatus returns Status.
func (e *ProxyError) ProxyStatus() int { return e.Status }

// RetryAfter returns the Retry-After field of the answer, "" if there is none.
func (e *ProxyError) RetryAfter() string { return e.Header.Get("Retry-After") }

// socksAuthRefused is the Reply of a SOCKSError about authentication: the "no
// acceptable methods" of RFC 1928 §3, and no reply code of §6.
const socksAuthRefused = 0xff

// A SOCKSError is a refusal by a SOCKS proxy.
type SOCKSError struct {
	Proxy   string // host:port
	Version int    // 4 or 5

	// Reply is the code: for version 5 that of RFC 1928 §6, or 255 if the proxy
	// did not accept our authentication; for version 4 from 91 to 93, or
	// whatever else is not 90. It is never 0.
	Reply byte
}

func (e *SOCKSError) Error() string {
	if text := socksReplies[socksReply{e.Version, e.Reply}]; text != "" {
		return fmt.Sprintf("SOCKS%d: %s (reply %d)", e.Version, text, e.Reply)
	}
	return fmt.Sprintf("SOCKS%d: refused with reply %d", e.Version, e.Reply)
}

// SOCKSReply returns Reply.
func (e *SOCKSError) SOCKSReply() byte { return e.Reply }

type socksReply struct {
	version int
	code    byte
}

// socksReplies says what RFC 1928 §6 and the SOCKS4 memorandum mean.
var socksReplies = map[socksReply]string{
	{5, 1}:                "general failure",
	{5, 2}:                "not allowed by the proxy's rules",
	{5, 3}:                "network unreachable",
	{5, 4}:                "host unreachable",
	{5, 5}:                "connection refused",
	{5, 6}:                "TTL expired",
	{5, 7}:                "command not supported",
	{5, 8}:                "address type not supported",
	{5, socksAuthRefused}: "authentication refused",
	{4, 91}:               "rejected or failed",
	{4, 92}:               "the proxy found no identd on this host",
	{4, 93}:               "identd names another user",
}

// An AnswerError is an answer that is not in the proxy's protocol.
type AnswerError struct {
	Proxy  string // host:port
	Reason string // what is wrong with it
	Prefix []byte // at most the first 16 bytes; nil where they do not matter

	limit bool
}

func (e *AnswerError) Error() string {
	s := "the answer " + e.Reason
	if len(e.Prefix) > 0 {
		s += fmt.Sprintf(": it begins with %q; is the proxy's scheme right?", e.Prefix)
	}
	return s
}

// FailureClass is Protocol.
func (e *AnswerError) FailureClass() string { return string(retry.Protocol) }

// LimitExceeded reports whether the answer was longer than we read.
func (e *AnswerError) LimitExceeded() bool { return e.limit }

// A RouteError is a Route, or a destination on it, that cannot be dialled:
// nothing was. Its text holds no part of a proxy's URL but the scheme, since in
// a URL that was put together wrongly a password can stand anywhere.
type RouteError struct {
	Index  int    // of the proxy in the route, from 0; -1: the destination
	Reason string // what is wrong
}

func (e *RouteError) Error() string {
	if e.Index < 0 {
		return "destination: " + e.Reason
	}
	return fmt.Sprintf("proxy %d of the route: %s", e.Index+1, e.Reason)
}

// FailureClass is Invalid.
func (e *RouteError) FailureClass() string { return string(retry.Invalid) }

// familyError: the local address and those of the host cannot meet.
type familyError struct {
	host  string
	local netip.Addr // zero: the host's are of no family
}

func (e *familyError) Error() string {
	if !e.local.IsValid() {
		return "no valid address for " + e.host
	}
	family := "IPv6"
	if e.local.Unmap().Is4() {
		family = "IPv4"
	}
	return fmt.Sprintf("Config.LocalAddr is %v, and %s has no %s address", e.local, e.host, family)
}

// FailureClass is Invalid: another try would find the same.
func (e *familyError) FailureClass() string { return string(retry.Invalid) }

// alertError is an alert on the TLS connection to a proxy, by its number.
type alertError struct {
	err   error
	alert uint8
}

func (e *alertError) Error() string   { return e.err.Error() }
func (e *alertError) Unwrap() error   { return e.err }
func (e *alertError) TLSAlert() uint8 { return e.alert }

// withAlert makes err an alertError if it is an alert. crypto/tls does not
// export the alert's type, but its kind is that of a number.
func withAlert(err error) error {
	var op *net.OpError
	if errors.As(err, &op) && (op.Op == "remote error" || op.Op == "local error") {
		if v := reflect.ValueOf(op.Err); v.Kind() == reflect.Uint8 {
			return &alertError{err, uint8(v.Uint())}
		}
	}
	return err
}

// attemptErrors are the failures of several addresses, the first to fail
// first. The first one speaks for all; errors.Is and errors.As see each.
type attemptErrors []error

func (e attemptErrors) Error() string {
	return fmt.Sprintf("%v (%d addresses failed)", e[0], len(e))
}

func (e attemptErrors) Unwrap() []error { return e }

// timeoutError is a limit of ours that ran out.
type timeoutError struct {
	what  string
	after time.Duration
}

func (e *timeoutError) Error() string { return fmt.Sprintf("%s timed out after %v", e.what, e.after) }
func (e *timeoutError) Timeout() bool { return true }
func (e *timeoutError) Is(target error) bool {
	return target == context.DeadlineExceeded
}

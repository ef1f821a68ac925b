package otel

import (
	"net/http"
	"slices"
	"strconv"

	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"

	"github.com/mien-http/mien"
	"github.com/mien-http/mien/retry"
)

// knownMethods are those of RFC 9110 §9, PATCH (RFC 5789) and QUERY, as the
// conventions list them.
var knownMethods = []string{"CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "QUERY", "TRACE"}

// Attributes of our own; see the package's documentation.
const (
	keyProxy     = attribute.Key("mien.proxy")
	keyBytesRead = attribute.Key("mien.response.bytes_read")
	keyPhase     = attribute.Key("mien.phase")
	keySent      = attribute.Key("mien.request.sent")
	keyAlert     = attribute.Key("mien.tls.alert")
	keyReason    = attribute.Key("mien.retry.reason")
	keyRetryOf   = attribute.Key("mien.retry.of")
	keyAttempt   = attribute.Key("mien.retry.attempt")
	keyWait      = attribute.Key("mien.retry.wait")
	keyDuration  = attribute.Key("mien.phase.duration")
)

// methodOf is the method of req if it is a known one, else "_OTHER", and the
// method as the caller wrote it.
func (o *Observer) methodOf(req *http.Request) (method attribute.KeyValue, original string) {
	original = http.MethodGet
	if req != nil && req.Method != "" {
		original = req.Method
	}
	if !slices.Contains(o.methods, original) {
		return semconv.HTTPRequestMethodOther, original
	}
	return semconv.HTTPRequestMethodKey.String(original), original
}

// errorType is the class of a failure.
func errorType(class retry.Class) attribute.KeyValue {
	if class == retry.Unknown {
		return semconv.ErrorTypeOther
	}
	return semconv.ErrorTypeKey.String(string(class))
}

// failure is the error.type of a hop: its class, or a status that says that
// something is wrong. It reports false if nothing is.
func failure(info *mien.RequestInfo) (attribute.KeyValue, bool) {
	switch {
	case info.Err != nil:
		return errorType(info.Err.Class), true
	case info.Status >= http.StatusBadRequest && info.Status < 600:
		return semconv.ErrorTypeKey.String(strconv.Itoa(info.Status)), true
	}
	return attribute.KeyValue{}, false
}

// version is the protocol's as the conventions write it. A peer can write any
// HTTP/1 version it likes; one that does not exist is "".
func version(proto string) string {
	switch proto {
	case "HTTP/1.0":
		return "1.0"
	case "HTTP/1.1":
		return "1.1"
	case "HTTP/2.0":
		return "2"
	case "HTTP/3.0":
		return "3"
	}
	return ""
}

// resends counts how often the caller's request was sent again: attempts of this
// hop and redirects that led to it.
func resends(info *mien.RequestInfo) int {
	n := max(info.Attempts-1, 0)
	for r := info.Request; r != nil && r.Response != nil; r = r.Response.Request {
		n++
	}
	return n
}

// outcome appends how a hop ended.
func outcome(list []attribute.KeyValue, info *mien.RequestInfo) []attribute.KeyValue {
	if info.Status != 0 {
		list = append(list, semconv.HTTPResponseStatusCode(info.Status))
	}
	if v := version(info.Protocol); v != "" {
		list = append(list, semconv.NetworkProtocolVersion(v))
	}
	if kind, bad := failure(info); bad {
		list = append(list, kind)
	}
	return list
}

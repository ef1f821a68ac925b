package retry

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// ErrNotReplayable says that a request has a body and no GetBody to get it
// again from.
var ErrNotReplayable = errors.New("retry: the request's body cannot be rewound: GetBody is nil")

// IsIdempotent reports whether HTTP lets req be sent twice: its method is one
// of RFC 9110 §9.2.2 (GET, HEAD, OPTIONS, TRACE, PUT, DELETE; "" is GET), or
// it has an Idempotency-Key or X-Idempotency-Key field. The field counts by
// its presence: with a nil value it marks the request without being sent.
func IsIdempotent(req *http.Request) bool {
	switch req.Method {
	case "", http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace, http.MethodPut, http.MethodDelete:
		return true
	}
	for name := range req.Header {
		// A caller who cares for the case on the wire may have written it so.
		if strings.EqualFold(name, "Idempotency-Key") || strings.EqualFold(name, "X-Idempotency-Key") {
			return true
		}
	}
	return false
}

// Replayable reports whether req can be sent again after its body has been
// read: it has none, or has GetBody.
func Replayable(req *http.Request) bool {
	return !hasBody(req) || req.GetBody != nil
}

func hasBody(req *http.Request) bool {
	return req.Body != nil && req.Body != http.NoBody
}

// Rewind returns a request like req with its body at the start: a shallow copy
// with a body from GetBody, or req itself if it has no body. req is not
// changed, and its body is not closed. It fails with ErrNotReplayable, or with
// what GetBody failed with.
func Rewind(req *http.Request) (*http.Request, error) {
	if !hasBody(req) {
		return req, nil
	}
	if req.GetBody == nil {
		return nil, ErrNotReplayable
	}
	body, err := req.GetBody()
	if err != nil {
		return nil, fmt.Errorf("retry: rewinding the request's body: %w", err)
	}
	again := new(http.Request)
	*again = *req
	again.Body = body
	return again, nil
}

// Package retry decides what may be sent again after a failure, when, and how
// often.
//
// It tells failures apart by facts: which phase failed, whether a byte of the
// request can have left, what the error is by its type. It never reads an
// error's text. Classify names the condition, Decide says which requests may
// follow it, Policy sets the caps, Run puts the three together for one
// request, and Transport does all of it around any http.RoundTripper:
//
//	client := &http.Client{Transport: &retry.Transport{Base: base}}
//
// What may follow depends on what was sent. If nothing was, any request may be
// tried again. If something may have been, only a request that HTTP calls
// idempotent, or that its caller marked so, is (RFC 9110 §9.2.2). In both cases
// the body must be one that can be had again.
//
// Getting a connection and sending a request have caps of their own: see
// ConnectTracker and Policy. What repeats work of the origin, or follows a
// status, is kept within a share of the origin's requests: see Budget.
//
// # Cancellation
//
// Nothing here outlives its context. Transport gives a pause up at once when
// the context ends, and does not begin one that would outlast its deadline.
//
// # Limitations
//
// Transport paces each request by itself. Attempts of many requests to one
// origin that is down are not counted together, as whoever owns the connections
// can do with one ConnectTracker per origin.
package retry

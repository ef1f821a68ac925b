// Package otel reports what a [mien.Session] does to OpenTelemetry, by its
// semantic conventions for HTTP: a client span for each hop, and metrics.
//
// # Usage
//
//	o, err := otel.New(otel.Options{}) // the global providers
//	if err != nil { … }
//	defer o.Close()
//	s, err := mien.New(mien.Config{Hooks: o.Hooks()})
//	if err != nil { … }
//	o.Bind(s)
//
// The hooks make spans and what is counted as it happens; Bind lets a metrics
// reader see [mien.Session.Stats]. Each works without the other. Hooks of your
// own go beside it:
//
//	mien.Config{Hooks: mien.ChainHooks(o.Hooks(), mine)}
//
// A session has an Observer of its own; Options.Attributes tells several apart.
//
// # Spans
//
// A hop is one request and its response: a redirect that the session follows
// makes another. Its span is a child of the span in the request's context, begins
// with the call and ends with the response's body. It is named after the method
// and carries http.request.method, url.full, url.scheme, server.address,
// server.port, http.response.status_code, network.protocol.name and .version,
// http.request.resend_count (attempts and redirects) and error.type: the class of
// package retry ("_OTHER" for Unknown), or a status of 400 and above. Besides:
//
//	mien.proxy                host:port of the first proxy
//	mien.response.bytes_read  of the decoded body, by the caller
//	mien.phase                in which it failed
//	mien.request.sent         whether a failed request can have reached the origin
//	mien.tls.alert            received or sent
//	mien.retry.reason         why it was not tried again
//
// Events are the phases of the request (mien.phase.queue, .headers, .body, …) at
// their end, with mien.phase.duration in seconds, and mien.retry with the
// attempt that failed, its error.type and the wait.
//
// url.full has REDACTED in place of credentials and of the query's values that
// Options.SensitiveQuery names, and no fragment. Error texts, which may quote a
// URL, are not recorded.
//
// # Metrics
//
//	http.client.request.duration           histogram, as long as the span
//	http.client.active_requests            with a slot, until the body's end
//	http.client.open_connections           by http.connection.state; from Stats
//	mien.client.phase.duration             histogram, connections' dial and tls too
//	mien.client.handshakes                 TLS handshakes tried; error.type of those that failed
//	mien.client.retries                    by error.type, mien.retry.of: request or connection
//	mien.client.requests.queued            waiting for a slot; from Stats
//	mien.client.handshake.failure_ratio    of the last 60 seconds, 0 to 1; from Stats
//
// The number of series is bounded: Options.MaxOrigins origins get a
// server.address, in the order in which they are first met and for the life of
// the Observer; all others share "other", without a port.
//
// # Limitations
//
// No trace context is sent to the origin: no browser sends a traceparent field.
// Set it on the requests to your own services.
//
// Connections serve many requests, so their dials and handshakes are metrics and
// belong to no span. A connection counts as active while a request can be on it:
// of n connections with m requests on them, min(n, m).
//
// When the same *http.Request is sent several times at once, there are as many
// spans, and an event may be on another's.
package otel

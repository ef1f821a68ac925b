// Package prometheus shows what a [mien.Session] does as Prometheus metrics: the
// health of its handshakes, its queues and connections, and how long requests
// and their phases take.
//
// # Usage
//
//	c := prometheus.New(prometheus.Options{})
//	s, err := mien.New(mien.Config{Hooks: c.Hooks()})
//	if err != nil { … }
//	c.Bind(s)
//	registry.MustRegister(c) // of client_golang
//
// The hooks fill what is counted as it happens; Bind lets a scrape read
// [mien.Session.Stats]. Each works without the other. Hooks of your own go
// beside it:
//
//	mien.Config{Hooks: mien.ChainHooks(c.Hooks(), mine)}
//
// A session has a Collector of its own. Several are told apart by a label:
//
//	client_golang.WrapRegistererWith(client_golang.Labels{"session": "crawler"}, registry).MustRegister(c)
//
// # Metrics
//
// Of the whole session, from Stats:
//
//	mien_requests_in_flight                 requests that hold a slot
//	mien_requests_queued                    requests that wait for one
//	mien_oldest_request_age_seconds         age of the oldest in flight
//	mien_sockets_open
//	mien_handshake_failure_ratio            of the last 60 seconds, 0 to 1
//	mien_requests_total                     hops that were answered or failed
//	mien_requests_failed_total
//	mien_retries_total                      attempts beyond the first
//	mien_handshakes_total                   TLS handshakes tried
//	mien_handshakes_resumed_total
//	mien_handshakes_failed_total            {class}
//
// Per origin and proxy, from Stats:
//
//	mien_origin_connections                 {origin, proxy}
//	mien_origin_requests_in_flight          {origin, proxy}
//	mien_origin_requests_waiting            {origin, proxy} for a connection
//	mien_origin_handshaking                 {origin, proxy}
//	mien_origin_handshake_width             {origin, proxy} how many may be; 0: any number
//	mien_origin_handshake_failure_ratio     {origin, proxy}
//	mien_origin_latency_seconds             {origin, proxy, phase, percentile} over the last minute
//
// From the hooks:
//
//	mien_request_duration_seconds           {status, protocol} histogram
//	mien_phase_duration_seconds             {phase, outcome} histogram
//	mien_response_body_bytes                histogram, decoded, as read by the caller
//	mien_retry_causes_total                 {of, class}
//	mien_origin_requests_total              {origin, proxy, outcome}
//	mien_origin_handshakes_total            {origin, proxy, outcome}
//
// A class is one of package retry's, "Unknown" for the zero value. An outcome is
// "ok" or, of a phase, "failed", of a request or handshake, the class. A status
// is "1xx" to "5xx", or "none" if there was no response. Handshakes that ended
// because nobody waited for them any more have the outcome "Canceled" and are
// not among mien_handshakes_failed_total.
//
// # Labels
//
// No label holds a path, a query or a credential, and the number of series is
// bounded: Options.MaxOrigins pairs of origin and proxy get a name, in the order
// in which they are first met and for the life of the Collector, so that a
// counter never goes back; all others share the origin "other". Ratios, widths
// and latencies cannot be summed up and are left out for "other".
package prometheus

// Package compat holds the proof that mien works under what people use: widely
// used HTTP libraries, unmodified, with a [github.com/mien-http/mien.Session]
// underneath, against origins on loopback. It exports nothing.
//
// Each library has a test file. A library gets the session as it gets any other
// client: Session.Client where it takes an http.Client, the Session itself where
// it takes an http.RoundTripper. Every test ends with no request in flight and
// no socket open, all of them with no goroutine left.
//
// # Whose fields
//
// A header field that the caller sets is never overwritten, and to a session a
// library is the caller. These set fields that give them away:
//
//	resty v2          User-Agent
//	resty v3          User-Agent, Accept-Encoding
//	colly             User-Agent; Accept: */*, which makes a fetch of a page
//	connect, AWS SDK  User-Agent, Accept-Encoding and fields of their own
//	go-sse            Cache, which no browser knows
//
// A RoundTripper between library and session takes such fields away, see
// browserFields in the tests. What go-retryablehttp, oauth2 and coder/websocket
// set, a browser would send too. httputil.ReverseProxy passes its client's fields
// on.
//
// # Whose retries
//
// Handshakes and whatever else was not sent are the session's to try again, and
// a library sees none of it. Statuses such as 503 are the library's alone,
// because Retry.Statuses is empty unless set. Where a connection ends without an
// answer both try again, and attempts multiply: a GET under a library that tries
// three times is sent 3×4 times, a POST 3×1 times, if that library repeats it.
// Retry.MaxAttempts 1 leaves such requests to the library.
//
// Libraries know some errors by net/http's words: too many redirects, a wrong
// scheme, an invalid header. A session uses the same words. A certificate that
// does not verify they know by its type without unwrapping, and go-retryablehttp
// repeats it; a CheckRetry that finds a *mien.Error and says no ends that.
package compat

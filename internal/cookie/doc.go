// Package cookie keeps cookies as browsers do: RFC 6265bis (draft 20), with
// what Chromium and Firefox do where they differ from it or from one another.
//
// Bytes are kept. A value such as {"x":1}, one with commas, spaces or quotes,
// and one that is not ASCII or not even UTF-8 goes back as it came.
//
// The package knows no clock and makes no connection: now is passed in. A
// [Request] says what a cookie depends on beside its URL.
//
// # Limits
//
// Name and value together 4096 octets, an attribute's value 1024, 180 cookies
// per registrable domain, 3000 in all, 400 days. When a site has too many, those
// that are not Secure go first, then those unused the longest; when there are
// too many in all, the one unused the longest. Chromium purges 30 or 300 at once
// where this package drops one.
//
// # Where it differs from others
//
// Of the 222 cases of http-state (testdata/http-state.json), 197 come out as
// they are written there; docs/cookies.md goes through the other 25. Those
// expectations are of 2011, and browsers have changed since:
//
//   - A cookie without a name, "foo" or "=foo", is kept and sent as "foo" (21
//     cases). They expect it to be ignored; RFC 6265bis §5.6 and both browsers
//     keep it. (One whose value holds "=" is ignored, as in Chromium.)
//   - A control character makes the whole line void (2 cases). They expect it to
//     end the value.
//   - An empty Domain attribute behind another takes its place, so the cookie is
//     of the host alone (1 case). They expect the first to count.
//   - Percent-encoding in a path is not decoded (1 case, disabled there).
//
// Against RFC 6265bis: the registrable domain of a Domain attribute must be the
// host's, as in Chromium. Without LaxByDefault, a cookie without SameSite
// travels everywhere, as in Firefox. http to a loopback address or to localhost
// is as good as https, as in both.
//
// What a browser would do and this does not: Partitioned is read, but there is
// no page in a frame to partition by (a caller has [Request.Partition]); no
// third-party cookie is blocked; Priority is not read; the prefixes __Http- and
// __Host-Http- promise nothing beyond what __Host- does. A cookie that is set
// again keeps its time of creation, by the RFC and Firefox; Chromium renews it
// when the value changes, which shows in the order of cookies of equal paths.
package cookie

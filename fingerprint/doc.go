// Package fingerprint describes how browsers look on the wire, as data: their
// TLS ClientHello, how they open HTTP/2, and the head of every kind of request.
//
// # Usage
//
// A [Profile] comes from [Lookup], [Chrome], [Firefox], [Safari] or [Parse], and
// every part of it names its source. [FromJA3] makes one of fingerprint strings,
// which hold far less. Each call hands out a copy of its own:
//
//	p, err := fingerprint.Lookup("chrome-156-windows")
//	p.Identity[0].Value = "…"        // change it before use
//	err = p.Validate()               // still consistent?
//	b, err := json.Marshal(p)        // Parse reads it back
//
// [Profile.Head] gives the fields of one request in the browser's order. The other
// direction is [ParseClientHello] and [ParsePreface], which read what a client
// sent, and the digests that servers compute of it: JA3, JA4 and Akamai's.
//
// # A new browser
//
// Profiles are files: profiles/NAME.json. One that differs from another in a few
// parts names it as its "base" and holds the difference alone. Import of package
// capture makes one of a recorded browser; [Load] reads it at run time. A kind of
// request that was never recorded is named in Profile.Absent, and
// [Profile.Covers] refuses it.
//
// # Limitations
//
// What a request is has to be said: [Variant] tells those of one destination
// apart. A browser decides about the priority of some images by their place on the
// page; here the variant does. A page's own fields are mixed into Chromium's in the
// order that its hash table gives them, as inserted in the order of their names.
// HTTP/3 and CORS preflights are not described.
//
// The package uses the standard library only and opens no connection. Values are
// safe for concurrent reading.
package fingerprint

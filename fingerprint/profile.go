package fingerprint

// A Profile is what one browser build looks like on the wire, as data: the
// TLS ClientHello, the HTTP/2 connection, and the request head of each kind of
// request. Everything the wire gives an order is a slice.
//
// The zero value is not usable; take one from [Lookup], [Chrome] or [Firefox],
// or read one with [Parse]. A Profile is a plain value: Lookup hands each
// caller its own copy, and nothing in this module writes to one after a
// Session was made with it.
type Profile struct {
	// Name is how Lookup finds it: "chromium-156-linux".
	Name string `json:"name"`
	// Browser says which build this is.
	Browser Browser `json:"browser"`
	// TLS is the ClientHello and how it varies from connection to connection.
	TLS TLS `json:"tls"`
	// HTTP2 is how the browser opens and runs an HTTP/2 connection.
	HTTP2 HTTP2 `json:"http2"`
	// Identity holds what says who the browser is, one value for all header
	// lists: user-agent, accept-language, and the client hints of a Chromium.
	// Names are in lower case; a place without a value in a list takes it from here.
	Identity []HeaderField `json:"identity,omitempty"`
	// Headers holds one list per (wire, destination).
	Headers []HeaderList `json:"headers"`
	// Absent names kinds of request that the source never recorded. Head refuses
	// them rather than make up what the browser would have sent.
	Absent []Kind `json:"absent,omitempty"`
	// Digests are the fingerprints that the source of this profile reported:
	// the expectation to test against, never computed from this Profile.
	Digests Digests `json:"digests"`
	// Provenance says where each part comes from.
	Provenance Provenance `json:"provenance"`
	// Notes say where sources disagree and which was chosen, and what none of
	// them holds. A profile does not take over those of its base.
	Notes []string `json:"notes,omitempty"`
}

// Browser names a browser build and the identity it claims.
type Browser struct {
	// Brand is the name in the User-Agent client hints: "Google Chrome",
	// "Chromium", "Firefox".
	Brand string `json:"brand"`
	// Version is the full build version, "156.0.8078.79".
	Version string `json:"version"`
	// Platform is "Linux", "Windows", "macOS", "Android" or "iOS", as
	// Sec-CH-UA-Platform spells it.
	Platform string `json:"platform"`
	// Engine is "blink", "gecko", "webkit", or "okhttp" for that library.
	Engine string `json:"engine"`
}

// Major returns the digits of Version before the first dot.
func (b Browser) Major() string {
	for i := range len(b.Version) {
		if b.Version[i] == '.' {
			return b.Version[:i]
		}
	}
	return b.Version
}

// A Source is where a part of a Profile comes from.
type Source struct {
	// Kind is Captured, Derived, Published or Incomplete.
	Kind SourceKind `json:"kind"`
	// From names the capture, the algorithm or the publication.
	From string `json:"from"`
}

// SourceKind grades a Source, best first.
type SourceKind string

// The kinds of Source.
const (
	// Captured: recorded from that browser build.
	Captured SourceKind = "captured"
	// Derived: computed from a captured build by a rule that other captures confirm.
	Derived SourceKind = "derived"
	// Published: recorded and published by somebody else.
	Published SourceKind = "published"
	// Incomplete: from a digest that does not hold everything.
	Incomplete SourceKind = "incomplete"
)

// Provenance holds the Source of each part of a Profile.
type Provenance struct {
	TLS      Source `json:"tls"`      // of the ClientHello
	HTTP2    Source `json:"http2"`    // of the connection preface and habits
	Headers  Source `json:"headers"`  // of names, order and values
	Identity Source `json:"identity"` // User-Agent, brands, platform
}

// Digests are fingerprints in the forms that servers compute. An empty string
// means that it does not apply: a browser that permutes its extensions has no
// stable JA3.
type Digests struct {
	JA3        string `json:"ja3,omitempty"`         // MD5, hex
	JA4        string `json:"ja4,omitempty"`         // of a fresh hello offering h2
	JA4Resumed string `json:"ja4_resumed,omitempty"` // of a hello that offers a TLS 1.3 ticket
	Akamai     string `json:"akamai,omitempty"`      // SETTINGS|WINDOW_UPDATE|PRIORITY|pseudo-header order
}

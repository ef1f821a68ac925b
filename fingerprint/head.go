package fingerprint

// Destination is the Fetch standard's request destination, as Sec-Fetch-Dest
// spells it. "empty" is what fetch() and XMLHttpRequest send.
type Destination string

// The destinations of the Fetch standard that browsers send.
const (
	Document Destination = "document"
	Iframe   Destination = "iframe"
	Empty    Destination = "empty"
	Image    Destination = "image"
	Script   Destination = "script"
	Style    Destination = "style"
	Font     Destination = "font"
	Video    Destination = "video"
	Audio    Destination = "audio"

	// WebSocket is the opening handshake of a WebSocket over HTTP/1.1 (RFC 6455
	// §4.1). Not a destination of the Fetch standard: a header list names its
	// own Sec-Fetch-Dest where the browser sends one.
	WebSocket Destination = "websocket"
)

// Wire is what carries a request head.
type Wire string

// The wires that a browser writes different heads for.
const (
	OverHTTP2     Wire = "h2"        // HTTP/2 over TLS
	OverHTTP1     Wire = "http/1.1"  // HTTP/1.1 over TLS
	OverCleartext Wire = "cleartext" // HTTP/1.1 without TLS
)

// HeaderList is the field section of one kind of request, in wire order, with
// a place for every field that may occur in it.
type HeaderList struct {
	Wire        Wire        `json:"wire"`        // what carries it
	Destination Destination `json:"destination"` // of the requests it is for
	// Priority goes on the HEADERS frame; unused over HTTP/1.1.
	Priority Priority `json:"priority,omitzero"`
	// Priorities are those of variants that have another one.
	Priorities []VariantPriority `json:"priorities,omitempty"`
	Fields     []Field           `json:"fields"` // in wire order
}

// VariantPriority is the priority of some variants.
type VariantPriority struct {
	For      []Variant `json:"for"`      // the variants
	Priority Priority  `json:"priority"` // theirs
}

// Field is one place in a HeaderList.
type Field struct {
	// Name in the case that this wire uses. "*" is the place of all fields of
	// the caller's that have none of their own.
	Name string `json:"name"`
	// Value that the browser sends. Empty: a place for the value that
	// Profile.Identity has under this name, or else one that the caller or the
	// client fills in; without one nothing is sent.
	Value string `json:"value,omitempty"`
	// When limits the place to some requests. Of several places of one name that
	// apply the first is used, but one without a limit after all that have one; a
	// field that the caller set goes to the first of its places if none applies.
	When Condition `json:"when,omitempty"`
	// For limits the place to requests of these variants as well; none: all.
	For []Variant `json:"for,omitempty"`
	// Mix says whether the field is in Blink's table of header fields, which has
	// an order of its own; "": it is not.
	Mix Mixing `json:"mix,omitempty"`
}

// Condition says on which requests a Field applies.
type Condition string

// The conditions of a Field.
const (
	Always         Condition = ""
	UserActivation Condition = "user"    // a navigation that a user set off
	WithBody       Condition = "body"    // a request with content, or a method that wants some (POST, PUT, PATCH)
	WithContent    Condition = "content" // a request with at least one byte of content
	Direct         Condition = "direct"  // not reached by a redirect
	Redirected     Condition = "redirected"
	WithRange      Condition = "range" // the caller asks for a Range
	// CrossRedirected: a redirect led here from, or to, another origin.
	CrossRedirected Condition = "cross-redirected"
	// StorageAccess: a request to another site that carries its cookies, of
	// anything but a document.
	StorageAccess Condition = "storage-access"
	// Submitted: a form was submitted with POST; a redirect from there may have
	// made a GET of it.
	Submitted Condition = "submitted"
)

// Priority is the priority part of a HEADERS frame (RFC 9113 §5.3.2,
// deprecated there and still sent by browsers). The zero value sends none.
type Priority struct {
	Weight    uint16 `json:"weight,omitempty"`    // 1–256; 0: no priority fields on the frame
	Exclusive bool   `json:"exclusive,omitempty"` // the exclusive bit
	// Depend: each stream depends on the latest open stream of the same or a
	// higher weight (Chromium); otherwise on stream 0.
	Depend bool `json:"depend,omitempty"`
}

// HeaderField is one field line of a request, ready to be sent.
type HeaderField struct {
	Name  string `json:"name"`  // as it goes out, with Value
	Value string `json:"value"` // as it goes out
}

// Head is a request's field section: what goes on the wire, in order, without
// pseudo-header fields. Over HTTP/1.1 Host, Content-Length and
// Transfer-Encoding are places, with an empty Value, that the connection fills
// in; over HTTP/2 content-length is a field like the others.
type Head struct {
	Fields   []HeaderField // in wire order
	Priority Priority      // for the HEADERS frame; unused over HTTP/1.1
}

// HeadRequest is what [Profile.Head] needs to know of a request. Header must be
// valid already: names are tokens, values hold no CR, LF or NUL.
type HeadRequest struct {
	Wire           Wire        // what will carry the request
	Destination    Destination // "": Document
	Variant        Variant     // of the destination; "": the commonest
	Method         string      // "": GET
	UserActivation bool        // a user set off this navigation
	// Redirected: a redirect led here. Chromium and Firefox then move some
	// fields of a navigation.
	Redirected bool
	// Submitted: a POST led here, whatever redirects made of its method since.
	Submitted bool
	// Site is the value of Sec-Fetch-Site: "none", "same-origin", "same-site"
	// or "cross-site"; "": none.
	Site string
	// Mode is the value of Sec-Fetch-Mode; "": what the list says.
	Mode string
	// Credentials is the Fetch standard's credentials mode: "omit", "same-origin"
	// or "include"; "": what goes with Destination and Mode.
	Credentials string
	// ContentLength is the length of the content in bytes, 0 for a request
	// without content, -1 when it is unknown.
	ContentLength int64
	// Header holds the caller's fields and what the client adds (Cookie,
	// Referer, Origin). They replace the profile's values; a key with a nil
	// slice suppresses the profile's field. Content-Length, Host,
	// Transfer-Encoding and Trailer in it are ignored: framing is the client's.
	Header map[string][]string
	// Given names fields of Header in the order in which the page set them, for
	// browsers that keep it (Firefox); those it does not name come first, sorted.
	Given []string
	// Order, if set, is the order in which the fields go out, by name without
	// regard to case; fields it does not name keep the profile's order behind them.
	Order []string
}

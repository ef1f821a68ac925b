package fingerprint

// HTTP2 describes how a browser opens and runs an HTTP/2 connection (RFC 9113).
type HTTP2 struct {
	// Settings in the order of the SETTINGS frame that follows the preface.
	Settings []Setting `json:"settings,omitempty"`
	// WindowUpdate is the increment of the connection window sent after
	// SETTINGS; 0 sends none.
	WindowUpdate uint32 `json:"window_update"`
	// StreamWindowUpdate is the increment sent on every stream right after its
	// HEADERS (Firefox); 0 sends none.
	StreamWindowUpdate uint32 `json:"stream_window_update,omitempty"`
	// FirstStreamID is 1 for Chromium and 3 for Firefox.
	FirstStreamID uint32 `json:"first_stream_id"`
	// PseudoHeaders in order: ":method", ":authority", ":scheme", ":path".
	PseudoHeaders []string `json:"pseudo_headers"`
	// HPACK is how header fields are represented (RFC 7541 §6).
	HPACK HPACK `json:"hpack"`
	// StreamCredit and ConnCredit say when received bytes are credited back:
	// once this many bytes have been consumed since the last WINDOW_UPDATE.
	StreamCredit uint32 `json:"stream_credit"`
	ConnCredit   uint32 `json:"conn_credit"`
	// SmallCreditAfter, in milliseconds: consumed bytes are credited back however
	// few they are once this long has passed since the last WINDOW_UPDATE of the
	// same window (Chromium: 5,000). 0: never.
	SmallCreditAfter uint32 `json:"small_credit_after_ms,omitempty"`
	// EndWithData names methods whose requests, if they have no content, end with
	// an empty DATA frame instead of END_STREAM on HEADERS (Firefox: POST, PUT,
	// REPORT).
	EndWithData []string `json:"end_with_data,omitempty"`
	// CookieCrumbs: each cookie is a field line of its own (RFC 9113 §8.2.3;
	// Chromium and Firefox); otherwise they share one.
	CookieCrumbs bool `json:"cookie_crumbs,omitempty"`
	// GoAwayOnClose: the browser sends GOAWAY(NO_ERROR) before it closes (Firefox).
	GoAwayOnClose bool `json:"go_away_on_close,omitempty"`
}

// Setting is one entry of a SETTINGS frame (RFC 9113 §6.5.1).
type Setting struct {
	ID    uint16 `json:"id"`    // the parameter
	Value uint32 `json:"value"` // its value
}

// HPACKEncoder names the algorithm by which a browser chooses representations:
// which fields enter the dynamic table, which entry lends its name, where a
// cookie is cut, when a table size update is sent.
type HPACKEncoder string

// The encoders that are known.
const (
	// HPACKQuiche is Chromium's. No pseudo-header field but :authority enters
	// the table; names are taken from the first static entry, or else from the
	// newest dynamic one; a table size that is in force is not repeated.
	HPACKQuiche HPACKEncoder = ""
	// HPACKGecko is Firefox's. Fields larger than half the table stay out of it;
	// names are taken from the oldest dynamic entry, or else from the last static
	// one; every table size that the peer announces is repeated to it.
	HPACKGecko HPACKEncoder = "gecko"
)

// HPACK is how a browser represents header fields. The zero value is Chromium's
// way.
type HPACK struct {
	// Encoder is the algorithm; the fields below are what it is set to.
	Encoder HPACKEncoder `json:"encoder,omitempty"`
	// HuffmanAlways encodes every string with Huffman; otherwise only where
	// that is shorter.
	HuffmanAlways bool `json:"huffman_always,omitempty"`
	// PathLiteral: a :path of "/" is a literal without indexing as well
	// (Firefox); otherwise it is static entry 4. No browser indexes other paths.
	PathLiteral bool `json:"path_literal,omitempty"`
	// NeverIndexed names fields sent as never-indexed literals (Firefox: authorization).
	NeverIndexed []string `json:"never_indexed,omitempty"`
	// NeverIndexedCookieBelow: a cookie crumb with fewer bytes than this is a
	// never-indexed literal (Firefox: 20).
	NeverIndexedCookieBelow int `json:"never_indexed_cookie_below,omitempty"`
}

// Setting returns the value of the SETTINGS entry id, or def if it is not sent.
func (h *HTTP2) Setting(id uint16, def uint32) uint32 {
	for _, s := range h.Settings {
		if s.ID == id {
			return s.Value
		}
	}
	return def
}

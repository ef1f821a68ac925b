package fingerprint

import (
	"slices"
	"strings"
)

// Limits of RFC 9113.
const (
	maxWindow    = 1<<31 - 1 // §6.9.1
	minFrameSize = 1 << 14   // §6.5.2
	maxFrameSize = 1<<24 - 1
	startWindow  = 65535 // §6.9.2, of a connection
)

func (h *HTTP2) fault() *FieldError { return h.check().under("http2") }

func (h *HTTP2) check() *FieldError {
	for i, s := range h.Settings {
		path := index("settings", i)
		if slices.ContainsFunc(h.Settings[:i], func(o Setting) bool { return o.ID == s.ID }) {
			return fault(path+".id", "%d given twice", s.ID)
		}
		switch {
		case s.ID == 2 && s.Value > 1:
			return fault(path+".value", "ENABLE_PUSH is 0 or 1, not %d", s.Value)
		case s.ID == 4 && s.Value > maxWindow:
			return fault(path+".value", "a window of %d is more than %d", s.Value, maxWindow)
		case s.ID == 5 && (s.Value < minFrameSize || s.Value > maxFrameSize):
			return fault(path+".value", "a frame size of %d is not within %d and %d", s.Value, minFrameSize, maxFrameSize)
		}
	}
	stream := h.Setting(4, startWindow)
	switch {
	case h.WindowUpdate > maxWindow-startWindow:
		return fault("window_update", "%d makes the window larger than %d", h.WindowUpdate, maxWindow)
	case h.StreamWindowUpdate > maxWindow-stream:
		return fault("stream_window_update", "%d makes the window larger than %d", h.StreamWindowUpdate, maxWindow)
	case h.FirstStreamID%2 == 0 || h.FirstStreamID > maxWindow:
		return fault("first_stream_id", "%d is not a client's stream", h.FirstStreamID)
	case h.StreamCredit == 0 || h.StreamCredit > stream+h.StreamWindowUpdate:
		return fault("stream_credit", "%d is not within the stream's window of %d", h.StreamCredit, stream+h.StreamWindowUpdate)
	case h.ConnCredit == 0 || h.ConnCredit > startWindow+h.WindowUpdate:
		return fault("conn_credit", "%d is not within the connection's window of %d", h.ConnCredit, startWindow+h.WindowUpdate)
	case h.HPACK.NeverIndexedCookieBelow < 0:
		return fault("hpack.never_indexed_cookie_below", "negative")
	}
	if e := oneOf("hpack.encoder", h.HPACK.Encoder, HPACKQuiche, HPACKGecko); e != nil {
		return e
	}
	for i, method := range h.EndWithData {
		if !isToken(method) {
			return fault(index("end_with_data", i), "%q is not a method", method)
		}
	}
	for i, name := range h.HPACK.NeverIndexed {
		if !isToken(name) || name != strings.ToLower(name) {
			return fault(index("hpack.never_indexed", i), "%q is not a field name in lower case", name)
		}
	}
	return h.pseudoFault()
}

func (h *HTTP2) pseudoFault() *FieldError {
	for i, name := range h.PseudoHeaders {
		path := index("pseudo_headers", i)
		if e := oneOf(path, name, ":method", ":scheme", ":authority", ":path"); e != nil {
			return e
		}
		if slices.Contains(h.PseudoHeaders[:i], name) {
			return fault(path, "%q given twice", name)
		}
	}
	if len(h.PseudoHeaders) != 4 {
		return fault("pseudo_headers", "%d of 4", len(h.PseudoHeaders))
	}
	return nil
}

func (p *Profile) identityFault() *FieldError {
	for i, f := range p.Identity {
		path := index("identity", i)
		switch {
		case !isToken(f.Name) || f.Name != strings.ToLower(f.Name):
			return fault(path+".name", "%q is not a field name in lower case", f.Name)
		case f.Value == "":
			return fault(path+".value", "missing")
		case !isFieldValue(f.Value):
			return fault(path+".value", "%q is not a field value", f.Value)
		case slices.ContainsFunc(p.Identity[:i], func(o HeaderField) bool { return o.Name == f.Name }):
			return fault(path+".name", "%q given twice", f.Name)
		}
	}
	return nil
}

func (p *Profile) headersFault() *FieldError {
	if len(p.Headers) == 0 {
		return fault("headers", "missing")
	}
	for i, l := range p.Headers {
		path := index("headers", i)
		if e := l.check(); e != nil {
			return e.under(path)
		}
		for j, o := range p.Headers[:i] {
			if o.Wire == l.Wire && o.Destination == l.Destination {
				return fault(path, "%s over %s is %s already", l.Destination, l.Wire, index("headers", j))
			}
		}
	}
	for _, wire := range []Wire{OverHTTP2, OverHTTP1, OverCleartext} {
		if !p.lacksDocuments(wire) && !slices.ContainsFunc(p.Headers, func(l HeaderList) bool { return l.Wire == wire && l.Destination == Document }) {
			return fault("headers", "no list for %s over %s", Document, wire)
		}
	}
	return nil
}

func (l *HeaderList) check() *FieldError {
	if len(l.Fields) == 0 {
		return fault("fields", "is empty: a browser sends no request without fields")
	}
	if e := oneOf("wire", l.Wire, OverHTTP2, OverHTTP1, OverCleartext); e != nil {
		return e
	}
	if !isToken(string(l.Destination)) {
		return fault("destination", "%q is not a destination", l.Destination)
	}
	if e := l.Priority.check(l.Wire); e != nil {
		return e.under("priority")
	}
	for i, v := range l.Priorities {
		path := index("priorities", i)
		if len(v.For) == 0 {
			return fault(path+".for", "missing")
		}
		if e := v.Priority.check(l.Wire); e != nil {
			return e.under(path + ".priority")
		}
	}
	for i, f := range l.Fields {
		if e := f.check(l.Wire); e != nil {
			return e.under(index("fields", i))
		}
		for j, o := range l.Fields[:i] {
			// A place behind one for the same requests is dead.
			if same(o.Name, f.Name) && o.When == f.When && slices.Equal(o.For, f.For) {
				return fault(index("fields", i)+".name", "%q has its place in %s already", f.Name, index("fields", j))
			}
		}
	}
	return nil
}

func (p Priority) check(wire Wire) *FieldError {
	switch {
	case p.Weight > 256:
		return fault("weight", "%d is more than 256", p.Weight)
	case p != Priority{} && p.Weight == 0:
		return fault("weight", "missing")
	case p != Priority{} && wire != OverHTTP2:
		return fault("", "set, but %s has no HEADERS frames", wire)
	}
	return nil
}

func (f Field) check(wire Wire) *FieldError {
	switch {
	case f.Name == "*" && (f.Value != "" || f.limited()):
		return fault("name", "\"*\" has neither value nor condition")
	case !isToken(f.Name):
		return fault("name", "%q is not a field name", f.Name)
	case wire == OverHTTP2 && f.Name != strings.ToLower(f.Name):
		return fault("name", "%q is not in lower case, as HTTP/2 demands", f.Name)
	case wire == OverHTTP2 && f.Name != "content-length" && ignored(f.Name, true):
		return fault("name", "%q has no place in HTTP/2", f.Name)
	case !isFieldValue(f.Value):
		return fault("value", "%q is not a field value", f.Value)
	case f.Value != "" && framing(f.Name):
		return fault("value", "set, but %q is the client's", f.Name)
	case f.Mix != "" && framing(f.Name):
		return fault("mix", "set, but %q is the client's", f.Name)
	}
	for i, v := range f.For {
		if !isToken(string(v)) {
			return fault(index("for", i), "%q is not a variant", v)
		}
	}
	if e := oneOf("mix", f.Mix, "", MixAlways, MixOwn); e != nil {
		return e
	}
	return oneOf("when", f.When, Always, UserActivation, WithBody, WithContent, Direct, Redirected, CrossRedirected, WithRange, StorageAccess, Submitted)
}

// isToken reports whether s is a token (RFC 9110 §5.6.2).
func isToken(s string) bool {
	for i := range len(s) {
		c := s[i]
		if c <= ' ' || c >= 0x7f || strings.IndexByte(`"(),/:;<=>?@[\]{}`, c) >= 0 {
			return false
		}
	}
	return s != ""
}

// isFieldValue reports whether s can be a field value (RFC 9110 §5.5): no
// control characters, no space at either end.
func isFieldValue(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' && s[i] != '\t' || s[i] == 0x7f {
			return false
		}
	}
	return s == strings.Trim(s, " \t")
}

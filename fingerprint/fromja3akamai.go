package fingerprint

import (
	"strconv"
	"strings"
)

// akamaiHTTP2 reads an Akamai fingerprint; "" gives a connection that is never
// opened.
func akamaiHTTP2(s string) (HTTP2, *FieldError) {
	h := HTTP2{FirstStreamID: 1, CookieCrumbs: true, PseudoHeaders: []string{":method", ":authority", ":scheme", ":path"}}
	if s != "" {
		if e := h.readAkamai(s); e != nil {
			e.Path = strings.TrimSuffix("akamai."+e.Path, ".")
			return h, e
		}
	}
	stream := h.Setting(4, startWindow)
	if stream == 0 {
		return h, fault("akamai.settings", "4:0 (INITIAL_WINDOW_SIZE) lets no response through")
	}
	h.StreamCredit = max(stream/2, 1)
	h.ConnCredit = (startWindow + h.WindowUpdate) / 2
	return h, nil
}

func (h *HTTP2) readAkamai(s string) *FieldError {
	fields := strings.Split(s, "|")
	if len(fields) != 4 {
		return fault("", "%d fields between \"|\", not 4: SETTINGS|WINDOW_UPDATE|PRIORITY|pseudo-header fields", len(fields))
	}
	if e := h.akamaiSettings(fields[0]); e != nil {
		return e
	}
	window, err := strconv.ParseUint(fields[1], 10, 31)
	if err != nil || window > maxWindow-startWindow {
		return fault("window_update", "%.20q is not an increment from 0 to %d", fields[1], maxWindow-startWindow)
	}
	h.WindowUpdate = uint32(window)
	if fields[2] != "0" {
		return fault("priority", "%.40q: PRIORITY frames cannot be sent; only \"0\", for none, can", fields[2])
	}
	return h.akamaiPseudo(fields[3])
}

// akamaiSettings reads "1:65536;2:0". Some write commas between them.
func (h *HTTP2) akamaiSettings(s string) *FieldError {
	if s == "" {
		return nil
	}
	for i, word := range strings.Split(strings.ReplaceAll(s, ",", ";"), ";") {
		path := index("settings", i)
		id, value, ok := strings.Cut(word, ":")
		n, err := strconv.ParseUint(id, 10, 16)
		v, err2 := strconv.ParseUint(value, 10, 32)
		if !ok || err != nil || err2 != nil {
			return fault(path, "%.40q is not an identifier and a value like \"4:65535\"", word)
		}
		h.Settings = append(h.Settings, Setting{uint16(n), uint32(v)})
	}
	if len(h.Settings) > 64 {
		return fault("settings", "%d are more than any client sends", len(h.Settings))
	}
	return nil
}

func (h *HTTP2) akamaiPseudo(s string) *FieldError {
	names := map[string]string{"m": ":method", "a": ":authority", "s": ":scheme", "p": ":path"}
	h.PseudoHeaders = nil
	for i, letter := range strings.Split(s, ",") {
		if names[letter] == "" {
			return fault(index("pseudo_headers", i), "%.20q is not m, a, s or p, each of them once", letter)
		}
		h.PseudoHeaders = append(h.PseudoHeaders, names[letter])
		delete(names, letter)
	}
	if len(names) > 0 {
		return fault("pseudo_headers", "%q has not all of m, a, s and p", s)
	}
	return nil
}

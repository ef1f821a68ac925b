package fingerprint

import (
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"strings"
)

// FromJA3 makes a Profile from the text of a JA3 ("771,4865-4866,0-23-10,29-23,0";
// an MD5 of it holds nothing) and of Akamai's HTTP/2 fingerprint
// ("1:65536;2:0|15663105|0|m,a,s,p"), for those who have nothing else. Connections
// then have these two fingerprints. An empty akamai offers HTTP/1.1 alone.
//
// Its Provenance is Incomplete throughout. A JA3 does not hold the signature
// algorithms, the groups that keys are sent for, the TLS versions, the protocols,
// GREASE, whether the order of extensions is drawn anew, or what is in any other
// extension; an Akamai fingerprint does not hold HPACK, the first stream's number,
// the priorities of requests or the window updates of a download. In their place
// stand the commonest values, so that every other digest (JA4 among them) is
// likely to be one that no browser has. There are no header lists either: nothing
// but the caller's own fields is sent, a User-Agent included. A built-in profile
// is better wherever there is one.
//
// What cannot be sent is an error, a [*FieldError] that names the place, like
// "ja3.extensions[3]": an extension whose content is unknown or belongs to a
// resumed connection or to QUIC, a version before TLS 1.2, PRIORITY frames.
// Padding is sent as browsers do, in hellos that would have 256 to 511 bytes: a
// JA3 with it comes back from such hellos alone, and is left without a hybrid key.
func FromJA3(ja3, akamai string) (*Profile, error) {
	t, e := ja3TLS(ja3, akamai != "")
	if e != nil {
		return nil, e
	}
	h, e := akamaiHTTP2(akamai)
	if e != nil {
		return nil, e
	}
	sum := md5.Sum([]byte(ja3))
	hash := hex.EncodeToString(sum[:])
	assumed := func(what string) Source { return Source{Incomplete, what} }
	p := &Profile{
		Name:    "ja3:" + hash,
		Browser: Browser{Brand: "unknown", Version: "0", Platform: ja3Platform(runtime.GOOS), Engine: ja3Engine(h.PseudoHeaders)},
		TLS:     t,
		HTTP2:   h,
		Headers: ja3Headers(),
		Digests: Digests{JA3: hash},
		Provenance: Provenance{
			TLS:      assumed("a JA3, and the commonest values of what it does not hold"),
			HTTP2:    assumed("no fingerprint; HTTP/2 is not offered"),
			Headers:  assumed("nothing: the caller's own fields alone"),
			Identity: assumed("nothing: the caller's own fields alone"),
		},
	}
	if akamai != "" {
		p.Digests.Akamai = h.Akamai()
		p.Provenance.HTTP2 = assumed("an Akamai fingerprint, and Chromium's values of what it does not hold")
	}
	if e := p.fault(); e != nil {
		// The parts have the places that they had in the strings.
		for part, source := range map[string]string{"tls.": "ja3.", "http2.": "akamai."} {
			if rest, ok := strings.CutPrefix(e.Path, part); ok {
				e.Path = source + rest
				break
			}
		}
		return nil, e
	}
	return p, nil
}

// ja3Fields are the names of the five fields, for errors.
var ja3Fields = [...]string{"version", "cipher_suites", "extensions", "groups", "point_formats"}

// ja3TLS reads the text of a JA3.
func ja3TLS(ja3 string, h2 bool) (t TLS, e *FieldError) {
	if len(ja3) == 32 && strings.Trim(ja3, "0123456789abcdefABCDEF") == "" {
		return t, fault("ja3", "is an MD5, from which nothing can be read back; the text like \"771,4865-4866,0-23,29-23,0\" is needed")
	}
	fields := strings.Split(ja3, ",")
	if len(fields) != len(ja3Fields) {
		return t, fault("ja3", "%d fields between commas, not %d", len(fields), len(ja3Fields))
	}
	if fields[0] != "771" {
		return t, fault("ja3.version", "%.20q: only 771, which TLS 1.2 and 1.3 write, can be sent", fields[0])
	}
	var lists [len(ja3Fields)][]Code
	for i := 1; i < len(fields); i++ {
		if lists[i], e = ja3List(fields[i], "ja3."+ja3Fields[i]); e != nil {
			return t, e
		}
	}
	b := ja3Body{groups: lists[3], h2: h2, padded: slices.Contains(lists[2], 21)}
	if b.formats, e = ja3Formats(lists[4]); e != nil {
		return t, e
	}
	if h2 && !slices.Contains(lists[2], helloALPN) {
		return t, fault("ja3.extensions", "no 16 (ALPN), without which there is no HTTP/2, but an Akamai fingerprint is given")
	}
	t.CipherSuites = lists[1]
	for i, id := range lists[2] {
		x, e := b.extension(id)
		if e != nil {
			e.Path = index("ja3.extensions", i)
			return t, e
		}
		t.Extensions = append(t.Extensions, x)
	}
	for _, f := range []struct {
		path string
		id   Code
		used bool
	}{{"ja3.groups", helloGroups, len(lists[3]) > 0}, {"ja3.point_formats", helloPointFormats, len(lists[4]) > 0}} {
		if has := slices.Contains(lists[2], f.id); has != f.used {
			return t, fault(f.path, "given: %t, but extension %d, which holds them, given: %t", f.used, f.id, has)
		}
	}
	return t, nil
}

// ja3List reads decimal numbers joined by dashes, as JA3 writes them.
func ja3List(s, path string) ([]Code, *FieldError) {
	if s == "" {
		return nil, nil
	}
	var out []Code
	for i, word := range strings.Split(s, "-") {
		n, err := strconv.ParseUint(word, 10, 16)
		if err != nil || strconv.FormatUint(n, 10) != word {
			return nil, fault(index(path, i), "%.20q is not a number from 0 to 65535", word)
		}
		if c := Code(n); c.IsGREASE() {
			return nil, fault(index(path, i), "%d is a reserved value (GREASE), which a JA3 leaves out", n)
		}
		out = append(out, Code(n))
	}
	return out, nil
}

func ja3Formats(list []Code) ([]byte, *FieldError) {
	if len(list) > 255 {
		return nil, fault("ja3.point_formats", "%d are more than 255", len(list))
	}
	out := []byte{byte(len(list))}
	for i, f := range list {
		if f > 255 {
			return nil, fault(index("ja3.point_formats", i), "%d is more than 255", f)
		}
		out = append(out, byte(f))
	}
	return out, nil
}

// ja3Platform names the operating system that TCP shows anyway.
func ja3Platform(goos string) string {
	switch goos {
	case "windows":
		return "Windows"
	case "darwin":
		return "macOS"
	case "android":
		return "Android"
	case "ios":
		return "iOS"
	}
	return "Linux"
}

// ja3Engine tells the engine by the order of pseudo-header fields, which each has
// for its own. It decides how cookies without SameSite are treated.
func ja3Engine(pseudo []string) string {
	switch fmt.Sprint(pseudo) {
	case "[:method :path :authority :scheme]":
		return "gecko"
	case "[:method :scheme :path :authority]", "[:method :scheme :authority :path]":
		return "webkit"
	}
	return "blink"
}

// ja3Headers are lists with the places that framing needs and one for everything
// else, for every kind of request.
func ja3Headers() []HeaderList {
	var out []HeaderList
	for _, wire := range []Wire{OverHTTP2, OverHTTP1, OverCleartext} {
		for _, dest := range []Destination{Document, Iframe, Empty, Image, Script, Style, Font, Video, Audio, WebSocket} {
			fields := []Field{{Name: "Host"}, {Name: "*"}, {Name: "Content-Length"}, {Name: "Transfer-Encoding"}}
			if wire == OverHTTP2 {
				fields = []Field{{Name: "*"}, {Name: "content-length"}}
			}
			out = append(out, HeaderList{Wire: wire, Destination: dest, Fields: fields})
		}
	}
	return out
}

package cookie

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

const (
	formatVersion = 1
	// maxImport bounds what Import reads: a full jar of the longest cookies,
	// every byte written as \u00XX, is 3000 times 6 times 4 to 6 KiB.
	maxImport = 128 << 20
)

type document struct {
	Version int      `json:"version"`
	Cookies []record `json:"cookies"`
}

// record is one cookie in JSON. Its names are part of what Session.ExportCookies
// promises.
type record struct {
	Name      text      `json:"name"`
	Value     text      `json:"value"`
	Domain    string    `json:"domain"`
	HostOnly  bool      `json:"hostOnly,omitempty"`
	Path      text      `json:"path,omitempty"`
	Secure    bool      `json:"secure,omitempty"`
	HTTPOnly  bool      `json:"httpOnly,omitempty"`
	SameSite  string    `json:"sameSite,omitempty"`
	Partition text      `json:"partition,omitempty"`
	Created   time.Time `json:"created,omitzero"`
	Used      time.Time `json:"used,omitzero"`
	Expires   time.Time `json:"expires,omitzero"`
}

// text is bytes in JSON: a string, or {"base64": "..."} if they are no UTF-8.
type text string

type encoded struct {
	Base64 []byte `json:"base64"`
}

// MarshalJSON implements json.Marshaler.
func (t text) MarshalJSON() ([]byte, error) {
	if !utf8.ValidString(string(t)) {
		return json.Marshal(encoded{[]byte(t)})
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(string(t))
	return bytes.TrimSpace(b.Bytes()), err
}

// UnmarshalJSON implements json.Unmarshaler.
func (t *text) UnmarshalJSON(data []byte) error {
	if data[0] != '{' {
		return json.Unmarshal(data, (*string)(t))
	}
	var e encoded
	if err := strictly(data, &e); err != nil {
		return err
	}
	*t = text(e.Base64)
	return nil
}

// strictly decodes one JSON value and nothing behind it, and refuses names that
// it does not know: a slip of the pen must not become a cookie for everybody.
func strictly(data []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("more behind the end")
	}
	return nil
}

var sameSites = [...]string{Default: "", None: "none", Lax: "lax", Strict: "strict"}

// Export writes the cookies that are alive, those of the session included,
// oldest first. w is written to once the jar is read, so it may block.
func (j *Jar) Export(w io.Writer, now time.Time) error {
	d := document{Version: formatVersion, Cookies: []record{}}
	for _, e := range j.snapshot(now) {
		d.Cookies = append(d.Cookies, record{
			Name: text(e.name), Value: text(e.value),
			Domain: e.domain, HostOnly: e.hostOnly, Path: text(e.path),
			Secure: e.secure, HTTPOnly: e.httpOnly, SameSite: sameSites[e.sameSite],
			Partition: text(e.partition),
			Created:   e.created.UTC(), Used: e.used.UTC(), Expires: e.expires.UTC(),
		})
	}
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(d)
}

func (j *Jar) snapshot(now time.Time) []entry {
	j.mu.Lock()
	defer j.mu.Unlock()
	var all []entry
	for el := j.s.order.Front(); el != nil; el = el.Next() {
		if e := el.Value.(*entry); !e.expired(now) {
			all = append(all, *e)
		}
	}
	slices.SortFunc(all, func(a, b entry) int {
		return cmp.Or(a.created.Compare(b.created), cmp.Compare(a.serial, b.serial))
	})
	return all
}

// Import adds the cookies that Export wrote, in place of the same ones in the
// jar; expired ones are left out. On an error, which names the cookie and its
// field, nothing is added. Limits apply as to cookies received.
func (j *Jar) Import(r io.Reader, now time.Time) error {
	data, err := io.ReadAll(io.LimitReader(r, maxImport+1))
	if err != nil {
		return fmt.Errorf("cookie: import: %w", err)
	}
	if len(data) > maxImport {
		return fmt.Errorf("cookie: import: more than %d bytes", maxImport)
	}
	if !utf8.Valid(data) {
		return errors.New("cookie: import: not UTF-8, so not JSON (RFC 8259 §8.1)")
	}
	var d document
	if err := strictly(data, &d); err != nil {
		return fmt.Errorf("cookie: import: %w", err)
	}
	if d.Version != formatVersion {
		return fmt.Errorf("cookie: import: version is %d; %d is known", d.Version, formatVersion)
	}
	entries := make([]*entry, len(d.Cookies))
	for i := range d.Cookies {
		if entries[i], err = d.Cookies[i].entry(now); err != nil {
			return fmt.Errorf("cookie: import: cookies[%d]: %w", i, err)
		}
	}
	j.mu.Lock()
	defer j.unlock()
	for _, e := range entries {
		e.serial = j.s.next()
	}
	// Put in by use, so that what was unused the longest is evicted first again.
	slices.SortStableFunc(entries, func(a, b *entry) int { return a.used.Compare(b.used) })
	for _, e := range entries {
		if !e.expired(now) {
			j.s.put(e, now)
		}
	}
	return nil
}

// entry checks r as strictly as a received cookie, since it is sent just the same.
func (r *record) entry(now time.Time) (*entry, error) {
	e := &entry{
		name: string(r.Name), value: string(r.Value),
		partition: string(r.Partition), domain: r.Domain, hostOnly: r.HostOnly,
		path: cmp.Or(string(r.Path), "/"), secure: r.Secure, httpOnly: r.HTTPOnly,
		created: past(r.Created, now), used: past(r.Used, now), expires: r.Expires,
	}
	if latest := now.Add(maxLifetime); e.expires.After(latest) {
		e.expires = latest
	}
	same := slices.Index(sameSites[:], r.SameSite)
	if same < 0 {
		return nil, fmt.Errorf("sameSite is %q; it is lax, strict, none or absent", r.SameSite)
	}
	e.sameSite = SameSite(same)
	switch c, err := Parse(e.name + "=" + e.value); {
	case err != nil:
		return nil, fmt.Errorf("name and value: %w", err)
	case c.Name != e.name || c.Value != e.value:
		return nil, fmt.Errorf("name %q and value %q: no Set-Cookie field gives these", e.name, e.value)
	}
	switch c, err := Parse("a=b;Path=" + e.path); {
	case err != nil || c.Path != e.path:
		return nil, fmt.Errorf("path is %.100q; it begins with a slash and holds no semicolon, white space at its end or control character, 1024 octets at most", e.path)
	case e.domain == "" || strings.ToLower(e.domain) != e.domain || !isASCII(e.domain) || strings.ContainsFunc(e.domain, isNoDomain):
		return nil, fmt.Errorf("domain is %.100q; it is a host name in lower case, in ASCII, or an address", e.domain)
	case !e.hostOnly && (isAddress(e.domain) || isPublicSuffix(e.domain)):
		return nil, fmt.Errorf("domain %q is an address or a public suffix; such a cookie is hostOnly", e.domain)
	case e.sameSite == None && !e.secure:
		return nil, errors.New("sameSite is none, so secure must be true")
	case !e.prefixHolds():
		return nil, fmt.Errorf("name %q has a prefix that the cookie's other fields do not keep to", e.name)
	}
	return e, nil
}

func isNoDomain(r rune) bool { return r <= ' ' || strings.ContainsRune("/\\?#@;,[]\x7f", r) }

func past(t, now time.Time) time.Time {
	if t.IsZero() || t.After(now) {
		return now
	}
	return t
}

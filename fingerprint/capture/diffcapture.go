package capture

import (
	"fmt"
	"reflect"
	"strings"

	fp "github.com/mien-http/mien/fingerprint"
)

// DiffCapture compares a profile with a recording: every ClientHello for web
// pages, how connections are opened and run, and every request that a profile
// describes. nil: the profile is that browser, as far as the recording tells.
func DiffCapture(p *fp.Profile, c *Capture) []Difference {
	var out []Difference
	if p.TLS.Preset != "" {
		out = append(out, Difference{"tls", "the hello", "made by uTLS, " + p.TLS.Preset, "recorded; not compared"})
	} else {
		for _, h := range c.pages() {
			if !h.AfterRetry {
				out = append(out, DiffHello(h.File, &p.TLS, h.Hello)...)
			}
		}
	}
	h2, err := c.learnHTTP2(p.Browser.Engine)
	switch {
	case err != nil:
		out = append(out, Difference{"http2", "the opening", "one for all connections", err.Error()})
	case h2 != nil:
		out = append(out, c.diffHTTP2(p, h2)...)
	}
	for i := range c.Requests {
		out = append(out, DiffRequest(p, &c.Requests[i])...)
	}
	return out
}

// diffHTTP2 leaves out what the recording is too short to tell.
func (c *Capture) diffHTTP2(p *fp.Profile, h2 *fp.HTTP2) []Difference {
	got, want := *h2, p.HTTP2
	var paths, cookies bool
	for _, r := range c.Requests {
		paths = paths || r.Path == "/"
		cookies = cookies || r.has("cookie")
	}
	if !paths {
		got.HPACK.PathLiteral = want.HPACK.PathLiteral
	}
	if !cookies {
		got.CookieCrumbs, got.HPACK.NeverIndexedCookieBelow = want.CookieCrumbs, want.HPACK.NeverIndexedCookieBelow
	}
	if len(got.EndWithData) == 0 {
		got.EndWithData = want.EndWithData
	}
	if len(got.HPACK.NeverIndexed) == 0 {
		got.HPACK.NeverIndexed = want.HPACK.NeverIndexed
	}
	var credit credits
	for _, k := range c.conns() {
		opening(c.framesOf(k), &credit)
	}
	if !credit.told() {
		got.StreamCredit, got.ConnCredit = want.StreamCredit, want.ConnCredit
	}
	got.GoAwayOnClose = got.GoAwayOnClose || want.GoAwayOnClose // only a close tells
	return diffStruct("http2", reflect.ValueOf(want), reflect.ValueOf(got))
}

// told reports whether there was a download long enough.
func (c *credits) told() bool { return len(c.conn)+len(c.stream) > 3 }

// diffStruct compares the fields of two structs, by their JSON names.
func diffStruct(path string, a, b reflect.Value) []Difference {
	var out []Difference
	for i := range a.NumField() {
		name, _, _ := strings.Cut(a.Type().Field(i).Tag.Get("json"), ",")
		x, y := a.Field(i), b.Field(i)
		switch {
		case x.Kind() == reflect.Struct:
			out = append(out, diffStruct(path+"."+name, x, y)...)
		case x.Kind() == reflect.Slice && x.Len() == 0 && y.Len() == 0:
		case !reflect.DeepEqual(x.Interface(), y.Interface()):
			out = append(out, Difference{path, name, fmt.Sprintf("%+v", x.Interface()), fmt.Sprintf("%+v", y.Interface())})
		}
	}
	return out
}

package fingerprint

import (
	"errors"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
)

func TestNames(t *testing.T) {
	want := []string{
		"chrome-150-android", "chrome-150-linux", "chrome-150-macos", "chrome-150-windows",
		"chrome-156-linux", "chrome-156-macos", "chrome-156-windows",
		"chromium-131-linux", "chromium-138-linux", "chromium-153-linux", "chromium-156-linux",
		"edge-133-windows",
		"firefox-144-linux", "firefox-144-macos", "firefox-144-windows",
		"firefox-153-linux",
		"safari-18.4-ios", "safari-18.4-macos", "safari-26.4-ios", "safari-26.4-macos",
	}
	if got := Names(); !slices.Equal(got, want) {
		t.Errorf("Names() = %v", got)
	}
	for _, name := range want {
		if p := lookup(t, name); p.Name != name {
			t.Errorf("%s calls itself %s", name, p.Name)
		}
	}
}

func TestAliases(t *testing.T) {
	for _, c := range [][3]string{
		{"chrome", "linux", "chrome-156-linux"},
		{"chrome", "windows", "chrome-156-windows"},
		{"chrome", "darwin", "chrome-156-macos"},
		{"chrome", "freebsd", "chrome-156-linux"},
		{"firefox", "windows", "firefox-153-linux"},
		{"safari", "linux", "safari-26.4-macos"},
		{"edge", "linux", "edge-133-windows"},
		{"other", "linux", "other"},
	} {
		if got := alias(c[0], c[1]); got != c[2] {
			t.Errorf("%s on %s: %s", c[0], c[1], got)
		}
	}
	if p := Chrome(); p.Name != alias("chrome", runtime.GOOS) || p.Validate() != nil {
		t.Errorf("Chrome() = %s, %v", p.Name, p.Validate())
	}
	if p := Firefox(); p.Name != "firefox-153-linux" || p.Validate() != nil {
		t.Errorf("Firefox() = %s, %v", p.Name, p.Validate())
	}
}

func TestUnknownProfile(t *testing.T) {
	for _, c := range []struct{ name, near string }{
		{"chrome-155-linux", "chrome-156-linux"},
		{"Chrome-156-Windows", "chrome-156-windows"},
		{"firefo", "firefox"},
		{"utls:HelloChrome_134", "utls:HelloChrome_133"},
		{"utls:hellochrome_133", "utls:HelloChrome_133"},
		{"safari-26", "safari"},
		{"opera-26", ""},
		{"engines/webkit", ""},
		{"", ""},
		{strings.Repeat("x", 1<<20), ""},
	} {
		p, err := Lookup(c.name)
		var unknown *UnknownProfileError
		if p != nil || !errors.As(err, &unknown) || unknown.Name != c.name {
			t.Fatalf("%.40q: %v, %v", c.name, p, err)
		}
		if c.near == "" && len(unknown.Near) > 0 || c.near != "" && (len(unknown.Near) == 0 || unknown.Near[0] != c.near) {
			t.Errorf("%.40q is near %v, not %q", c.name, unknown.Near, c.near)
		}
		if c.near != "" && !strings.Contains(err.Error(), "did you mean "+c.near) {
			t.Errorf("%v", err)
		}
	}
}

// The brand lists, User-Agents and platforms of the derived profiles.
func TestChromeIdentity(t *testing.T) {
	for _, c := range []struct{ name, platform, system string }{
		{"chrome-156-linux", "Linux", "X11; Linux x86_64"},
		{"chrome-156-windows", "Windows", "Windows NT 10.0; Win64; x64"},
		{"chrome-156-macos", "macOS", "Macintosh; Intel Mac OS X 10_15_7"},
	} {
		p, base := lookup(t, c.name), lookup(t, "chromium-156-linux")
		for name, want := range map[string]string{
			"user-agent":         "Mozilla/5.0 (" + c.system + ") AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36",
			"sec-ch-ua":          Brands(p.Browser.Brand, 156),
			"sec-ch-ua-mobile":   "?0",
			"sec-ch-ua-platform": `"` + c.platform + `"`,
		} {
			if got := p.identity(name); got != want {
				t.Errorf("%s: %s is %s, not %s", c.name, name, got, want)
			}
		}
		if p.Browser.Platform != c.platform || p.Provenance.Identity.Kind != Derived {
			t.Errorf("%+v", p)
		}
		if !reflect.DeepEqual(p.TLS, base.TLS) || !reflect.DeepEqual(p.HTTP2, base.HTTP2) || !reflect.DeepEqual(p.Headers, base.Headers) || p.Digests != base.Digests {
			t.Errorf("%s differs from its base in more than identity", c.name)
		}
	}
}

// Every preset gives a profile whose parts fit each other.
func TestPresets(t *testing.T) {
	for _, m := range PresetMatches() {
		p := lookup(t, "utls:"+m.Preset)
		if p.TLS.Preset != m.Preset || p.Name != "utls:"+m.Preset {
			t.Errorf("%s: %s, preset %s", m.Preset, p.Name, p.TLS.Preset)
		}
		if m.Browser == "" {
			t.Errorf("%s matches nobody", m.Preset)
		}
		if len(p.Head(HeadRequest{Wire: OverHTTP2}).Fields) < 2 {
			t.Errorf("%s has no head", m.Preset)
		}
		if p.Provenance.TLS.Kind != Published && p.Provenance.TLS.Kind != Incomplete {
			t.Errorf("%s: %+v", m.Preset, p.Provenance.TLS)
		}
	}
	p := lookup(t, "utls:HelloChrome_133")
	if got := p.identity("sec-ch-ua"); got != Brands("Google Chrome", 149) {
		t.Errorf("HelloChrome_133 says %s", got)
	}
	head := p.Head(HeadRequest{Wire: OverHTTP2})
	for _, f := range head.Fields {
		if strings.Contains(f.Value, "jxl") || strings.Contains(f.Value, "156") {
			t.Errorf("HelloChrome_133 sends %v", f)
		}
	}
	for name, lacks := range map[string][]string{
		"utls:HelloChrome_120":  {"priority", "zstd"},
		"utls:HelloChrome_87":   {"sec-ch-ua"},
		"utls:HelloFirefox_120": {"priority", "zstd"},
		"utls:HelloIOS_14":      {"sec-fetch-site", "Macintosh"},
		"utls:HelloEdge_106":    {"Google Chrome"},
	} {
		for _, f := range lookup(t, name).Head(HeadRequest{Wire: OverHTTP2}).Fields {
			for _, l := range lacks {
				if f.Name == l || strings.Contains(f.Value, l) {
					t.Errorf("%s sends %v", name, f)
				}
			}
		}
	}
}

// Each call hands out memory of its own.
func TestClone(t *testing.T) {
	for _, name := range []string{"chromium-156-linux", "firefox-153-linux", "utls:HelloChrome_133"} {
		a, b := lookup(t, name), lookup(t, name)
		if !reflect.DeepEqual(a, b) {
			t.Fatalf("%s: two copies differ", name)
		}
		shared(t, name, reflect.ValueOf(*a), reflect.ValueOf(*b))
	}
	if (*Profile)(nil).Clone() != nil {
		t.Error("the clone of nil is not nil")
	}
}

// shared reports memory that two values have in common.
func shared(t *testing.T, path string, a, b reflect.Value) {
	t.Helper()
	switch a.Kind() {
	case reflect.Struct:
		for i := range a.NumField() {
			shared(t, path+"."+a.Type().Field(i).Name, a.Field(i), b.Field(i))
		}
	case reflect.Slice:
		if a.Len() > 0 && a.Pointer() == b.Pointer() {
			t.Errorf("%s is shared", path)
		}
		for i := range a.Len() {
			shared(t, path+"[]", a.Index(i), b.Index(i))
		}
	case reflect.Pointer:
		if !a.IsNil() {
			if a.Pointer() == b.Pointer() {
				t.Errorf("%s is shared", path)
			}
			shared(t, path, a.Elem(), b.Elem())
		}
	}
}

func TestLookupConcurrently(t *testing.T) {
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			p, err := Lookup("chrome")
			if err != nil {
				t.Error(err)
				return
			}
			p.Identity[0].Value = "mine"
			p.TLS.Extensions[1].ECH.Payload[0] = 0
			p.Headers[0].Fields[0].Name = "x"
		})
	}
	wg.Wait()
	if err := Chrome().Validate(); err != nil {
		t.Error(err)
	}
}

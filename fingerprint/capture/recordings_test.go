package capture

import (
	"archive/zip"
	"io/fs"
	"slices"
	"testing"

	fp "github.com/mien-http/mien/fingerprint"
)

// recordings are shortened ones: the frames that browsers sent and their
// requests, without what a recording server notes besides.
var recordings = []struct {
	file, profile, version string
	requests               bool // not hellos alone
}{
	{"chromium-156", "chromium-156-linux", "156.0.8078.79", true},
	{"firefox-153", "firefox-153-linux", "153.7.0", true},
	{"headless-shell-131", "chromium-131-linux", "131.0.6778.0", true},
	{"headless-shell-153", "chromium-153-linux", "153.0.8010.0", true},
	{"headless-shell-138", "chromium-138-linux", "138.0.7204.0", false},
}

func recording(t testing.TB, file string) *Capture {
	t.Helper()
	c, err := Read(folder(t, file))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func folder(t testing.TB, file string) fs.FS {
	t.Helper()
	z, err := zip.OpenReader("testdata/" + file + ".zip")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = z.Close() })
	return z
}

func builtin(t testing.TB, name string) *fp.Profile {
	t.Helper()
	p, err := fp.Lookup(name)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// The built-in profiles are the recorded browsers: every hello, every opening,
// every kind of request over every wire.
func TestProfilesEqualRecordings(t *testing.T) {
	for _, r := range recordings {
		t.Run(r.file, func(t *testing.T) {
			c, p := recording(t, r.file), builtin(t, r.profile)
			for _, d := range DiffCapture(p, c) {
				t.Error(d)
			}
			if n := len(c.pages()); n < 4 {
				t.Errorf("only %d hellos were compared", n)
			}
			kinds := map[fp.Kind]int{}
			for i := range c.Requests {
				if r := &c.Requests[i]; r.usable() {
					kinds[fp.Kind{Wire: r.Wire, Destination: r.destination(), Variant: r.Variants()[0]}]++
				}
			}
			if r.requests && len(kinds) < 20 {
				t.Errorf("only %d kinds of request were compared", len(kinds))
			}
			if testing.Verbose() {
				var all []fp.Kind
				for k := range kinds {
					all = append(all, k)
				}
				slices.SortFunc(all, compareKinds)
				for _, k := range all {
					t.Logf("%s: %d equal", k, kinds[k])
				}
			}
		})
	}
}

// An import of the recordings gives the built-in profiles.
func TestImportGivesTheProfiles(t *testing.T) {
	for _, r := range recordings[:2] {
		p, err := Import(recording(t, r.file), Options{Name: r.profile, Version: r.version})
		if err != nil {
			t.Fatalf("%s: %v", r.file, err)
		}
		if got := Derive(p); got != "cleartext from http/1.1" {
			t.Errorf("%s: derived %q", r.file, got)
		}
		for _, d := range DiffProfiles(builtin(t, r.profile), p) {
			t.Errorf("%s: %v", r.file, d)
		}
	}
}

// A version that the module has never seen: what import makes of its recording
// is that browser.
func TestImportEqualsItsRecording(t *testing.T) {
	for _, r := range recordings {
		c := recording(t, r.file)
		p, err := Import(c, Options{})
		if !r.requests {
			if err == nil || err.Error() != "no request has a User-Agent" {
				t.Errorf("%s: %v", r.file, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", r.file, err)
			continue
		}
		for _, d := range DiffCapture(p, recording(t, r.file)) {
			t.Errorf("%s: %v", r.file, d)
		}
		if p.Browser.Version != r.version && p.Browser.Engine == "blink" && r.file != "chromium-156" {
			t.Errorf("%s: version %s", r.file, p.Browser.Version)
		}
	}
}

// What browsers draw varies, and nothing else does.
func TestRandomFieldsVary(t *testing.T) {
	for _, r := range recordings {
		c, p := recording(t, r.file), builtin(t, r.profile)
		fresh, _ := splitHellos(c.pages())
		for _, f := range RandomFields() {
			seen := map[string]bool{}
			for _, h := range fresh {
				seen[f.Value(h.Hello)] = true
			}
			if f.AppliesTo(&p.TLS) != (len(seen) > 1) {
				t.Errorf("%s: %s: %d values in %d hellos", r.file, f.Name, len(seen), len(fresh))
			}
		}
	}
}

// The rule that HTTP/1.1 is derived by is the one that the recorded browser
// follows.
func TestDeriveEqualsRecording(t *testing.T) {
	c := recording(t, "chromium-156")
	p, err := Import(c, Options{})
	if err != nil {
		t.Fatal(err)
	}
	p.Headers = slices.DeleteFunc(p.Headers, func(l fp.HeaderList) bool { return l.Wire != fp.OverHTTP2 })
	p.Absent = []fp.Kind{{Wire: fp.OverHTTP1}, {Wire: fp.OverCleartext}}
	if got := Derive(p); got != "http/1.1 from h2; cleartext from http/1.1" {
		t.Errorf("derived %q", got)
	}
	if err := p.Validate(); err != nil {
		t.Fatal(err)
	}
	compared := 0
	for i := range c.Requests {
		if r := &c.Requests[i]; r.Wire == fp.OverHTTP1 && r.destination() != fp.WebSocket {
			compared++
			for _, d := range DiffRequest(p, r) {
				t.Error(d)
			}
		}
	}
	if compared < 90 {
		t.Errorf("%d requests compared", compared)
	}
}

package docs_test

import (
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/mien-http/mien"
	"github.com/mien-http/mien/fingerprint"
	"github.com/mien-http/mien/mientest"
)

// TestMigrationIsComplete: what another client can be told, by the lists in
// testdata/peers, has a row on the page of that client.
func TestMigrationIsComplete(t *testing.T) {
	lists, err := filepath.Glob("testdata/peers/*.txt")
	if err != nil || len(lists) < 4 {
		t.Fatal(lists, err)
	}
	for _, list := range lists {
		page := "docs/migration/" + strings.TrimSuffix(filepath.Base(list), ".txt") + ".md"
		said := map[string]bool{}
		for _, r := range documentNamed(t, page).rows {
			for _, s := range parse("", r.first).spans {
				name, _, _ := strings.Cut(s.text, "=")
				said[strings.TrimSuffix(name, "()")] = true
			}
		}
		b, err := os.ReadFile(list)
		if err != nil {
			t.Fatal(err)
		}
		for name := range strings.Lines(string(b)) {
			if name = strings.TrimSpace(name); !strings.HasPrefix(name, "#") && !said[name] {
				t.Errorf("%s has no row for %s", page, name)
			}
		}
	}
}

// http1Alone is the function of that name in migration/README.md.
func http1Alone(p *fingerprint.Profile) {
	p.TLS.Extensions = slices.DeleteFunc(p.TLS.Extensions, func(e fingerprint.Extension) bool {
		return e.ID == 17513 || e.ID == 17613 // application_settings speak of HTTP/2
	})
	for i := range p.TLS.Extensions {
		if p.TLS.Extensions[i].ID == 16 { // ALPN
			p.TLS.Extensions[i].Protocols = []string{"http/1.1"}
		}
	}
	p.Digests = fingerprint.Digests{}
	p.Provenance.TLS = fingerprint.Source{Kind: fingerprint.Incomplete, From: "HTTP/1.1 alone"}
}

// TestHTTP1Alone: the change of a profile that the page describes is what is
// tested here, and does what the page says.
func TestHTTP1Alone(t *testing.T) {
	own := readFile(t, "docs/migration_test.go")
	start := strings.Index(own, "func http1Alone(")
	code := own[start : start+strings.Index(own[start:], "\n}\n")+2]
	if !strings.Contains(readFile(t, "docs/migration/README.md"), code) {
		t.Error("docs/migration/README.md has another http1Alone")
	}
	for _, name := range []string{"chrome", "firefox", "edge"} {
		o, err := mientest.New(mientest.Config{})
		if err != nil {
			t.Fatal(err)
		}
		defer o.Close()
		p, err := fingerprint.Lookup(name)
		if err != nil {
			t.Fatal(err)
		}
		http1Alone(p)
		s, err := mien.New(mien.Config{Profile: p, TLS: o.ClientTLS()})
		if err != nil {
			t.Fatal(name, err)
		}
		defer func() { _ = s.Close() }()
		resp, err := s.Get(t.Context(), o.URL)
		if err != nil {
			t.Fatal(name, err)
		}
		_ = resp.Body.Close()
		if resp.Proto != "HTTP/1.1" || resp.StatusCode != http.StatusOK {
			t.Errorf("%s: %s %s", name, resp.Proto, resp.Status)
		}
	}
}

// TestNamesOfPages: the strings that the pages give to functions of package
// fingerprint are names and digests that these take.
func TestNamesOfPages(t *testing.T) {
	found := 0
	for _, d := range everyDocument(t) {
		for _, s := range d.spans {
			if name, ok := argument(s.text, `fingerprint.Lookup("`); ok {
				found++
				if _, err := fingerprint.Lookup(name); err != nil {
					t.Errorf("%s:%d: %v", d.name, s.line, err)
				}
			}
			if text, ok := argument(s.text, `fingerprint.FromJA3("`); ok {
				found++
				ja3, akamai, _ := strings.Cut(text, `", "`)
				if _, err := fingerprint.FromJA3(ja3, akamai); err != nil {
					t.Errorf("%s:%d: %v", d.name, s.line, err)
				}
			}
		}
	}
	if found < 5 {
		t.Errorf("only %d were found", found)
	}
}

// argument is what stands in code between call and a closing quote.
func argument(code, call string) (string, bool) {
	_, rest, ok := strings.Cut(code, call)
	end := strings.Index(rest, `")`)
	if !ok || end < 0 {
		return "", false
	}
	return rest[:end], true
}

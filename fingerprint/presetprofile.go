package fingerprint

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// What a preset takes HTTP/2 and headers from: a profile of its engine.
const (
	blink  = "chrome-156-linux"
	edge   = blink + " as Edge"
	gecko  = "firefox-153-linux"
	webkit = "engines/webkit"
	ios    = webkit + " as iOS"
	okhttp = "engines/okhttp"
)

// presetProfile makes the profile of a preset, or returns nil if there is none of
// that name.
func presetProfile(all *library, name string) *Profile {
	row := presetNamed(name)
	if row == nil {
		return nil
	}
	from, _, _ := strings.Cut(row.from, " as ")
	p := all.profiles[from].Clone()
	p.Name = presetPrefix + name
	own := p.TLS.Preset == name // the profile was written for this very preset
	p.TLS = TLS{Preset: name}
	if own {
		return p
	}
	p.Digests = Digests{JA4: row.ja4, Akamai: p.Digests.Akamai}
	p.Provenance = presetProvenance(row, from)
	if row.major > 0 {
		p.age(row)
	}
	return p
}

func presetProvenance(row *preset, from string) Provenance {
	kind, how := Incomplete, "not compared with a recorded hello"
	if row.match.Compared {
		kind, how = Published, "sent by "+row.match.Browser
	}
	s := Source{Incomplete, fmt.Sprintf("%s, made to look older; not what %s sent", from, row.match.Preset[len("Hello"):])}
	h2 := Source{Incomplete, from}
	if row.ja4 != "" {
		h2 = Source{Derived, from + ": captured Chromium 131 and 156 open HTTP/2 alike"}
	}
	return Provenance{
		TLS:      Source{kind, "uTLS v1.8.2 " + row.match.Preset + ": " + how},
		HTTP2:    h2,
		Headers:  s,
		Identity: s,
	}
}

// age takes from p what the browser of row did not have yet, and gives it that
// version's name.
func (p *Profile) age(row *preset) {
	version := strconv.Itoa(row.major)
	p.Browser.Version = version + ".0"
	var zstd, priority, secFetch int // the first versions that had these
	switch row.from {
	case gecko:
		zstd, priority, secFetch = 126, 128, 90
		p.setIdentity("user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:"+version+".0) Gecko/20100101 Firefox/"+version+".0")
	case ios:
		secFetch = 16
		p.Browser.Platform = "iOS"
		p.setIdentity("user-agent", "Mozilla/5.0 (iPhone; CPU iPhone OS "+version+"_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/"+version+".0 Mobile/15E148 Safari/604.1")
	default:
		zstd, priority, secFetch = 123, 124, 80
		p.agedChromium(row, version)
	}
	p.eachField(func(f *Field) (keep bool) {
		switch {
		case same(f.Name, "accept"):
			f.Value = strings.ReplaceAll(f.Value, "image/jxl,", "")
		case same(f.Name, "accept-encoding") && row.major < zstd:
			f.Value = strings.TrimSuffix(f.Value, ", zstd")
		case same(f.Name, "priority"):
			return row.major >= priority
		case len(f.Name) > 10 && same(f.Name[:10], "sec-fetch-"):
			return row.major >= secFetch
		}
		return true
	})
}

// agedChromium names the version of a Chrome or Edge.
func (p *Profile) agedChromium(row *preset, version string) {
	agent := "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/" + version + ".0.0.0 Safari/537.36"
	if row.from == edge {
		p.Browser.Brand = "Microsoft Edge"
		agent += " Edg/" + version + ".0.0.0"
	}
	p.setIdentity("user-agent", agent)
	if row.major >= brandsSince {
		p.setIdentity("sec-ch-ua", Brands(p.Browser.Brand, row.major))
		return
	}
	// Older lists followed another rule, and before Chrome 89 there were none.
	p.Identity = slices.DeleteFunc(p.Identity, func(f HeaderField) bool { return strings.HasPrefix(f.Name, "sec-ch-ua") })
}

// brandsSince is the first Chromium whose list Brands makes.
const brandsSince = 105

func (p *Profile) setIdentity(name, value string) {
	for i := range p.Identity {
		if p.Identity[i].Name == name {
			p.Identity[i].Value = value
		}
	}
}

// eachField calls f on every field of every list and drops those it refuses.
func (p *Profile) eachField(f func(*Field) (keep bool)) {
	for i := range p.Headers {
		l := &p.Headers[i]
		kept := l.Fields[:0]
		for _, field := range l.Fields {
			if f(&field) {
				kept = append(kept, field)
			}
		}
		l.Fields = kept
	}
}

package capture

import (
	"cmp"
	"errors"
	"fmt"
	"strconv"
	"strings"

	fp "github.com/mien-http/mien/fingerprint"
)

// learnIdentity reads who the browser says it is off its requests. A headless
// Chromium says so in its User-Agent, and headless_shell in its brands as well:
// the profile has what the same build says with a window.
func (l *learner) learnIdentity(c *Capture, p *fp.Profile, version string) error {
	for _, name := range identityFields {
		for _, r := range c.Requests {
			if v := r.get(name); v != "" {
				p.Identity = append(p.Identity, fp.HeaderField{Name: name, Value: v})
				break
			}
		}
	}
	agent := identity(p, "user-agent")
	if *agent == "" {
		return errors.New("no request has a User-Agent")
	}
	b := &p.Browser
	if full := word(*agent, "HeadlessChrome/"); full != "" {
		// With a window, version numbers behind the first have been zeros since 107.
		version = cmp.Or(version, full)
		major, _, _ := strings.Cut(full, ".")
		*agent = strings.Replace(*agent, "HeadlessChrome/"+full, "Chrome/"+major+".0.0.0", 1)
	}
	switch {
	case strings.Contains(*agent, "Chrome/"):
		b.Engine, b.Brand, b.Version = "blink", "Chromium", word(*agent, "Chrome/")
	case strings.Contains(*agent, "Firefox/"):
		b.Engine, b.Brand, b.Version = "gecko", "Firefox", word(*agent, "Firefox/")
	case strings.Contains(*agent, "Version/") && strings.Contains(*agent, "Safari/"):
		b.Engine, b.Brand, b.Version = "webkit", "Safari", word(*agent, "Version/")
	default:
		return fmt.Errorf("the User-Agent %q is of no engine known", *agent)
	}
	if edge := word(*agent, "Edg/"); edge != "" {
		b.Brand, b.Version = "Microsoft Edge", edge
	}
	b.Version = cmp.Or(version, b.Version)
	b.Platform = platform(*agent)
	l.engine = b.Engine
	if brands := identity(p, "sec-ch-ua"); b.Engine == "blink" && *brands != "" {
		major, err := strconv.Atoi(b.Major())
		if err != nil {
			return fmt.Errorf("version %q does not begin with a number", b.Version)
		}
		for _, known := range []string{"Google Chrome", "Microsoft Edge"} {
			if strings.Contains(*brands, `"`+known+`"`) {
				b.Brand = known
			}
		}
		if strings.Contains(*brands, "HeadlessChrome") {
			*brands = fp.Brands(b.Brand, major)
			l.notes = append(l.notes, "sec-ch-ua: the recorded build says HeadlessChrome; the list is Chromium's rule for its version")
		}
	}
	if l.engine == "blink" && *identity(p, "accept-language") == "" {
		const language = "en-US,en;q=0.9"
		p.Identity = append(p.Identity, fp.HeaderField{Name: "accept-language", Value: language})
		l.notes = append(l.notes, "accept-language: the recorded build sends none; the value is that of an English Chromium, and its place that of other versions")
		for i := range c.Requests {
			c.Requests[i].addLanguage(language)
		}
	}
	l.identity = p.Identity
	return nil
}

// addLanguage puts accept-language where Chromium has it: behind accept-encoding.
func (r *Request) addLanguage(value string) {
	for i, f := range r.Fields {
		if !strings.EqualFold(f.Name, "accept-encoding") || r.has("accept-language") {
			continue
		}
		name := "accept-language"
		if r.Wire != fp.OverHTTP2 {
			name = "Accept-Language"
		}
		fields := append([]fp.HeaderField{}, r.Fields[:i+1]...)
		fields = append(fields, fp.HeaderField{Name: name, Value: value})
		r.Fields = append(fields, r.Fields[i+1:]...)
		return
	}
}

// identity returns the value of an identity field, to be read or changed.
func identity(p *fp.Profile, name string) *string {
	for i := range p.Identity {
		if p.Identity[i].Name == name {
			return &p.Identity[i].Value
		}
	}
	none := ""
	return &none
}

// word returns what stands behind a product's name in a User-Agent.
func word(agent, product string) string {
	_, after, _ := strings.Cut(agent, product)
	v, _, _ := strings.Cut(after, " ")
	return v
}

func platform(agent string) string {
	for _, p := range [][2]string{{"Windows", "Windows"}, {"Android", "Android"}, {"iPhone", "iOS"}, {"iPad", "iOS"}, {"Mac OS X", "macOS"}} {
		if strings.Contains(agent, p[0]) {
			return p[1]
		}
	}
	return "Linux"
}

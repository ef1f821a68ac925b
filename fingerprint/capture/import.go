package capture

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	fp "github.com/mien-http/mien/fingerprint"
)

// Options say of an import what a recording does not hold.
type Options struct {
	// Name of the profile; "": made of brand, version and platform.
	Name string
	// Version is the full version of the build; "": as far as the User-Agent has it.
	Version string
	// Source is what Provenance names; "": the browser and its version.
	Source string
}

// Import learns a profile from a recording. A part that the recording does not
// hold is an error, except kinds of request: those are named in Profile.Absent.
// So is a variation that no known rule explains. The profile is valid.
func Import(c *Capture, o Options) (*fp.Profile, error) {
	p, err := learn(c, o)
	if err != nil {
		return nil, err
	}
	if err := p.Validate(); err != nil {
		return nil, err
	}
	return p, nil
}

func learn(c *Capture, o Options) (*fp.Profile, error) {
	l := &learner{}
	p := &fp.Profile{}
	if err := l.learnIdentity(c, p, o.Version); err != nil {
		return nil, err
	}
	pages := c.pages()
	tls, err := learnTLS(pages)
	if err != nil {
		return nil, err
	}
	p.TLS = *tls
	h2, err := c.learnHTTP2(l.engine)
	if err != nil {
		return nil, err
	}
	if h2 == nil {
		return nil, errors.New("no HTTP/2 connection is recorded (events.jsonl)")
	}
	p.HTTP2 = *h2
	if err := l.learnHeaders(c, p); err != nil {
		return nil, err
	}
	source := fp.Source{Kind: fp.Captured, From: cmp.Or(o.Source, p.Browser.Brand+" "+p.Browser.Version)}
	p.Provenance = fp.Provenance{TLS: source, HTTP2: source, Headers: source, Identity: source}
	p.Notes = append(p.Notes, l.notes...)
	p.Digests = digests(p, pages)
	p.Name = cmp.Or(o.Name, strings.ToLower(strings.ReplaceAll(p.Browser.Brand, " ", "-")+"-"+p.Browser.Major()+"-"+p.Browser.Platform))
	return p, nil
}

// digests are those of the recorded hellos and of the opening.
func digests(p *fp.Profile, pages []Hello) fp.Digests {
	fresh, resumed := splitHellos(pages)
	d := fp.Digests{JA4: fresh[0].Hello.JA4(), Akamai: p.HTTP2.Akamai()}
	if !p.TLS.Permute {
		d.JA3 = fresh[0].Hello.JA3Hash()
	}
	for _, h := range resumed {
		if !h.Hello.HasEarlyData() {
			d.JA4Resumed = h.Hello.JA4()
			break
		}
	}
	return d
}

// learnHeaders makes a list of every kind of request that was recorded, and
// names the others.
func (l *learner) learnHeaders(c *Capture, p *fp.Profile) error {
	groups := map[fp.Kind][]*sample{}
	var kinds []fp.Kind
	have := map[fp.Kind]bool{}
	for i := range c.Requests {
		r := &c.Requests[i]
		if !r.usable() {
			continue
		}
		k := fp.Kind{Wire: r.Wire, Destination: r.destination()}
		variants := r.Variants()
		have[fp.Kind{Wire: k.Wire, Destination: k.Destination, Variant: variants[0]}] = true
		if groups[k] == nil {
			kinds = append(kinds, k)
		}
		groups[k] = append(groups[k], &sample{r: r, head: r.HeadRequest(variants[0]), variant: variants[0], loose: len(variants) > 1})
	}
	slices.SortFunc(kinds, compareKinds)
	for _, k := range kinds {
		l.steady(k, groups[k])
		list, err := l.list(k.Wire, k.Destination, groups[k])
		if err != nil {
			return fmt.Errorf("%s: %w", k, err)
		}
		p.Headers = append(p.Headers, *list)
	}
	complete(p.Headers)
	p.Absent = absent(have)
	return nil
}

// order of wires and destinations in a file.
var (
	wires        = []fp.Wire{fp.OverHTTP2, fp.OverHTTP1, fp.OverCleartext}
	destinations = []fp.Destination{fp.Document, fp.Iframe, fp.Empty, fp.Image, fp.Script, fp.Style, fp.Font, fp.Video, fp.Audio, fp.WebSocket}
)

func compareKinds(a, b fp.Kind) int {
	return cmp.Or(
		cmp.Compare(slices.Index(wires, a.Wire), slices.Index(wires, b.Wire)),
		cmp.Compare(slices.Index(destinations, a.Destination), slices.Index(destinations, b.Destination)),
		cmp.Compare(a.Destination, b.Destination),
		cmp.Compare(a.Variant, b.Variant),
	)
}

// knownKinds are the kinds that a whole recording has over each wire.
var knownKinds = []fp.Kind{
	{Destination: fp.Document}, {Destination: fp.Document, Variant: fp.Reload}, {Destination: fp.Iframe}, {Destination: fp.Empty},
	{Destination: fp.Empty, Variant: fp.XHR}, {Destination: fp.Empty, Variant: fp.Beacon},
	{Destination: fp.Empty, Variant: fp.EventSource}, {Destination: fp.Empty, Variant: fp.Keepalive},
	{Destination: fp.Empty, Variant: fp.HighPriority}, {Destination: fp.Empty, Variant: fp.LowPriority},
	{Destination: fp.Image}, {Destination: fp.Image, Variant: fp.Preload}, {Destination: fp.Image, Variant: fp.Background},
	{Destination: fp.Image, Variant: fp.Inserted},
	{Destination: fp.Script}, {Destination: fp.Script, Variant: fp.Async}, {Destination: fp.Script, Variant: fp.Module},
	{Destination: fp.Style}, {Destination: fp.Font}, {Destination: fp.Video}, {Destination: fp.WebSocket},
}

// absent names what is missing of knownKinds: a wire as a whole, then
// destinations, then variants.
func absent(have map[fp.Kind]bool) []fp.Kind {
	var out []fp.Kind
	for _, wire := range wires {
		var missing []fp.Kind
		for _, k := range knownKinds {
			k.Wire = wire
			if !have[k] {
				missing = append(missing, k)
			}
		}
		if len(missing) == len(knownKinds) {
			out = append(out, fp.Kind{Wire: wire})
			continue
		}
		for _, k := range missing {
			if whole := (fp.Kind{Wire: wire, Destination: k.Destination}); k != whole && slices.Contains(missing, whole) && !anyVariant(have, whole) {
				continue // the destination is named already
			}
			if k.Variant == "" && anyVariant(have, k) {
				continue // there is a list, of a variant alone
			}
			out = append(out, k)
		}
	}
	return out
}

// anyVariant reports whether any request of k's wire and destination was seen.
func anyVariant(have map[fp.Kind]bool, k fp.Kind) bool {
	for other := range have {
		if other.Wire == k.Wire && other.Destination == k.Destination {
			return true
		}
	}
	return false
}

// steady leaves the samples of one variant with one priority field: which of two
// a request gets may depend on timing, and the profile has the commonest.
func (l *learner) steady(k fp.Kind, samples []*sample) {
	for _, v := range variantsOf(samples) {
		counts := map[string]int{}
		best := ""
		for _, s := range samples {
			if named(s.variant) == v && !s.loose {
				value := s.r.get("priority")
				if counts[value]++; counts[value] > counts[best] {
					best = value
				}
			}
		}
		if len(counts) > 1 {
			l.notes = append(l.notes, fmt.Sprintf("%s: priority varies from request to request; %q is the commonest", fp.Kind{Wire: k.Wire, Destination: k.Destination, Variant: v}, best))
		}
		for _, s := range samples {
			if named(s.variant) == v && s.r.get("priority") != best {
				s.r = withPriority(s.r, best)
			}
		}
	}
}

func named(v fp.Variant) fp.Variant { return cmp.Or(v, fp.Default) }

// withPriority is a copy of r with another value of the priority field.
func withPriority(r *Request, value string) *Request {
	c := *r
	c.Fields = slices.Clone(r.Fields)
	c.Fields = slices.DeleteFunc(c.Fields, func(f fp.HeaderField) bool { return strings.EqualFold(f.Name, "priority") && value == "" })
	for i := range c.Fields {
		if strings.EqualFold(c.Fields[i].Name, "priority") {
			c.Fields[i].Value = value
		}
	}
	return &c
}

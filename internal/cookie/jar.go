package cookie

import (
	"cmp"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// laxUnsafe is how long Chromium lets a cookie without SameSite go with a
	// POST from another site: single sign-on relied on that (RFC 6265bis §5.6.7.2).
	laxUnsafe = 2 * time.Minute
	// maxLifetime is RFC 6265bis §5.5, and what browsers hold cookies to.
	maxLifetime = 400 * 24 * time.Hour
)

// Config is what a Jar is made from. The zero value follows Firefox.
type Config struct {
	// LaxByDefault follows Chromium: a cookie without SameSite is Lax, but that
	// in its first two minutes it goes with a top-level POST too.
	LaxByDefault bool
}

// Request is what a cookie depends on.
type Request struct {
	// URL of the request; only scheme, host and path are looked at.
	URL *url.URL
	// Partition separates cookies: none set in one is sent in another.
	Partition string
	// CrossSite says that a page of another site caused the request.
	CrossSite bool
	// TopLevel says that the response becomes the page in the address bar.
	TopLevel bool
	// Unsafe says that the method may change something (RFC 9110 §9.2.1).
	Unsafe bool
}

// Jar keeps cookies in memory. It is safe for concurrent use.
type Jar struct {
	config Config // not changed after New

	mu sync.Mutex
	s  store // guarded by mu

	held atomic.Int64 // s.order.Len() when mu was last let go; written with mu held
}

// New returns an empty Jar.
func New(c Config) *Jar {
	return &Jar{config: c, s: newStore()}
}

// Len is the number of cookies held, those included that have expired since
// their site was last visited.
func (j *Jar) Len() int { return int(j.held.Load()) }

// unlock lets mu go after the jar may have changed.
func (j *Jar) unlock() {
	j.held.Store(int64(j.s.order.Len()))
	j.mu.Unlock()
}

// Set keeps the cookies of a response to r, each line the value of one
// Set-Cookie field, as far as r may set them (RFC 6265bis §5.7). What it may not
// set is passed over in silence, as browsers do.
func (j *Jar) Set(r *Request, lines []string, now time.Time) {
	host := hostOf(r.URL)
	if host == "" || len(lines) == 0 {
		return
	}
	j.mu.Lock()
	defer j.unlock()
	for _, line := range lines {
		c, err := Parse(line)
		if err != nil {
			continue
		}
		if e, ok := j.accept(r, host, &c, now); ok {
			j.s.put(e, now)
		}
	}
}

// accept makes c, received in answer to r, a cookie to keep. j.mu is held.
func (j *Jar) accept(r *Request, host string, c *SetCookie, now time.Time) (*entry, bool) {
	domain, hostOnly, ok := domainFor(host, c.Domain)
	if !ok {
		return nil, false
	}
	// Clones, because the bytes of the whole response would live on with a part.
	e := &entry{
		name: strings.Clone(c.Name), value: strings.Clone(c.Value),
		partition: r.Partition, domain: strings.Clone(domain), hostOnly: hostOnly, path: strings.Clone(c.Path),
		secure: c.Secure, httpOnly: c.HTTPOnly, sameSite: c.SameSite,
		created: now, used: now, expires: expiry(c, now),
	}
	if !e.prefixHolds() { // before a path is made up: __Host- wants one that was said
		return nil, false
	}
	if e.path == "" {
		e.path = strings.Clone(defaultPath(pathOf(r.URL)))
	}
	safe := isSafe(r.URL, host)
	switch {
	case e.secure && !safe:
		return nil, false
	case !e.secure && !safe && j.s.shadowsSecure(e, now):
		return nil, false
	case e.sameSite == None && !e.secure:
		return nil, false
	case r.CrossSite && !r.TopLevel && j.rule(e) != None:
		return nil, false
	}
	return e, true
}

// expiry is the end of c's life, at the latest in 400 days; zero for a cookie of
// the session. Max-Age goes before Expires.
func expiry(c *SetCookie, now time.Time) time.Time {
	latest := now.Add(maxLifetime)
	switch {
	case c.MaxAge < 0:
		return now
	case c.MaxAge > 0:
		if age := time.Duration(c.MaxAge) * time.Second; age < maxLifetime {
			return now.Add(age)
		}
		return latest
	case c.Expires.After(latest):
		return latest
	}
	return c.Expires
}

// rule is e's SameSite, with what the browser takes for it if there is none.
func (j *Jar) rule(e *entry) SameSite {
	switch {
	case e.sameSite != Default:
		return e.sameSite
	case j.config.LaxByDefault:
		return Lax
	}
	return None
}

// Header is the Cookie field of r, "" if there are no cookies for it: longer
// paths first, then older cookies (RFC 6265bis §5.8.3).
func (j *Jar) Header(r *Request, now time.Time) string {
	host := hostOf(r.URL)
	if host == "" {
		return ""
	}
	path, safe := pathOf(r.URL), isSafe(r.URL, host)
	j.mu.Lock()
	defer j.unlock()
	var send []*entry
	for _, e := range j.s.ofSite(r.Partition, siteOf(host), now) {
		if e.hostOnly && e.domain != host || !domainMatch(host, e.domain) || !pathMatch(path, e.path) ||
			e.secure && !safe || r.CrossSite && !j.crosses(e, r, now) {
			continue
		}
		send = append(send, e)
	}
	slices.SortFunc(send, func(a, b *entry) int {
		return cmp.Or(cmp.Compare(len(b.path), len(a.path)), a.created.Compare(b.created), cmp.Compare(a.serial, b.serial))
	})
	var field strings.Builder
	for i, e := range send {
		j.s.touch(e, now)
		if i > 0 {
			field.WriteString("; ")
		}
		if e.name != "" { // a cookie without a name is sent without "="
			field.WriteString(e.name)
			field.WriteByte('=')
		}
		field.WriteString(e.value)
	}
	return field.String()
}

// crosses reports whether e goes with r, which another site caused.
func (j *Jar) crosses(e *entry, r *Request, now time.Time) bool {
	switch j.rule(e) {
	case None:
		return true
	case Lax:
		young := e.sameSite == Default && now.Sub(e.created) <= laxUnsafe
		return r.TopLevel && (!r.Unsafe || young)
	}
	return false
}

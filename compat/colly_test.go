package compat_test

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/gocolly/colly/v2"

	"github.com/mien-http/mien"
	"github.com/mien-http/mien/mientest"
)

// site has 1+4+16 pages that link to each other, a page behind a form, and one
// that never comes.
type site struct {
	mu    sync.Mutex
	seen  []string // guarded by mu; method, path, Sec-Fetch-Dest of each request
	agent string   // guarded by mu; of the last request
	came  chan string
}

func (h *site) take() (seen []string, agent string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	seen, h.seen = h.seen, nil
	slices.Sort(seen)
	return seen, h.agent
}

func (h *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	h.seen = append(h.seen, r.Method+" "+r.URL.Path+" "+r.Header.Get("Sec-Fetch-Dest"))
	h.agent = r.Header.Get("User-Agent")
	h.mu.Unlock()
	c, _ := r.Cookie("seen")
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	switch {
	case r.URL.Path == "/robots.txt":
		_, _ = io.WriteString(w, "User-agent: *\nDisallow: /private\n")
	case r.URL.Path == "/form":
		_, _ = io.WriteString(w, `<form method=post action=/submit><input name=user value=me><input name=pass value="a&b"></form>`)
	case r.URL.Path == "/submit":
		http.SetCookie(w, &http.Cookie{Name: "user", Value: r.FormValue("user") + "-" + fmt.Sprint(len(r.FormValue("pass"))), Path: "/"})
		http.Redirect(w, r, "/account", http.StatusFound)
	case r.URL.Path == "/account":
		user, _ := r.Cookie("user")
		fmt.Fprintf(w, "<p class=user>%s</p>", user.Value)
	case r.URL.Path == "/never":
		h.came <- r.URL.Path
		<-r.Context().Done()
	case c == nil && r.URL.Path != "/":
		http.Error(w, "no cookie", http.StatusForbidden)
	default:
		http.SetCookie(w, &http.Cookie{Name: "seen", Value: "1", Path: "/"})
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		fmt.Fprintf(z, "<title>Seite für %s</title><a href=/private>private</a>", r.URL.Path)
		if len(r.URL.Path) < 3 {
			for i := range 4 {
				fmt.Fprintf(z, "<a href='%s'>page</a>", strings.TrimSuffix(r.URL.Path, "/")+"/"+fmt.Sprint(i)+"?#f")
			}
		}
		_ = z.Close()
	}
}

// collectors are the ways to put a session under colly.
var collectors = []struct {
	name string
	make func(s *mien.Session) *colly.Collector
	dest string // Sec-Fetch-Dest of its pages
}{
	{"SetClient", func(s *mien.Session) *colly.Collector {
		c := colly.NewCollector()
		c.SetClient(asBrowser(s))
		return c
	}, "document"},
	{"WithTransport", func(s *mien.Session) *colly.Collector { // colly's cookies and redirects
		c := colly.NewCollector()
		c.WithTransport(s)
		return c
	}, "empty"},
}

func TestColly(t *testing.T) {
	h := &site{}
	for _, how := range collectors {
		t.Run(how.name, func(t *testing.T) {
			onEachWire(t, h, func(t *testing.T, s *mien.Session, o *mientest.Origin) {
				c := how.make(s)
				c.Async = true
				c.IgnoreRobotsTxt = false
				check(t, c.Limit(&colly.LimitRule{DomainGlob: "*", Parallelism: 4}))
				c.OnHTML("a[href]", func(e *colly.HTMLElement) {
					if err := e.Request.Visit(e.Attr("href")); err != nil && !strings.HasSuffix(e.Attr("href"), "/private") {
						t.Error(err)
					}
				})
				var mu sync.Mutex
				titles := 0
				c.OnHTML("title", func(e *colly.HTMLElement) {
					mu.Lock()
					defer mu.Unlock()
					if strings.HasPrefix(e.Text, "Seite für /") {
						titles++
					}
				})
				c.OnError(func(r *colly.Response, err error) { t.Errorf("%s: %v", r.Request.URL, err) })
				check(t, c.Visit(named(o)+"/"))
				c.Wait()
				seen, agent := h.take()
				if titles != 21 || len(slices.Compact(slices.Clone(seen))) != 22 || len(seen) != 22 {
					t.Errorf("%d pages of 21 and robots.txt: %v", titles, seen)
				}
				want := "GET /0/0 " + how.dest
				if strings.HasPrefix(o.URL, "http:") { // where browsers send none
					want = "GET /0/0 "
				}
				if !slices.Contains(seen, want) {
					t.Errorf("no %q among %q", want, seen)
				}
				if own := strings.HasPrefix(agent, "colly "); own != (how.name == "WithTransport") {
					t.Errorf("User-Agent is %q", agent)
				}
			})
		})
	}
}

func TestCollyForm(t *testing.T) {
	h := &site{}
	for _, how := range collectors {
		t.Run(how.name, func(t *testing.T) {
			onEachWire(t, h, func(t *testing.T, s *mien.Session, o *mientest.Origin) {
				c := how.make(s)
				c.OnHTML("form", func(e *colly.HTMLElement) {
					fields := make(map[string]string)
					e.ForEach("input", func(_ int, in *colly.HTMLElement) { fields[in.Attr("name")] = in.Attr("value") })
					check(t, e.Request.Post(e.Attr("action"), fields))
				})
				var user string
				c.OnHTML(".user", func(e *colly.HTMLElement) { user = e.Text })
				check(t, c.Visit(named(o)+"/form"))
				if user != "me-3" {
					t.Errorf("the page behind the form is for %q", user)
				}
			})
		})
	}
}

func TestCollyCancel(t *testing.T) {
	h := &site{came: make(chan string)}
	onEachWire(t, h, func(t *testing.T, s *mien.Session, o *mientest.Origin) {
		ctx, cancel := context.WithCancel(timeout(t))
		c := collectors[0].make(s)
		c.Context = ctx
		go func() {
			<-h.came
			cancel()
		}()
		if err := c.Visit(named(o) + "/never"); !errors.Is(err, context.Canceled) {
			t.Errorf("Visit ended with %v", err)
		}
	})
}

// Command crawl walks through a site with colly, as Chrome would look, at a rate
// that the site bears, and stays out of what robots.txt forbids.
package main

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"strings"
	"sync/atomic"

	"github.com/gocolly/colly/v2"

	"github.com/mien-http/mien"
	"github.com/mien-http/mien/mientest"
)

func main() {
	if err := run(os.Stdout); err != nil {
		log.Fatal(err)
	}
}

func run(out io.Writer) error {
	origin, err := mientest.New(mientest.Config{
		Handler: http.HandlerFunc(site),
		Faults:  mientest.Faults{Handshake: mientest.HandshakeFaults{First: 2}},
	})
	if err != nil {
		return err
	}
	defer origin.Close()
	s, err := mien.New(mien.Config{
		TLS:    origin.ClientTLS(),
		Limits: mien.Limits{InFlightPerHost: 4, PerHostRate: 100},
	})
	if err != nil {
		return err
	}
	defer s.Close()

	c := colly.NewCollector(colly.Async(true))
	c.SetClient(s.Client())
	c.IgnoreRobotsTxt = false
	c.OnRequest(func(r *colly.Request) {
		r.Headers.Del("User-Agent") // colly's own, which no browser sends;
		r.Headers.Del("Accept")     // with neither the profile's are sent
	})
	var pages, failed atomic.Int64
	c.OnHTML("h1", func(*colly.HTMLElement) { pages.Add(1) })
	c.OnHTML("a[href]", func(e *colly.HTMLElement) {
		// An error says that it was visited, or is forbidden; others come to OnError.
		_ = e.Request.Visit(e.Attr("href"))
	})
	c.OnError(func(*colly.Response, error) { failed.Add(1) })
	if err := c.Visit(origin.URL + "/"); err != nil {
		return err
	}
	c.Wait()
	fmt.Fprintf(out, "%d pages, %d failed\n", pages.Load(), failed.Load())
	return nil
}

// site has a page for each path of up to two digits, for browsers alone.
func site(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.URL.Path == "/robots.txt":
		fmt.Fprint(w, "User-agent: *\nDisallow: /private\n")
	case r.Header.Get("Sec-Fetch-Dest") != "document" || !strings.Contains(r.UserAgent(), "Chrome/"):
		http.Error(w, "browsers only", http.StatusForbidden)
	default:
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprintf(w, "<h1>%s</h1><a href=/private>keep out</a>", r.URL.Path)
		for i := 0; i < 5 && len(r.URL.Path) < 3; i++ {
			fmt.Fprintf(w, "<a href=%s%d>next</a>", r.URL.Path, i)
		}
	}
}

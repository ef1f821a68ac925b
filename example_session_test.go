package mien_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"strings"

	"github.com/mien-http/mien"
	"github.com/mien-http/mien/fingerprint"
	"github.com/mien-http/mien/mientest"
)

// exampleSession trusts origin and is the newest Chrome, unless cfg says otherwise.
func exampleSession(origin *mientest.Origin, cfg mien.Config) *mien.Session {
	cfg.TLS = origin.ClientTLS()
	s, err := mien.New(cfg)
	if err != nil {
		log.Fatal(err)
	}
	return s
}

// exampleText sends a GET and returns what the origin answers.
func exampleText(ctx context.Context, s *mien.Session, url string) string {
	resp, err := s.Get(ctx, url)
	if err != nil {
		return err.Error()
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return err.Error()
	}
	return string(body)
}

// A GET is a page that somebody typed into the address bar.
func ExampleSession_Get() {
	origin := exampleOrigin(mientest.Config{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" {
			http.Redirect(w, r, "/home", http.StatusFound)
			return
		}
		fmt.Fprint(w, "a ", r.Header.Get("Sec-Fetch-Dest"), " from ", r.Header.Get("Sec-Fetch-Site"))
	})})
	defer origin.Close()
	s, err := mien.New(mien.Config{Profile: fingerprint.Firefox(), TLS: origin.ClientTLS()})
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()

	resp, err := s.Get(context.Background(), origin.URL)
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(resp.StatusCode, resp.Request.URL.Path)
	fmt.Printf("%s\n", body)
	// Output:
	// 200 /home
	// a document from none
}

// A Session is an http.RoundTripper: a client of your own brings its own jar and
// rules for redirects. Session.Client gives one that has those of the browser.
func ExampleSession_RoundTrip() {
	origin := exampleOrigin(mientest.Config{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/elsewhere", http.StatusSeeOther)
	})})
	defer origin.Close()
	s := exampleSession(origin, mien.Config{})
	defer s.Close()

	client := &http.Client{
		Transport:     s,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	resp, err := client.Post(origin.URL, "application/json", strings.NewReader("{}"))
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	fmt.Println(resp.Proto, resp.StatusCode, resp.Header.Get("Location"))
	// Output: HTTP/2.0 303 /elsewhere
}

// A login outlives the process: its cookies go into a file, here a buffer.
func ExampleSession_ExportCookies() {
	origin := exampleOrigin(mientest.Config{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if c, err := r.Cookie("user"); err == nil {
			fmt.Fprint(w, "hello ", c.Value)
			return
		}
		http.SetCookie(w, &http.Cookie{Name: "user", Value: "anna", Secure: true, HttpOnly: true})
		fmt.Fprint(w, "who are you?")
	})})
	defer origin.Close()

	var file bytes.Buffer // as secret as a password
	first := exampleSession(origin, mien.Config{})
	fmt.Println(exampleText(context.Background(), first, origin.URL))
	if err := first.ExportCookies(&file); err != nil {
		log.Fatal(err)
	}
	first.Close()

	second := exampleSession(origin, mien.Config{})
	defer second.Close()
	if err := second.ImportCookies(&file); err != nil {
		log.Fatal(err)
	}
	fmt.Println(exampleText(context.Background(), second, origin.URL))
	// Output:
	// who are you?
	// hello anna
}

// Cookies that come from elsewhere, a browser's for instance: name, value and
// domain are enough, and hostOnly for those of one host, as all of addresses are.
func ExampleSession_ImportCookies() {
	origin := exampleOrigin(mientest.Config{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, r.Header.Get("Cookie"))
	})})
	defer origin.Close()
	s := exampleSession(origin, mien.Config{})
	defer s.Close()

	err := s.ImportCookies(strings.NewReader(`{"version": 1, "cookies": [
		{"name": "user", "value": "anna", "domain": "127.0.0.1", "hostOnly": true},
		{"name": "elsewhere", "value": "1", "domain": "example.org"}
	]}`))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(exampleText(context.Background(), s, origin.URL))
	// Output: user=anna
}

// Figures to watch, and to act upon: here every other handshake dies.
func ExampleSession_Stats() {
	origin := exampleOrigin(mientest.Config{
		Protocols: []string{"http/1.1"}, // of which each request at once needs a connection
		Faults:    mientest.Faults{Handshake: mientest.HandshakeFaults{Share: 0.5}},
	})
	defer origin.Close()
	s := exampleSession(origin, mien.Config{})
	defer s.Close()

	for range 5 {
		exampleText(mien.WithOptions(context.Background(), mien.Options{FreshConnection: true}), s, origin.URL)
	}
	stats := s.Stats()
	fmt.Println("requests:", stats.Requests, "failed:", stats.Failed)
	fmt.Println("handshakes:", stats.Handshakes, "failed:", stats.HandshakesFailed)
	fmt.Println("of the last minute's:", stats.HandshakeFailureRate)
	fmt.Println("origins:", len(stats.Origins), "with latencies of", stats.Origins[0].TLS.Count, "handshakes")
	// Output:
	// requests: 5 failed: 0
	// handshakes: 10 failed: map[HandshakeReset:5]
	// of the last minute's: 0.5
	// origins: 1 with latencies of 5 handshakes
}

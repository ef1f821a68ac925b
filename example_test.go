package mien_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"slices"
	"strings"

	"github.com/mien-http/mien"
	"github.com/mien-http/mien/fingerprint"
	"github.com/mien-http/mien/mientest"
	"github.com/mien-http/mien/retry"
)

// exampleOrigin stands in for a site. The examples trust it through Config.TLS,
// which no site with an ordinary certificate needs.
func exampleOrigin(cfg mientest.Config) *mientest.Origin {
	origin, err := mientest.New(cfg)
	if err != nil {
		log.Fatal(err)
	}
	return origin
}

func ExampleNew() {
	origin := exampleOrigin(mientest.Config{})
	defer origin.Close()

	profile, err := fingerprint.Lookup("chrome-156-linux")
	if err != nil {
		log.Fatal(err)
	}
	s, err := mien.New(mien.Config{Profile: profile, TLS: origin.ClientTLS()})
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()

	resp, err := s.Get(context.Background(), origin.URL)
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	var saw mientest.Report
	if err := json.NewDecoder(resp.Body).Decode(&saw); err != nil {
		log.Fatal(err)
	}
	fmt.Println(resp.Status, saw.Protocol)
	fmt.Println(saw.Akamai)
	// Output:
	// 200 OK h2
	// 1:65536;2:0;4:6291456;6:262144|15663105|0|m,a,s,p
}

func ExampleSession_Do() {
	origin := exampleOrigin(mientest.Config{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		order, _ := io.ReadAll(r.Body)
		w.WriteHeader(http.StatusCreated)
		fmt.Fprintf(w, "%s %s from %s", r.Method, order, r.Header.Get("Sec-Fetch-Site"))
	})})
	defer origin.Close()
	s, err := mien.New(mien.Config{TLS: origin.ClientTLS()})
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()

	req, err := http.NewRequest(http.MethodPost, origin.URL+"/orders", strings.NewReader(`{"dish":"soup"}`))
	if err != nil {
		log.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := s.Do(req)
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%d %s\n", resp.StatusCode, body)
	// Output: 201 POST {"dish":"soup"} from same-origin
}

func ExampleSession_All() {
	// A fifth of the TLS handshakes is killed, as overloaded networks do.
	origin := exampleOrigin(mientest.Config{
		Faults: mientest.Faults{Handshake: mientest.HandshakeFaults{Share: 0.2}},
	})
	defer origin.Close()
	s, err := mien.New(mien.Config{TLS: origin.ClientTLS()})
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()

	var requests []*http.Request
	for i := range 500 {
		req, err := http.NewRequest(http.MethodGet, fmt.Sprint(origin.URL, "/", i), nil)
		if err != nil {
			log.Fatal(err)
		}
		requests = append(requests, req)
	}
	ok := 0
	for resp, err := range s.All(context.Background(), slices.Values(requests)) {
		if err != nil {
			fmt.Println(err)
			continue
		}
		if _, err := io.Copy(io.Discard, resp.Body); err == nil {
			ok++
		}
		resp.Body.Close()
	}
	fmt.Println(ok, "of", len(requests))
	// Output: 500 of 500
}

func ExampleSession_Client() {
	origin := exampleOrigin(mientest.Config{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if c, err := r.Cookie("visits"); err == nil {
			fmt.Fprint(w, "welcome back, ", c.Value)
			return
		}
		http.SetCookie(w, &http.Cookie{Name: "visits", Value: "1"})
		http.Redirect(w, r, "/again", http.StatusSeeOther)
	})})
	defer origin.Close()
	s, err := mien.New(mien.Config{TLS: origin.ClientTLS()})
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()

	// What takes an http.Client, an SDK for example, need not know of mien.
	client := s.Client()
	resp, err := client.Get(origin.URL)
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s: %s\n", resp.Request.URL.Path, body)
	// Output: /again: welcome back, 1
}

func ExampleWithOptions() {
	origin := exampleOrigin(mientest.Config{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s of a %s page, %s", r.Header.Get("Sec-Fetch-Dest"), r.Header.Get("Sec-Fetch-Site"), r.Header.Get("Sec-Fetch-Mode"))
	})})
	defer origin.Close()
	s, err := mien.New(mien.Config{TLS: origin.ClientTLS()})
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()

	// The header fields of an image that a page of another site shows.
	ctx := mien.WithOptions(context.Background(), mien.Options{
		Destination: fingerprint.Image,
		Initiator:   "https://example.org/gallery",
	})
	resp, err := s.Get(ctx, origin.URL+"/cat.webp")
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s\n", body)
	// Output: image of a cross-site page, no-cors
}

func ExampleError() {
	// Every handshake of this origin dies.
	origin := exampleOrigin(mientest.Config{
		Hosts:  []string{"localhost"},
		Faults: mientest.Faults{Handshake: mientest.HandshakeFaults{Share: 1}},
	})
	defer origin.Close()
	s, err := mien.New(mien.Config{TLS: origin.ClientTLS(), Retry: retry.Policy{MaxAttempts: -1}})
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()

	_, err = s.Get(context.Background(), origin.URL)
	var e *mien.Error
	if errors.As(err, &e) {
		fmt.Println("phase:", e.Phase)
		fmt.Println("class:", e.Class)
		fmt.Println("sent:", e.Sent)
		fmt.Println("end of file:", errors.Is(err, io.EOF))
	}
	// Output:
	// phase: tls
	// class: HandshakeReset
	// sent: false
	// end of file: true
}

package mien_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"time"

	"github.com/mien-http/mien"
	"github.com/mien-http/mien/fingerprint"
	"github.com/mien-http/mien/mientest"
)

// Two people behind one session: neither connections nor tickets nor cookies tell
// the origin that they have anything to do with each other.
func ExampleOptions_isolation() {
	origin := exampleOrigin(mientest.Config{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		report, _ := mientest.ReportOf(r)
		cookie := r.Header.Get("Cookie")
		http.SetCookie(w, &http.Cookie{Name: "seen", Value: "1"})
		fmt.Fprintf(w, "connection %d, resumed: %t, cookie: %q", report.Connection, report.Resumed, cookie)
	})})
	defer origin.Close()
	s := exampleSession(origin, mien.Config{})
	defer s.Close()

	for _, who := range []string{"anna", "ben", "anna"} {
		ctx := mien.WithOptions(context.Background(), mien.Options{Isolation: who})
		fmt.Println(who+":", exampleText(ctx, s, origin.URL))
	}
	// Output:
	// anna: connection 1, resumed: false, cookie: ""
	// ben: connection 2, resumed: false, cookie: ""
	// anna: connection 1, resumed: false, cookie: "seen=1"
}

// What scripts of a page fetch: the page is the Initiator.
func ExampleOptions_destination() {
	origin := exampleOrigin(mientest.Config{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, name := range []string{"Accept", "Sec-Fetch-Dest", "Sec-Fetch-Mode", "Sec-Fetch-Site", "Origin", "Referer"} {
			fmt.Fprintf(w, "%s: %s\n", name, r.Header.Get(name))
		}
	})})
	defer origin.Close()
	s := exampleSession(origin, mien.Config{})
	defer s.Close()

	ctx := mien.WithOptions(context.Background(), mien.Options{
		Destination: fingerprint.Empty,
		Initiator:   "https://shop.example/cart",
	})
	fmt.Print(exampleText(ctx, s, origin.URL+"/api/prices"))
	// Output:
	// Accept: */*
	// Sec-Fetch-Dest: empty
	// Sec-Fetch-Mode: cors
	// Sec-Fetch-Site: cross-site
	// Origin: https://shop.example
	// Referer: https://shop.example/
}

// The connection breaks when the order may have arrived. A POST is not sent again,
// unless the caller knows that the origin takes a second one for the first.
func ExampleOptions_idempotent() {
	origin := exampleOrigin(mientest.Config{Faults: mientest.Faults{Request: mientest.RequestFaults{
		Script: func(n int, _ *http.Request) mientest.RequestAction {
			if n <= 2 {
				return mientest.RequestAction{End: mientest.RST}
			}
			return mientest.RequestAction{}
		},
	}}})
	defer origin.Close()
	s := exampleSession(origin, mien.Config{})
	defer s.Close()

	order := func(o mien.Options) {
		ctx := mien.WithOptions(context.Background(), o)
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, origin.URL+"/orders/7", nil)
		if err != nil {
			log.Fatal(err)
		}
		resp, err := s.Do(req)
		var e *mien.Error
		if errors.As(err, &e) {
			fmt.Println(e.Class, "- perhaps sent:", e.Sent, "-", e.Reason)
			return
		}
		resp.Body.Close()
		fmt.Println(resp.Status)
	}
	order(mien.Options{})
	order(mien.Options{Idempotent: true})
	fmt.Println("requests that arrived:", origin.Counters().Requests)
	// Output:
	// ConnectionLost - perhaps sent: true - the request may have been sent and must not be repeated
	// 200 OK
	// requests that arrived: 3
}

// The context bounds a request whole, and says so in the error.
func ExampleError_Timeout() {
	origin := exampleOrigin(mientest.Config{Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		<-r.Context().Done() // until the client gives up
	})})
	defer origin.Close()
	s := exampleSession(origin, mien.Config{})
	defer s.Close()

	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	_, err := s.Get(ctx, origin.URL)
	var e *mien.Error
	if errors.As(err, &e) {
		fmt.Println(e.Timeout(), errors.Is(err, context.DeadlineExceeded))
	}
	// Output: true true
}

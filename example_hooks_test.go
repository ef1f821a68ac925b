package mien_test

import (
	"context"
	"fmt"
	"log"
	"sync/atomic"

	"github.com/mien-http/mien"
	"github.com/mien-http/mien/mientest"
)

// The story of one request, whose first handshake dies.
func ExampleHooks() {
	origin := exampleOrigin(mientest.Config{
		Faults: mientest.Faults{Handshake: mientest.HandshakeFaults{First: 1}},
	})
	defer origin.Close()
	s := exampleSession(origin, mien.Config{Hooks: mien.Hooks{
		Handshake: func(i mien.HandshakeInfo) {
			if i.Err != nil {
				fmt.Println("handshake:", i.Class)
				return
			}
			fmt.Println("handshake: for", i.Protocol)
		},
		Retry: func(i mien.RetryInfo) { fmt.Println("again after attempt", i.Attempt) },
		Done: func(i mien.RequestInfo) {
			fmt.Println("done:", i.Status, "over", i.Protocol, "after", i.Bytes, "bytes")
		},
	}})
	defer s.Close()

	resp, err := s.Get(context.Background(), origin.URL)
	if err != nil {
		log.Fatal(err)
	}
	resp.Body.Close() // Done is called here
	// Output:
	// handshake: HandshakeReset
	// again after attempt 1
	// handshake: for h2
	// done: 200 over HTTP/2.0 after 0 bytes
}

// Hooks of several parts of a program, which know nothing of each other.
func ExampleChainHooks() {
	origin := exampleOrigin(mientest.Config{})
	defer origin.Close()
	var requests atomic.Int64
	counting := mien.Hooks{Done: func(mien.RequestInfo) { requests.Add(1) }}
	logging := mien.Hooks{Done: func(i mien.RequestInfo) { fmt.Println(i.Request.Method, i.Request.URL.Path, i.Status) }}
	s := exampleSession(origin, mien.Config{Hooks: mien.ChainHooks(counting, logging)})
	defer s.Close()

	exampleText(context.Background(), s, origin.URL+"/one")
	exampleText(context.Background(), s, origin.URL+"/two")
	fmt.Println(requests.Load(), "requests")
	// Output:
	// GET /one 200
	// GET /two 200
	// 2 requests
}

package soak_test

import (
	"math/rand/v2"
	"net/http"
	"time"

	"golang.org/x/net/http2"

	"github.com/mien-http/mien/mientest"
)

// fault is what an origin does with one delivery of a request.
type fault uint8

const (
	none      fault = iota
	slow            // answers late
	fin             // ends the connection before it reads the content
	rst             //
	readFIN         // after it
	readRST         //
	internal        // RST_STREAM INTERNAL_ERROR; over HTTP/1.1 a RST, as the next two
	calm            // ENHANCE_YOUR_CALM
	refused         // REFUSED_STREAM: nothing was done
	leftOut         // GOAWAY that leaves the request out; over HTTP/1.1 a FIN
	lastOne         // GOAWAY with the request as the last that is answered; over HTTP/1.1 a FIN
	misplaced       // 421
	early           // 425
	busy            // 503
	cut             // a part of the body and the end of the connection
	silent          // a part of the body and nothing more
	faults          // how many there are
)

var faultNames = [faults]string{"none", "slow", "fin", "rst", "read, fin", "read, rst", "internal error", "enhance calm",
	"refused stream", "goaway, left out", "goaway, last", "421", "425", "503", "cut", "silent"}

func (f fault) String() string { return faultNames[f] }

// drawFault picks what happens to a request. On HTTP/2 what ends the connection
// ends up to a hundred requests with it and is as much rarer.
func drawFault(rnd *rand.Rand, h2 bool) fault {
	ending := 0.015
	if h2 {
		ending = 0.001
	}
	switch p := rnd.Float64(); {
	case p < ending:
		return []fault{fin, rst, readFIN, readRST, cut, leftOut, lastOne}[rnd.IntN(7)]
	case p < ending+0.015:
		return []fault{internal, calm, refused}[rnd.IntN(3)]
	case p < ending+0.03:
		return []fault{misplaced, early, busy}[rnd.IntN(3)]
	case p < ending+0.032:
		return silent
	case p < ending+0.06:
		return slow
	}
	return none
}

// unprocessed reports whether an origin that does this says that it did nothing.
func (f fault) unprocessed(h2 bool) bool {
	return f == misplaced || f == early || h2 && (f == refused || f == leftOut)
}

// answers reports whether the whole answer of the handler follows.
func (f fault) answers(h2 bool) bool { return f == none || f == slow || h2 && f == lastOne }

// status is the status of an answer that a fault gives, 200 for the handler's.
func (f fault) status() int {
	switch f {
	case misplaced:
		return http.StatusMisdirectedRequest
	case early:
		return http.StatusTooEarly
	case busy:
		return http.StatusServiceUnavailable
	}
	return http.StatusOK
}

// action is what mientest does of the fault; the handler does the rest.
func (f fault) action(rnd *rand.Rand, stream uint32) mientest.RequestAction {
	switch f {
	case slow:
		return mientest.RequestAction{Delay: time.Duration(rnd.Int64N(int64(400 * time.Millisecond)))}
	case fin:
		return mientest.RequestAction{End: mientest.FIN}
	case rst:
		return mientest.RequestAction{End: mientest.RST}
	case internal:
		return mientest.RequestAction{Reset: true, ResetCode: uint32(http2.ErrCodeInternal)}
	case calm:
		return mientest.RequestAction{Reset: true, ResetCode: uint32(http2.ErrCodeEnhanceYourCalm)}
	case refused:
		return mientest.RequestAction{Reset: true, ResetCode: uint32(http2.ErrCodeRefusedStream)}
	case leftOut:
		return mientest.RequestAction{GoAway: &mientest.GoAway{LastStream: max(stream, 2) - 2}}
	case lastOne:
		return mientest.RequestAction{GoAway: &mientest.GoAway{LastStream: stream}}
	case misplaced, early, busy:
		return mientest.RequestAction{Status: f.status()}
	}
	return mientest.RequestAction{}
}

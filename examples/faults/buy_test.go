package faults_test

import (
	"errors"
	"net/http"
	"testing"

	"github.com/mien-http/mien"
	"github.com/mien-http/mien/examples/faults"
	"github.com/mien-http/mien/mientest"
)

// buy calls Buy against an origin that breaks what f says, and returns that too.
func buy(t *testing.T, f mientest.Faults) (*mientest.Origin, error) {
	origin, err := mientest.New(mientest.Config{Faults: f})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(origin.Close)
	s, err := mien.New(mien.Config{TLS: origin.ClientTLS()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	_, err = faults.Buy(t.Context(), s.Client(), origin.URL)
	return origin, err
}

// Handshakes die before anything is sent: they are made again, and nobody notices.
func TestBuyAfterHandshakes(t *testing.T) {
	origin, err := buy(t, mientest.Faults{Handshake: mientest.HandshakeFaults{First: 3}})
	if n := origin.Counters(); err != nil || n.HandshakesKilled != 3 || n.Requests != 1 {
		t.Errorf("%v after %d handshakes that died, %d orders", err, n.HandshakesKilled, n.Requests)
	}
}

// The connection dies when the order is there: nothing is ordered twice, and the
// error says that it may have been ordered once.
func TestBuyOnce(t *testing.T) {
	origin, err := buy(t, mientest.Faults{Request: mientest.RequestFaults{
		Script: func(int, *http.Request) mientest.RequestAction {
			return mientest.RequestAction{End: mientest.RST}
		},
	}})
	var e *mien.Error
	if !errors.As(err, &e) || !e.Sent || origin.Counters().Requests != 1 {
		t.Errorf("%v, %d orders", err, origin.Counters().Requests)
	}
}

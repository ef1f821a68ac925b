package mien_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/mien-http/mien"
	"github.com/mien-http/mien/mientest"
)

// A host whose key is not the one that was pinned is refused, however good its
// certificate; the error tells the keys that it has.
func Example_pins() {
	origin, err := mientest.New(mientest.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer origin.Close()
	ask := func(pin string) error {
		s, err := mien.New(mien.Config{TLS: origin.ClientTLS(), Pins: map[string][]string{"127.0.0.1": {pin}}})
		if err != nil {
			return err
		}
		defer s.Close()
		resp, err := s.Get(context.Background(), origin.URL)
		if err == nil {
			err = resp.Body.Close()
		}
		return err
	}
	err = ask("sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")
	var pin *mien.PinError
	if errors.As(err, &pin) {
		fmt.Println("refused:", pin.Host, "has", len(pin.Seen), "other keys")
		fmt.Println("with the first of them:", ask(pin.Seen[0]))
	}
	// Output:
	// refused: 127.0.0.1 has 2 other keys
	// with the first of them: <nil>
}

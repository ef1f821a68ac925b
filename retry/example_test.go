package retry_test

import (
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/mien-http/mien/retry"
)

// flaky loses the connection twice before it answers.
type flaky struct{ lost int }

func (f *flaky) RoundTrip(*http.Request) (*http.Response, error) {
	if f.lost < 2 {
		f.lost++
		return nil, io.ErrUnexpectedEOF
	}
	return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody}, nil
}

func ExampleTransport() {
	client := &http.Client{Transport: &retry.Transport{
		Base:   new(flaky),
		Policy: retry.Policy{Base: time.Millisecond},
		OnRetry: func(e retry.Event) {
			fmt.Printf("attempt %d: %s\n", e.Attempt, e.Class)
		},
	}}
	resp, err := client.Get("http://example.test/")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer resp.Body.Close()
	fmt.Println(resp.StatusCode)
	// Output:
	// attempt 1: ConnectionLost
	// attempt 2: ConnectionLost
	// 200
}

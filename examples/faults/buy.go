// Package faults is code that calls an API, with the tests that such code should
// have: what becomes of it when the network fails.
package faults

import (
	"context"
	"io"
	"net/http"
)

// Buy orders at an API and returns the receipt. client is that of a mien.Session.
func Buy(ctx context.Context, client *http.Client, api string) (receipt string, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, api+"/orders", nil)
	if err != nil {
		return "", err
	}
	resp, err := client.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return string(body), err
}

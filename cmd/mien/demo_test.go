package main

import (
	"context"
	"errors"
	"io"
	"testing"
)

func TestDemoInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := demo(ctx, demoOptions{protocol: protocolH2, requests: 1, profile: "chrome"}, io.Discard, io.Discard)
	var failed *failedError
	if !errors.As(err, &failed) || failed.text != "demo, net/http: interrupted" {
		t.Error(err)
	}
}

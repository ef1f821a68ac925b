package h2

import (
	"crypto/tls"
	"io"
	"net"
	"net/url"
	"os"
	"testing"
	"time"
	"context"
	"net/http"
)

func TestSpecClient(t *testing.T) {
	target := os.Getenv("H2URL")
	if target == "" {
		target = os.Args[len(os.Args)-1]
	}
	u, err := url.Parse(target)
	if err != nil || u.Host == "" {
		t.Skip("no url")
	}
	var nc net.Conn
	if u.Scheme == "https" {
		nc, err = tls.Dial("tcp", u.Host, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}})
	} else {
		nc, err = net.Dial("tcp", u.Host)
	}
	if err != nil {
		t.Fatal(err)
	}
	c := New(nc, Config{Profile: chromium()})
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	req, _ := http.NewRequestWithContext(ctx, "GET", u.String(), nil)
	resp, err := c.RoundTrip(req, headOf(req))
	if err == nil {
		_, err = io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
	}
	t.Log(err)
	time.Sleep(300*time.Millisecond)
	c.Close()
	<-c.Done()
}

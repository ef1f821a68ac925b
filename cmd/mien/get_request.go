package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
)

// request makes the request that the flags describe.
func (g *oneGet) request(ctx context.Context, target string) (*http.Request, error) {
	if err := checkURL(target); err != nil {
		return nil, err
	}
	body, err := g.body()
	if err != nil {
		return nil, err
	}
	method := g.o.method
	switch {
	case g.o.head:
		method = http.MethodHead
	case method == "" && body != nil:
		method = http.MethodPost
	case method == "":
		method = http.MethodGet
	}
	var content io.Reader
	if body != nil {
		content = bytes.NewReader(body) // kept whole, so that it can be sent again
	}
	req, err := http.NewRequestWithContext(ctx, method, target, content)
	if err != nil {
		return nil, err
	}
	for _, h := range g.o.headers {
		if err := addHeader(req, h); err != nil {
			return nil, fmt.Errorf("--header %q: %w", h, err)
		}
	}
	if _, set := req.Header["Content-Type"]; !set && body != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	return req, nil
}

// checkURL finds what a person gets wrong, with a text for people; package
// mien checks the rest.
func checkURL(target string) error {
	u, err := url.Parse(target)
	var bad *url.Error
	switch {
	case errors.As(err, &bad):
		return fmt.Errorf("URL %q: %w", target, bad.Err)
	case err != nil:
		return fmt.Errorf("URL %q: %w", target, err)
	case u.Scheme == "" || u.Opaque != "":
		return fmt.Errorf("URL %q has no scheme: https://%s?", target, strings.TrimPrefix(target, "//"))
	}
	return nil
}

// addHeader puts "Name: value" on req. "Name:" suppresses the profile's field.
func addHeader(req *http.Request, line string) error {
	name, value, ok := strings.Cut(line, ":")
	value = strings.TrimSpace(value)
	key := http.CanonicalHeaderKey(name)
	switch {
	case !ok:
		return errors.New("a colon is missing: 'Name: value'")
	case name == "":
		return errors.New("the name is missing: 'Name: value'")
	case key == "Content-Length" || key == "Transfer-Encoding":
		return errors.New("this field follows from --data")
	case key == "Host" && value == "":
		return errors.New("a request always has this field")
	case key == "Host":
		req.Host = value
	case value == "":
		req.Header[key] = nil
	default:
		req.Header[key] = append(req.Header[key], value)
	}
	return nil
}

// body joins what --data gives; nil without --data.
func (g *oneGet) body() ([]byte, error) {
	if len(g.o.data) == 0 {
		return nil, nil
	}
	parts := make([][]byte, len(g.o.data))
	var stdin bool
	for i, d := range g.o.data {
		file, isFile := strings.CutPrefix(d, "@")
		var err error
		switch {
		case d == "-", d == "@-":
			if stdin {
				return nil, errors.New("--data: standard input can be read only once")
			}
			stdin = true
			parts[i], err = io.ReadAll(g.stdin)
		case isFile:
			parts[i], err = os.ReadFile(file)
		default:
			parts[i] = []byte(d)
		}
		if err != nil {
			return nil, fmt.Errorf("--data %s: %w", d, err)
		}
	}
	return bytes.Join(parts, []byte("&")), nil
}

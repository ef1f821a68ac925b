package main

import (
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"slices"
	"unicode/utf8"

	"github.com/mien-http/mien"
)

// getResult is what --report prints.
type getResult struct {
	URL        string      `json:"url"` // after redirects
	Status     int         `json:"status,omitempty"`
	Protocol   string      `json:"protocol,omitempty"` // h2, http/1.1
	Headers    http.Header `json:"headers,omitempty"`
	Body       *string     `json:"body,omitempty"`
	BodyBase64 []byte      `json:"body_base64,omitempty"` // in place of body, if that is not UTF-8
	Error      *getError   `json:"error,omitempty"`
}

type getError struct {
	Message string `json:"message"`
	Phase   string `json:"phase"`
	Class   string `json:"class"`
	Sent    bool   `json:"sent"` // whether a byte of the request can have reached the origin
	Attempt int    `json:"attempt"`
}

func (g *oneGet) printReport(url string, resp *http.Response, body []byte, err error) error {
	r := getResult{URL: url}
	if resp != nil {
		r.URL = resp.Request.URL.String()
		r.Status, r.Protocol, r.Headers = resp.StatusCode, protocolOf(resp), resp.Header
		if !utf8.Valid(body) {
			r.BodyBase64 = body
		} else if body != nil {
			text := string(body)
			r.Body = &text
		}
	}
	if err != nil {
		r.Error = &getError{Message: err.Error(), Sent: resp != nil}
		var e *mien.Error
		if errors.As(err, &e) {
			r.Error.Phase, r.Error.Class = string(e.Phase), e.Class.String()
			r.Error.Sent, r.Error.Attempt = e.Sent, e.Attempt
		}
	}
	enc := json.NewEncoder(g.stdout)
	enc.SetEscapeHTML(false)
	return enc.Encode(r)
}

func protocolOf(resp *http.Response) string {
	if resp.ProtoMajor == 2 {
		return "h2"
	}
	return "http/" + resp.Proto[len("HTTP/"):]
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

package encoding

import (
	"fmt"
	"net/http"
	"strings"
)

// MaxCodings is how many codings may be stacked. Each costs a decoder's memory;
// curl draws the line at the same number.
const MaxCodings = 5

// Decode replaces resp.Body by the decoded one and says so as net/http does:
// Content-Encoding and Content-Length go, ContentLength is -1, Uncompressed is
// true. Closing the new body closes the old one. limit is how many decoded bytes
// may be read, 0 or less: any number.
//
// It leaves alone what has no content to decode (HEAD, 1xx, 204, 304, a content
// length of 0), a response with a coding that it does not know, and 206: a part
// of coded data does not decode by itself. (net/http is at the same point by
// another way: it does not ask for a coding when it asks for a range.)
//
// The error, an [*Error], is that of too many codings; resp is unchanged then.
// Nothing is read from the body before the first Read.
func Decode(resp *http.Response, limit int64) error { return shared.Decode(resp, limit) }

// Decode is what the function of that name is, with d's decoders.
func (d *Decoders) Decode(resp *http.Response, limit int64) error {
	if !hasContent(resp) {
		return nil
	}
	codings, err := Codings(resp.Header)
	if err != nil || len(codings) == 0 {
		return nil //nolint:nilerr // what is no list of codings names no known one
	}
	for _, c := range codings {
		if makers[c] == nil {
			return nil
		}
	}
	body, err := d.NewReader(codings, resp.Body, limit)
	if err != nil {
		return err
	}
	resp.Body = body
	resp.Header.Del("Content-Encoding")
	resp.Header.Del("Content-Length")
	resp.ContentLength = -1
	resp.Uncompressed = true
	return nil
}

func hasContent(resp *http.Response) bool {
	switch code := resp.StatusCode; {
	case code < 200, code == http.StatusNoContent, code == http.StatusPartialContent, code == http.StatusNotModified:
		return false
	case resp.Body == nil, resp.Body == http.NoBody, resp.ContentLength == 0:
		return false
	}
	return resp.Request == nil || resp.Request.Method != http.MethodHead
}

// Codings returns the content codings of h in the order in which they were
// applied, in lower case, without "identity". An unknown coding is returned like
// a known one; something that is no coding's name at all is an error.
func Codings(h http.Header) ([]string, error) {
	var codings []string
	for _, line := range h["Content-Encoding"] {
		for c := range strings.SplitSeq(line, ",") {
			c = strings.ToLower(strings.Trim(c, " \t"))
			switch {
			case c == "" || c == "identity":
			case strings.IndexFunc(c, notToken) >= 0:
				return nil, &Error{Err: fmt.Errorf("%q is not the name of a content coding", c)}
			default:
				codings = append(codings, c)
			}
		}
	}
	return codings, nil
}

// notToken reports whether r cannot stand in a token (RFC 9110 §5.6.2).
func notToken(r rune) bool {
	return r <= ' ' || r >= 0x7f || strings.ContainsRune(`"(),/:;<=>?@[\]{}`, r)
}

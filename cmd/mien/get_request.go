package main

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mien-http/mien"
	"github.com/mien-http/mien/fingerprint"
)

// request makes the request that the flags describe for t. Its context is set
// when it is sent.
func (g *oneGet) request(t target) (*http.Request, error) {
	asked := t.url
	switch {
	case g.o.query && len(g.o.data) > 0:
		query, err := g.joined()
		if err != nil {
			return nil, err
		}
		asked = withQuery(asked, string(query))
	case g.o.upload != "" && g.o.upload != "-" && strings.HasSuffix(t.parsed.Path, "/") && t.parsed.RawQuery == "":
		asked = strings.TrimSuffix(asked, "#"+t.parsed.EscapedFragment()) + url.PathEscape(filepath.Base(g.o.upload))
	}
	req, err := http.NewRequest(g.method(), asked, nil)
	if err != nil {
		return nil, err
	}
	if g.content != nil {
		g.content.attach(req)
	}
	if g.o.agentSet {
		req.Header["User-Agent"] = nil
		if g.o.agent != "" {
			req.Header.Set("User-Agent", g.o.agent)
		}
	}
	if g.o.byteRange != "" {
		if !strings.ContainsAny(g.o.byteRange, "0123456789") || strings.Trim(g.o.byteRange, "0123456789-, ") != "" {
			return nil, fmt.Errorf("--range %q: the form is 0-499, 500- or -500", g.o.byteRange)
		}
		req.Header.Set("Range", "bytes="+g.o.byteRange)
	}
	if err := g.authorize(req); err != nil {
		return nil, err
	}
	if err := g.addHeaders(req); err != nil {
		return nil, err
	}
	if _, set := req.Header["Content-Type"]; !set && g.content != nil && g.content.kind != "" {
		req.Header.Set("Content-Type", g.content.kind)
	}
	if _, set := req.Header["Accept"]; !set && g.sendsJSON() {
		req.Header.Set("Accept", "application/json")
	}
	return req, nil
}

func (g *oneGet) method() string {
	switch {
	case g.o.head:
		return http.MethodHead
	case g.o.method != "":
		return g.o.method
	case g.content == nil:
		return http.MethodGet
	case g.o.upload != "":
		return http.MethodPut
	}
	return http.MethodPost
}

// withQuery adds query to that of u, before a fragment.
func withQuery(u, query string) string {
	u, fragment, hasFragment := strings.Cut(u, "#")
	switch _, old, has := strings.Cut(u, "?"); {
	case !has:
		u += "?"
	case old != "" && !strings.HasSuffix(old, "&"):
		u += "&"
	}
	u += query
	if hasFragment {
		u += "#" + fragment
	}
	return u
}

func (g *oneGet) authorize(req *http.Request) error {
	if g.o.bearer != "" {
		req.Header.Set("Authorization", "Bearer "+g.o.bearer)
	}
	if g.o.user == "" {
		return nil
	}
	user, _, ok := strings.Cut(g.o.user, ":")
	if !ok { // the value is not shown: it may be the password
		return errors.New("--user: the form is user:password; no password is asked for, an empty one is 'user:'")
	}
	if user == "" {
		return errors.New("--user: the user is missing before the colon")
	}
	req.Header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(g.o.user)))
	return nil
}

func (g *oneGet) addHeaders(req *http.Request) error {
	given := make(map[string]bool)
	for _, h := range g.o.headers {
		lines := []string{h}
		if file, ok := strings.CutPrefix(h, "@"); ok {
			text, err := g.readFile("header", file)
			if err != nil {
				return err
			}
			lines = strings.Split(strings.ReplaceAll(string(text), "\r\n", "\n"), "\n")
		}
		for _, line := range lines {
			if line == "" && len(lines) > 1 {
				continue
			}
			if err := addHeader(req, line, given); err != nil {
				name, _, _ := strings.Cut(line, ":") // without the value, which may be a secret
				return fmt.Errorf("--header %q: %w", name, err)
			}
		}
	}
	return nil
}

// addHeader puts "Name: value" on req, in place of what other flags made, beside
// what is given already. "Name:" suppresses the profile's field, "Name;" sends an
// empty one.
func addHeader(req *http.Request, line string, given map[string]bool) error {
	name, value, ok := strings.Cut(line, ":")
	value = strings.TrimSpace(value)
	empty := false
	if !ok {
		name, empty = strings.CutSuffix(line, ";")
	}
	key := http.CanonicalHeaderKey(name)
	switch {
	case !ok && !empty:
		return errors.New("a colon is missing: 'Name: value'")
	case name == "":
		return errors.New("the name is missing: 'Name: value'")
	case key == "Content-Length" || key == "Transfer-Encoding":
		return errors.New("this field follows from the data")
	case key == "Host" && value == "":
		return errors.New("a request always has this field")
	case key == "Host":
		req.Host = value
		return nil
	case value == "" && !empty:
		req.Header[key] = nil
	case given[key]:
		req.Header[key] = append(req.Header[key], value)
	default:
		req.Header[key] = []string{value}
	}
	given[key] = true
	return nil
}

// options are what the package calls the kind of request.
func (g *oneGet) options() mien.Options {
	o := mien.Options{Destination: fingerprint.Destination(g.o.dest)}
	if g.o.referer != "" {
		o.Initiator = strings.TrimSuffix(g.o.referer, ";auto")
		o.UserActivation = true
	}
	return o
}

// checkKind looks at what options makes of the flags.
func (g *oneGet) checkKind() error {
	if d := g.o.dest; d != "" && !slices.Contains(destinations(), d) {
		return fmt.Errorf("--dest %q: it is one of %s", d, strings.Join(destinations(), ", "))
	}
	if r := strings.TrimSuffix(g.o.referer, ";auto"); r != "" {
		if u, err := url.Parse(r); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
			return fmt.Errorf("--referer %q: it is not the URL of a page; for a field of any form: -H 'Referer: …'", r)
		}
	} else if g.o.referer != "" {
		return errors.New("--referer ;auto: redirects have their Referer without it; leave it out")
	}
	return nil
}

// destinations are those of the Fetch standard that a GET can have here.
func destinations() []string {
	all := []fingerprint.Destination{
		fingerprint.Document, fingerprint.Iframe, fingerprint.Empty, fingerprint.Image, fingerprint.Script,
		fingerprint.Style, fingerprint.Font, fingerprint.Audio, fingerprint.Video,
	}
	names := make([]string, len(all))
	for i, d := range all {
		names[i] = string(d)
	}
	return names
}

// readFile reads the file that flag names, - being standard input.
func (g *oneGet) readFile(flag, file string) ([]byte, error) {
	if file == "-" {
		if g.stdinRead {
			return nil, fmt.Errorf("--%s: standard input can be read only once", flag)
		}
		g.stdinRead = true
		text, err := io.ReadAll(g.stdin)
		if err != nil {
			return nil, fmt.Errorf("--%s: standard input: %w", flag, err)
		}
		return bytes.Clone(text), nil
	}
	text, err := readWhole(file)
	if err != nil {
		return nil, fmt.Errorf("--%s @%s: %w", flag, file, err)
	}
	return text, nil
}

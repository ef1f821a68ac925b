package main

import (
	"errors"
	"fmt"
	"net/url"
	"path"
	"regexp"
	"strings"
)

// target is one URL to ask and where its body goes.
type target struct {
	url     string
	parsed  *url.URL
	assumed bool   // it was given without a scheme
	output  string // "": standard output
}

// targets checks the URLs, and the flags that have no place without them.
func (g *oneGet) targets(args []string) ([]target, error) {
	if len(g.o.refused) > 0 {
		return nil, g.o.refused[0]
	}
	if len(args) == 0 {
		for _, d := range g.o.data {
			if d.kind == dataJSON && strings.Contains(d.text, "://") {
				return nil, fmt.Errorf("no URL; --json %s took it for the data to send, as curl does; to see the answer as JSON: --report", d.text)
			}
		}
		return nil, errors.New("no URL: mien get URL, see mien get --help")
	}
	if len(g.o.outputs) > len(args) {
		return nil, fmt.Errorf("--output is given %d times for %d URLs", len(g.o.outputs), len(args))
	}
	all := make([]target, len(args))
	for i, arg := range args {
		t, err := g.target(arg)
		if err != nil {
			return nil, err
		}
		switch {
		case i < len(g.o.outputs):
			t.output = g.o.outputs[i]
		case g.o.remoteName:
			if t.output, err = remoteName(t.parsed); err != nil {
				return nil, err
			}
		}
		all[i] = t
	}
	return all, nil
}

// globs finds what curl would expand: {one,two} and [1-9], [a-z:2].
var globs = regexp.MustCompile(`\{[^{}]*,[^{}]*\}|\[(\d+-\d+|[a-zA-Z]-[a-zA-Z])(:\d+)?\]`)

func (g *oneGet) target(arg string) (target, error) {
	t := target{url: arg}
	switch {
	case arg == "":
		return t, errors.New("URL: it is empty")
	case strings.HasPrefix(arg, "//"):
		t.url, t.assumed = "https:"+arg, true
	case !strings.Contains(arg, "://"):
		if scheme, _, _ := strings.Cut(arg, ":"); scheme == "https" || scheme == "http" {
			return t, fmt.Errorf("URL %q: two slashes follow %s:", arg, scheme)
		}
		t.url, t.assumed = "https://"+arg, true
	}
	if found := globs.FindString(arg); found != "" && !g.o.globOff {
		return t, fmt.Errorf("URL %q: curl makes several URLs of %s, mien get does not: give each by itself, or --globoff to send it as it stands", arg, found)
	}
	if err := checkURL(t.url); err != nil {
		if strings.ContainsAny(arg, "{}[]") {
			return t, fmt.Errorf("%w (patterns such as {a,b} and [1-9] are not expanded)", err)
		}
		return t, err
	}
	var err error
	t.parsed, err = url.Parse(t.url)
	return t, err
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

// remoteName is the last part of u's path. It names a file of this directory and
// no other.
func remoteName(u *url.URL) (string, error) {
	name := path.Base(u.Path)
	if strings.HasSuffix(u.Path, "/") || name == "." || name == ".." || name == "/" || strings.ContainsAny(name, "\\:\x00") {
		return "", fmt.Errorf("--remote-name: the path of %s has no file name at its end; use --output", u.Redacted())
	}
	return name, nil
}

package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
)

// content is what a request carries. It can be read again, for a second attempt
// or a redirect, and files are not kept in memory.
type content struct {
	kind  string // Content-Type; "": none
	parts []part
}

// part is bytes, or a file of that size.
type part struct {
	text []byte
	file string
	size int64
}

// body is what the flags say; nil: no content.
func (g *oneGet) body() (*content, error) {
	switch {
	case g.sendsJSON() && len(g.o.form) > 0, len(g.o.data) > 0 && (len(g.o.form) > 0 || g.o.upload != ""):
		return nil, errors.New("data, --form and --upload-file exclude each other")
	case g.o.head && len(g.o.data) > 0 && !g.o.query:
		return nil, errors.New("--head and data exclude each other; with --get the data goes into the query")
	case g.o.query || g.o.head && len(g.o.data) == 0:
		return nil, nil
	case len(g.o.form) > 0:
		p, err := profileOf(g.o.profile)
		if err != nil {
			return nil, err
		}
		return g.multipart(boundary(p))
	case g.o.upload != "":
		file, err := g.filePart("upload-file", g.o.upload)
		return &content{parts: []part{file}}, err
	case len(g.o.data) == 0:
		return nil, nil
	}
	for _, d := range g.o.data {
		if (d.kind == dataJSON) != g.sendsJSON() {
			return nil, errors.New("--json and other data exclude each other")
		}
	}
	text, err := g.joined()
	if err != nil {
		return nil, err
	}
	c := &content{kind: "application/x-www-form-urlencoded", parts: []part{{text: text}}}
	if g.sendsJSON() {
		c.kind = "application/json"
	}
	return c, nil
}

// filePart is a file that flag names, or standard input, which is read here.
func (g *oneGet) filePart(flag, name string) (part, error) {
	if name == "-" {
		text, err := g.readFile(flag, name)
		return part{text: text}, err
	}
	info, err := os.Stat(name)
	switch {
	case err != nil:
		return part{}, fmt.Errorf("--%s %s: %w", flag, name, withoutPath(err))
	case info.Mode().IsRegular():
		return part{file: name, size: info.Size()}, nil
	case info.IsDir():
		return part{}, fmt.Errorf("--%s %s: it is a directory", flag, name)
	}
	text, err := readWhole(name) // a pipe, which can be read only once
	if err != nil {
		err = fmt.Errorf("--%s %s: %w", flag, name, err)
	}
	return part{text: text}, err
}

// attach makes c the content of req.
func (c *content) attach(req *http.Request) {
	var size int64
	for _, p := range c.parts {
		size += p.size + int64(len(p.text))
	}
	if size == 0 {
		req.Body, req.GetBody = http.NoBody, func() (io.ReadCloser, error) { return http.NoBody, nil }
		return
	}
	req.ContentLength = size
	req.GetBody = func() (io.ReadCloser, error) { return &contentReader{parts: c.parts}, nil }
	req.Body = &contentReader{parts: c.parts}
}

// contentReader reads the parts in turn, each file opened when it comes to it.
// The one who reads it owns it.
type contentReader struct {
	parts []part
	now   io.ReadCloser // nil: between parts
	left  int64         // of that part, as announced
}

func (r *contentReader) Read(p []byte) (int, error) {
	for {
		if r.now == nil {
			if err := r.next(); err != nil {
				return 0, err
			}
		}
		if r.left == 0 {
			_ = r.now.Close()
			r.now = nil
			continue
		}
		n, err := r.now.Read(p[:min(int64(len(p)), r.left)])
		r.left -= int64(n)
		if err == io.EOF && r.left > 0 {
			return n, io.ErrUnexpectedEOF // a file that became shorter
		}
		if n > 0 || err != nil && err != io.EOF {
			return n, err
		}
	}
}

// next opens the part that is first, and takes it off.
func (r *contentReader) next() error {
	if len(r.parts) == 0 {
		return io.EOF
	}
	p := r.parts[0]
	r.parts = r.parts[1:]
	if p.file == "" {
		r.now, r.left = io.NopCloser(bytes.NewReader(p.text)), int64(len(p.text))
		return nil
	}
	f, err := os.Open(p.file)
	if err != nil {
		return err
	}
	r.now, r.left = f, p.size
	return nil
}

func (r *contentReader) Close() error {
	r.parts = nil
	if r.now == nil {
		return nil
	}
	now := r.now
	r.now = io.NopCloser(bytes.NewReader(nil))
	r.left = 0
	return now.Close()
}

// withoutPath is err without the name of the file, which the caller says.
func withoutPath(err error) error {
	var e *fs.PathError
	if errors.As(err, &e) {
		return e.Err
	}
	return err
}

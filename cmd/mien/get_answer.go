package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"unicode/utf8"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"github.com/mien-http/mien"
)

// answer prints resp as the flags want it.
func (g *oneGet) answer(url string, resp *http.Response) error {
	var status error
	if g.o.fail && (resp.StatusCode < 200 || resp.StatusCode > 299) {
		status = fmt.Errorf("%s answered %s", resp.Request.URL.Redacted(), resp.Status)
	}
	switch {
	case g.o.json:
		body, err := io.ReadAll(resp.Body)
		if err == nil {
			err = status
		}
		if err != nil {
			return g.failed(url, resp, body, err)
		}
		if err := g.printJSON(url, resp, body, nil); err != nil {
			return failedf("%v", err)
		}
		return nil
	case status != nil:
		return g.failed(url, resp, nil, status)
	}
	if g.o.include || g.o.head {
		if err := printHead(g.stdout, resp); err != nil {
			return failedf("%v", err)
		}
	}
	n, err := g.copyBody(resp)
	if err != nil {
		return failedf("%v (%d bytes of the body were written)", err, n)
	}
	return nil
}

func printHead(w io.Writer, resp *http.Response) error {
	if _, err := fmt.Fprintf(w, "%s %s\r\n", resp.Proto, resp.Status); err != nil {
		return err
	}
	if err := resp.Header.Write(w); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\r\n")
	return err
}

// copyBody writes the body while it arrives.
func (g *oneGet) copyBody(resp *http.Response) (n int64, err error) {
	out := g.stdout
	if g.o.output != "" {
		f, err := os.Create(g.o.output)
		if err != nil {
			return 0, err
		}
		defer func() {
			if e := f.Close(); err == nil {
				err = e
			}
		}()
		out = f
	}
	bar := g.progress(resp, out)
	n, err = io.Copy(io.MultiWriter(out, bar), resp.Body)
	if e := bar.Close(); err == nil {
		err = e
	}
	return n, err
}

// progress shows received bytes while they go to a file, on a terminal alone.
func (g *oneGet) progress(resp *http.Response, out io.Writer) io.WriteCloser {
	tty, ok := g.stderr.(*os.File)
	if !ok || !term.IsTerminal(int(tty.Fd())) || g.o.verbose {
		return quiet{}
	}
	if f, ok := out.(*os.File); !ok || term.IsTerminal(int(f.Fd())) {
		return quiet{}
	}
	return progressbar.NewOptions64(resp.ContentLength,
		progressbar.OptionSetWriter(tty),
		progressbar.OptionSetDescription(resp.Request.URL.Host),
		progressbar.OptionShowBytes(true),
		progressbar.OptionClearOnFinish())
}

// quiet is no progress bar.
type quiet struct{}

func (quiet) Write(p []byte) (int, error) { return len(p), nil }
func (quiet) Close() error                { return nil }

// getResult is what --json prints.
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

func (g *oneGet) printJSON(url string, resp *http.Response, body []byte, err error) error {
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

package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// answer prints resp as the flags want it, and says how many bytes of the body
// there were.
func (g *oneGet) answer(t target, resp *http.Response) (int64, error) {
	var status error
	if (g.o.fail || g.o.failBody) && resp.StatusCode >= http.StatusBadRequest {
		status = fmt.Errorf("%s answered %s", resp.Request.URL.Redacted(), resp.Status)
	}
	if g.o.dumpHead != "" {
		if err := g.dump(resp); err != nil {
			return 0, failedf("--dump-header: %v", err)
		}
	}
	switch {
	case g.o.report:
		body, err := io.ReadAll(resp.Body)
		if err == nil {
			err = status
		}
		if err != nil {
			return int64(len(body)), g.failed(t.url, resp, body, err)
		}
		if err := g.printReport(t.url, resp, body, nil); err != nil {
			return int64(len(body)), failedf("%v", err)
		}
		return int64(len(body)), nil
	case status != nil && !g.o.failBody:
		return 0, g.failed(t.url, resp, nil, status)
	}
	n, err := g.copyBody(t, resp)
	switch {
	case err != nil && n == 0:
		return 0, failedf("%v", err)
	case err != nil && t.output != "" && t.output != "-":
		return n, failedf("%v (%d bytes of the body are in %s)", err, n, t.output)
	case err != nil:
		return n, failedf("%v (%d bytes of the body were written)", err, n)
	case status != nil:
		return n, failedf("%v", status)
	}
	return n, nil
}

// dump writes the heads where --dump-header says.
func (g *oneGet) dump(resp *http.Response) error {
	if g.o.dumpHead == "-" {
		return printHeads(g.stdout, resp)
	}
	f, err := g.openOnce(g.o.dumpHead)
	if err != nil {
		return err
	}
	err = printHeads(f, resp)
	if e := f.Close(); err == nil {
		err = e
	}
	return err
}

// openOnce opens a file that answers share: empty for the first.
func (g *oneGet) openOnce(name string) (*os.File, error) {
	flags := os.O_CREATE | os.O_WRONLY | os.O_TRUNC
	if g.dumped {
		flags = os.O_CREATE | os.O_WRONLY | os.O_APPEND
	}
	g.dumped = true
	return os.OpenFile(name, flags, 0o666)
}

// printHeads prints the head of each response, from the first redirect on.
func printHeads(w io.Writer, resp *http.Response) error {
	if before := resp.Request.Response; before != nil {
		if err := printHeads(w, before); err != nil {
			return err
		}
	}
	if _, err := fmt.Fprintf(w, "%s\r\n", statusLine(resp)); err != nil {
		return err
	}
	for _, f := range responseFields(resp) {
		if _, err := fmt.Fprintf(w, "%s: %s\r\n", f[0], f[1]); err != nil {
			return err
		}
	}
	_, err := io.WriteString(w, "\r\n")
	return err
}

// statusLine is as it came: HTTP/2 has no words behind the number.
func statusLine(resp *http.Response) string {
	if resp.ProtoMajor == 2 {
		return fmt.Sprintf("HTTP/2 %d", resp.StatusCode)
	}
	return strings.TrimSpace(resp.Proto + " " + resp.Status)
}

// responseFields are sorted by name, for their order is not kept; over HTTP/2
// names are in lower case, as they came.
func responseFields(resp *http.Response) [][2]string {
	var fields [][2]string
	for _, name := range sortedKeys(resp.Header) {
		shown := name
		if resp.ProtoMajor == 2 {
			shown = strings.ToLower(name)
		}
		for _, v := range resp.Header[name] {
			fields = append(fields, [2]string{shown, v})
		}
	}
	return fields
}

// copyBody writes the body while it arrives, behind the heads if they are wanted.
func (g *oneGet) copyBody(t target, resp *http.Response) (n int64, err error) {
	out := g.stdout
	if t.output != "" && t.output != "-" {
		f, err := os.Create(t.output)
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
	if g.o.include || g.o.head {
		if err := printHeads(out, resp); err != nil {
			return 0, err
		}
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
	if !ok || !term.IsTerminal(int(tty.Fd())) || g.o.verbose || g.o.silent {
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

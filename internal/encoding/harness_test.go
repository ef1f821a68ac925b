package encoding

import (
	"bytes"
	stdflate "compress/flate"
	stdgzip "compress/gzip"
	stdzlib "compress/zlib"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"
)

// flushWriter is what every encoder here is.
type flushWriter interface {
	io.WriteCloser
	Flush() error
}

// encoders make coded data; the key says which form of which coding.
var encoders = map[string]func(io.Writer) flushWriter{
	"gzip":    func(w io.Writer) flushWriter { return stdgzip.NewWriter(w) },
	"x-gzip":  func(w io.Writer) flushWriter { return stdgzip.NewWriter(w) },
	"deflate": func(w io.Writer) flushWriter { return stdzlib.NewWriter(w) },
	"deflate raw": func(w io.Writer) flushWriter {
		fw, err := stdflate.NewWriter(w, -1)
		if err != nil {
			panic(err)
		}
		return fw
	},
	"br": func(w io.Writer) flushWriter { return brotli.NewWriter(w) },
	"zstd": func(w io.Writer) flushWriter {
		zw, err := zstd.NewWriter(w, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(1<<20))
		if err != nil {
			panic(err)
		}
		return zw
	},
}

func forms() []string {
	var f []string
	for k := range encoders {
		f = append(f, k)
	}
	slices.Sort(f)
	return f
}

// coding is the name of a form's content coding.
func coding(form string) string { c, _, _ := strings.Cut(form, " "); return c }

func encode(t testing.TB, form string, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := encoders[form](&b)
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// text is n bytes that compress like a page does.
func text(n int) []byte {
	r := rand.New(rand.NewPCG(1, uint64(n)))
	var b bytes.Buffer
	for b.Len() < n {
		fmt.Fprintf(&b, "<li class=%q>%d</li>\n", []string{"item", "wide", "other"}[r.IntN(3)], r.IntN(1e6))
	}
	return b.Bytes()[:n]
}

// body is a response body that counts.
type body struct {
	io.Reader
	reads, closes int
}

func (b *body) Read(p []byte) (int, error) { b.reads++; return b.Reader.Read(p) }
func (b *body) Close() error               { b.closes++; return nil }

// kept are the decoders of all tests outside bubbles, so that each meets what
// the others left behind.
var kept Decoders

func decode(t testing.TB, codings []string, r io.Reader, limit int64) ([]byte, error) {
	t.Helper()
	rc, err := kept.NewReader(codings, &body{Reader: r}, limit)
	if err != nil {
		t.Fatal(err)
	}
	defer rc.Close()
	return io.ReadAll(rc)
}

// wantError fails unless err is an *Error of that coding.
func wantError(t testing.TB, what string, err error, coding string) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) || e.Coding != coding || e.ContentCoding() != coding || !strings.Contains(err.Error(), coding) {
		t.Errorf("%s: error %v, want one of %s", what, err, coding)
	}
}

package mien_test

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"

	"github.com/mien-http/mien"
	"github.com/mien-http/mien/mientest"
	"github.com/mien-http/mien/retry"
)

// codings has an encoder for each form of each coding; the form stands behind a space.
var codings = map[string]func(io.Writer) io.WriteCloser{
	"gzip":        func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) },
	"deflate":     func(w io.Writer) io.WriteCloser { return zlib.NewWriter(w) },
	"deflate raw": func(w io.Writer) io.WriteCloser { f, _ := flate.NewWriter(w, 6); return f },
	"br":          func(w io.Writer) io.WriteCloser { return brotli.NewWriter(w) },
	"zstd": func(w io.Writer) io.WriteCloser {
		z, _ := zstd.NewWriter(w, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(1<<20))
		return z
	},
}

func coded(form string, plain []byte) []byte {
	var b bytes.Buffer
	w := codings[form](&b)
	_, _ = w.Write(plain)
	_ = w.Close()
	return b.Bytes()
}

// codingOf is what Content-Encoding calls a form.
func codingOf(form string) string { return strings.Fields(form)[0] }

// answer is an origin whose every answer handler writes.
func answer(t *testing.T, alpn []string, handler http.HandlerFunc) *mientest.Origin {
	t.Helper()
	return newOrigin(t, mientest.Config{Protocols: alpn, Handler: handler})
}

// Trailers come through every decoder, over both protocols.
func TestEncodingTrailers(t *testing.T) {
	plain := bytes.Repeat([]byte("trailing "), 5000)
	for _, p := range protocols {
		for form := range codings {
			origin := answer(t, p.alpn, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Encoding", codingOf(form))
				w.Header().Set("Trailer", "X-Sum")
				_, _ = w.Write(coded(form, plain))
				w.Header().Set("X-Sum", "5")
			})
			resp, body := get(t, newSession(t, mien.Config{}), origin.URL)
			if body != string(plain) || resp.Trailer.Get("X-Sum") != "5" || !resp.Uncompressed {
				t.Errorf("%s, %s: %d bytes, trailer %v", p.name, form, len(body), resp.Trailer)
			}
		}
	}
}

// A body that is not what it is said to be is an error of class Encoding that names
// the coding, and whoever wants the bytes gets all of them with Accept-Encoding.
func TestEncodingNotWhatItSays(t *testing.T) {
	plain := strings.Repeat("<html>plain</html>", 100)
	for _, p := range protocols {
		for _, coding := range []string{"gzip", "x-gzip", "deflate", "br", "zstd", "gzip, br"} {
			origin := answer(t, p.alpn, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Encoding", coding)
				_, _ = io.WriteString(w, plain)
			})
			s := newSession(t, mien.Config{})
			resp, err := s.Get(t.Context(), origin.URL)
			if err != nil {
				t.Fatal(err)
			}
			_, err = io.ReadAll(resp.Body)
			_ = resp.Body.Close()
			var e *mien.Error
			outer := coding[strings.LastIndexByte(coding, ' ')+1:]
			if !errors.As(err, &e) || e.Class != retry.Encoding || e.Phase != retry.PhaseBody || !strings.Contains(err.Error(), "content-encoding "+outer) {
				t.Errorf("%s, %s: %v", p.name, coding, err)
			}
			req := request(t, http.MethodGet, origin.URL, nil)
			req.Header.Set("Accept-Encoding", "gzip")
			if _, body := mustDo(t, s.Do, req); body != plain {
				t.Errorf("%s, %s: raw: %d bytes", p.name, coding, len(body))
			}
		}
	}
}

// A coding that nobody asked for and nobody knows is the caller's to undo, as in
// browsers: dcb and dcz need a dictionary that was never announced.
func TestEncodingUnknown(t *testing.T) {
	for _, p := range protocols {
		for _, coding := range []string{"dcb", "dcz", "compress", "none", "utf-8", "gzip, dcb", "gzip;q=1"} {
			origin := answer(t, p.alpn, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Encoding", coding)
				_, _ = io.WriteString(w, "as it is")
			})
			for _, limit := range []int64{0, 4} {
				s := newSession(t, mien.Config{Limits: mien.Limits{BodyBytes: limit}})
				resp, err := s.Get(t.Context(), origin.URL)
				if err != nil {
					t.Fatal(err)
				}
				body, err := io.ReadAll(resp.Body)
				_ = resp.Body.Close()
				if resp.Header.Get("Content-Encoding") != coding || resp.Uncompressed || resp.ContentLength != 8 {
					t.Errorf("%s, %s: %v, length %d", p.name, coding, resp.Header, resp.ContentLength)
				}
				if limit == 0 && (string(body) != "as it is" || err != nil) || limit > 0 && (string(body) != "as i" || class(err) != retry.Encoding) {
					t.Errorf("%s, %s, limit %d: %q, %v", p.name, coding, limit, body, err)
				}
			}
		}
	}
}

// Accept-Encoding of the caller's, on the request or in Config.Header, in whatever
// case, with whatever value or with none at all, gives the body as it came.
func TestEncodingRaw(t *testing.T) {
	raw := coded("gzip", []byte("hello"))
	for _, p := range protocols {
		origin := answer(t, p.alpn, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(raw)
		})
		for _, name := range []string{"Accept-Encoding", "accept-encoding"} {
			for _, values := range [][]string{{"gzip"}, {"identity"}, nil} {
				set := http.Header{name: values}
				for _, c := range []struct {
					where       string
					config, own http.Header
				}{{"request", nil, set}, {"Config.Header", set, nil}} {
					what := fmt.Sprintf("%s, %s %s: %q", p.name, c.where, name, values)
					req := request(t, http.MethodGet, origin.URL, nil)
					req.Header = c.own
					resp, body := mustDo(t, newSession(t, mien.Config{Header: c.config}).Do, req)
					if body != string(raw) || resp.Uncompressed || resp.Header.Get("Content-Encoding") != "gzip" || resp.ContentLength != int64(len(raw)) {
						t.Errorf("%s: %q, %v", what, body, resp.Header)
					}
					requests := origin.Requests()
					var sent []string
					for _, f := range requests[len(requests)-1].Fields {
						if strings.EqualFold(f.Name, "Accept-Encoding") {
							sent = append(sent, f.Value)
						}
					}
					if fmt.Sprint(sent) != fmt.Sprint(values) {
						t.Errorf("%s: sent %q", what, sent)
					}
				}
			}
		}
	}
}

// Where there is no content there is nothing to decode, and the fields stay.
func TestEncodingOfNothing(t *testing.T) {
	for _, p := range protocols {
		origin := answer(t, p.alpn, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			switch r.URL.Path {
			case "/204":
				w.WriteHeader(http.StatusNoContent)
			case "/304":
				w.WriteHeader(http.StatusNotModified)
			case "/length":
				w.Header().Set("Content-Length", "1000")
			}
		})
		s := newSession(t, mien.Config{})
		for method, path := range map[string]string{http.MethodHead: "/length", http.MethodGet: "/204", http.MethodPut: "/304", http.MethodPost: "/empty"} {
			resp, body := mustDo(t, s.Do, request(t, method, origin.URL+path, nil))
			if body != "" || resp.Uncompressed || resp.Header.Get("Content-Encoding") != "gzip" {
				t.Errorf("%s, %s %s: %q, %v", p.name, method, path, body, resp.Header)
			}
			if path == "/length" && (resp.ContentLength != 1000 || resp.Header.Get("Content-Length") != "1000") {
				t.Errorf("%s: HEAD: length %d", p.name, resp.ContentLength)
			}
		}
	}
}

// What a redirect or a response that is tried again carries is not decoded: one that
// would not decode costs neither the request nor its connection, and none of its
// bytes count as read.
func TestEncodingThrownAway(t *testing.T) {
	for _, p := range protocols {
		for _, status := range []int{http.StatusFound, http.StatusServiceUnavailable} {
			var began atomic.Bool
			origin := answer(t, p.alpn, func(w http.ResponseWriter, _ *http.Request) {
				if !began.Swap(true) {
					w.Header().Set("Content-Encoding", "gzip")
					w.Header().Set("Location", "/end")
					w.WriteHeader(status)
					_, _ = w.Write(append(coded("gzip", []byte("gone")), "no gzip"...))
				}
			})
			s := newSession(t, mien.Config{Retry: retry.Policy{Statuses: []int{http.StatusServiceUnavailable}}, Hooks: mien.Hooks{Done: func(i mien.RequestInfo) {
				if i.Bytes != 0 {
					t.Errorf("%s, %d: %d bytes of an answer with %d", p.name, status, i.Bytes, i.Status)
				}
			}}})
			get(t, s, origin.URL)
			requests := origin.Requests()
			if len(requests) != 2 || requests[0].Conn != requests[1].Conn {
				t.Errorf("%s, %d: %d requests, connections %d and %d", p.name, status, len(requests), requests[0].Conn, requests[len(requests)-1].Conn)
			}
		}
	}
}

// A small body that decodes to a large one ends at Limits.BodyBytes, however the
// codings are stacked, and more than five of them are not even begun.
func TestEncodingBombs(t *testing.T) {
	const limit = 100 << 10
	type stacked struct {
		body  []byte
		names []string
	}
	var bombs []stacked
	for form := range codings {
		body := coded(form, make([]byte, 1<<20))
		bombs = append(bombs, stacked{body, []string{codingOf(form)}}, stacked{coded("gzip", body), []string{codingOf(form), "gzip"}})
	}
	for _, p := range protocols {
		for _, b := range bombs {
			origin := answer(t, p.alpn, func(w http.ResponseWriter, _ *http.Request) {
				w.Header()["Content-Encoding"] = b.names
				_, _ = w.Write(b.body)
			})
			resp, err := newSession(t, mien.Config{Limits: mien.Limits{BodyBytes: limit}}).Get(t.Context(), origin.URL)
			if err != nil {
				t.Fatal(err)
			}
			n, err := io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
			if n != limit || class(err) != retry.Encoding {
				t.Errorf("%s, %q: %d bytes, %v", p.name, b.names, n, err)
			}
		}
		six := answer(t, p.alpn, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", strings.Repeat("gzip, ", 6))
			_, _ = io.WriteString(w, "x")
		})
		resp, err := newSession(t, mien.Config{}).Get(t.Context(), six.URL)
		if err != nil {
			t.Fatal(err)
		}
		if _, err = io.ReadAll(resp.Body); class(err) != retry.Encoding || !strings.Contains(err.Error(), "more than 5") {
			t.Errorf("%s: six codings: %v", p.name, err)
		}
		_ = resp.Body.Close()
	}
}

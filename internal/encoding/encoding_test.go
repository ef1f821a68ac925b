package encoding

import (
	"bytes"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
)

func TestCodings(t *testing.T) {
	tests := []struct {
		lines []string
		want  string // space-separated; "!" an error
	}{
		{nil, ""},
		{[]string{""}, ""},
		{[]string{"gzip"}, "gzip"},
		{[]string{" GZip\t, ,br "}, "gzip br"},
		{[]string{"deflate", "zstd, x-gzip"}, "deflate zstd x-gzip"},
		{[]string{"identity, gzip, Identity"}, "gzip"},
		{[]string{"utf-8"}, "utf-8"},
		{[]string{"gzip;q=1"}, "!"},
		{[]string{"gzip br"}, "!"},
		{[]string{"\"gzip\""}, "!"},
		{[]string{"gz\x00ip"}, "!"},
		{[]string{"gzıp"}, "!"},
	}
	for _, tt := range tests {
		got, err := Codings(http.Header{"Content-Encoding": tt.lines})
		if s := strings.Join(got, " "); tt.want != "!" && (s != tt.want || err != nil) || tt.want == "!" && err == nil {
			t.Errorf("%q: %q, %v", tt.lines, got, err)
		}
	}
}

func TestDecode(t *testing.T) {
	data := text(500)
	tests := []struct {
		name, coding, method string
		status               int
		length               int64
		decoded              bool
	}{
		{name: "gzip", coding: "gzip", decoded: true},
		{name: "list", coding: "identity, GZIP", decoded: true},
		{name: "error page", coding: "gzip", status: 404, decoded: true},
		{name: "redirect", coding: "gzip", status: 302, decoded: true},
		{name: "none"},
		{name: "identity", coding: "identity"},
		{name: "head", coding: "gzip", method: "HEAD"},
		{name: "101", coding: "gzip", status: 101},
		{name: "204", coding: "gzip", status: 204},
		{name: "206", coding: "gzip", status: 206},
		{name: "304", coding: "gzip", status: 304},
		{name: "no length", coding: "gzip", length: -1, decoded: true},
		{name: "empty", coding: "gzip", length: 0},
		{name: "unknown", coding: "compress"},
		{name: "one unknown", coding: "gzip, dcb"},
		{name: "malformed", coding: "gzip;q=1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			coded := encode(t, "gzip", data)
			length := int64(len(coded))
			if tt.length < 0 || tt.name == "empty" {
				length = tt.length
			}
			b := &body{Reader: bytes.NewReader(coded)}
			resp := &http.Response{
				StatusCode: max(tt.status, 200), Body: b, ContentLength: length,
				Header: http.Header{"Content-Length": {"77"}, "Etag": {"x"}}, Request: &http.Request{Method: tt.method},
			}
			if tt.status == 101 {
				resp.StatusCode = 101
			}
			if tt.coding != "" {
				resp.Header["Content-Encoding"] = []string{tt.coding}
			}
			before := resp.Header.Clone()
			if err := Decode(resp, 0); err != nil {
				t.Fatal(err)
			}
			if b.reads > 0 {
				t.Error("the body was read")
			}
			if !tt.decoded {
				if resp.Body != io.ReadCloser(b) || resp.Uncompressed || resp.ContentLength != length || len(resp.Header) != len(before) {
					t.Errorf("changed: %+v", resp)
				}
				return
			}
			if !resp.Uncompressed || resp.ContentLength != -1 || len(resp.Header) != 1 || resp.Header.Get("Etag") != "x" {
				t.Errorf("left: %+v", resp)
			}
			got, err := io.ReadAll(resp.Body)
			if err != nil || !bytes.Equal(got, data) {
				t.Errorf("%d bytes, %v", len(got), err)
			}
			if _ = resp.Body.Close(); b.closes != 1 {
				t.Errorf("%d closes", b.closes)
			}
		})
	}
}

func TestDecodeNoBody(t *testing.T) {
	h := http.Header{"Content-Encoding": {"gzip"}}
	for _, b := range []io.ReadCloser{nil, http.NoBody} {
		resp := &http.Response{StatusCode: 200, Body: b, ContentLength: -1, Header: h}
		if err := Decode(resp, 0); err != nil || resp.Body != b || resp.Uncompressed {
			t.Errorf("%v: %v", b, err)
		}
	}
}

func TestDecodeTooMany(t *testing.T) {
	b := &body{}
	h := http.Header{"Content-Encoding": slices.Repeat([]string{"gzip"}, MaxCodings+1)}
	resp := &http.Response{StatusCode: 200, Body: b, ContentLength: 10, Header: h}
	err := Decode(resp, 0)
	if err == nil || resp.Body != io.ReadCloser(b) || resp.Uncompressed || b.reads+b.closes > 0 || len(resp.Header) != 1 {
		t.Errorf("%v, %+v", err, resp)
	}
	if want := "content-encoding: more than 5 content codings"; err.Error() != want {
		t.Errorf("error %q, want %q", err, want)
	}
}

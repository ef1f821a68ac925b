package compat_test

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"net/http/httputil"
	"net/textproto"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/mien-http/mien/mientest"
)

var s3Keys = aws.Credentials{AccessKeyID: "id", SecretAccessKey: "secret"}

const s3Region = "eu-central-1"

// fakeS3 is as much of an object store as an SDK needs to put and get objects.
// It holds each request to its signature and each upload to its checksum.
type fakeS3 struct {
	mu      sync.Mutex
	objects map[string][]byte         // guarded by mu; by path
	parts   map[string]map[int][]byte // guarded by mu; by path
	faults  []string                  // guarded by mu; what was wrong with requests
	busy    int                       // guarded by mu; how many requests are refused
	cut     bool                      // guarded by mu; requests get no answer
	seen    map[string]int            // guarded by mu; requests by kind
}

func newFakeS3() *fakeS3 {
	return &fakeS3{objects: make(map[string][]byte), parts: make(map[string]map[int][]byte), seen: make(map[string]int)}
}

func (f *fakeS3) count(kind string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.seen[kind]
}

func (f *fakeS3) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	content, err := s3Content(r)
	if err == nil {
		err = s3Signed(r)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if err != nil {
		f.faults = append(f.faults, r.Method+" "+r.URL.RequestURI()+": "+err.Error())
		http.Error(w, "<Error><Code>BadDigest</Code></Error>", http.StatusBadRequest)
		return
	}
	if f.busy > 0 {
		f.busy--
		http.Error(w, "<Error><Code>SlowDown</Code></Error>", http.StatusServiceUnavailable)
		return
	}
	path := r.URL.Path
	switch {
	case f.cut:
		f.seen["cut"]++
		mientest.EndConnection(r, mientest.RST)
	case r.Method == "POST" && q.Has("uploads"):
		f.seen["create"]++
		f.parts[path] = make(map[int][]byte)
		_, _ = io.WriteString(w, "<InitiateMultipartUploadResult><UploadId>u1</UploadId></InitiateMultipartUploadResult>")
	case r.Method == "PUT" && q.Get("uploadId") == "u1":
		f.seen["part"]++
		n, _ := strconv.Atoi(q.Get("partNumber"))
		f.parts[path][n] = content
		w.Header().Set("ETag", fmt.Sprintf(`"e%d"`, n))
	case r.Method == "POST" && q.Get("uploadId") == "u1":
		f.seen["complete"]++
		var list struct {
			Part []struct{ PartNumber int }
		}
		_ = xml.Unmarshal(content, &list)
		var whole []byte
		for _, p := range list.Part {
			whole = append(whole, f.parts[path][p.PartNumber]...)
		}
		f.objects[path] = whole
		_, _ = io.WriteString(w, "<CompleteMultipartUploadResult><ETag>whole</ETag></CompleteMultipartUploadResult>")
	case r.Method == "DELETE":
		f.seen["abort"]++
		w.WriteHeader(http.StatusNoContent)
	case r.Method == "PUT":
		f.seen["put"]++
		f.objects[path] = content
		w.Header().Set("ETag", `"e0"`)
	case f.objects[path] == nil:
		http.Error(w, "<Error><Code>NoSuchKey</Code></Error>", http.StatusNotFound)
	default:
		f.seen["get"]++
		w.Header().Set("ETag", `"e0"`)
		if r.Header.Get("X-Amz-Checksum-Mode") == "ENABLED" && r.Header.Get("Range") == "" {
			w.Header().Set("X-Amz-Checksum-Crc32", s3Sum(f.objects[path]))
		}
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(f.objects[path]))
	}
}

func s3Sum(b []byte) string {
	n := crc32.ChecksumIEEE(b)
	return base64.StdEncoding.EncodeToString([]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)})
}

// s3Content is the decoded content of r, its checksum and length verified.
func s3Content(r *http.Request) ([]byte, error) {
	sum, length := r.Header.Get("X-Amz-Checksum-Crc32"), r.ContentLength
	var b []byte
	var err error
	if strings.Contains(r.Header.Get("Content-Encoding"), "aws-chunked") {
		br := bufio.NewReader(r.Body)
		if b, err = io.ReadAll(httputil.NewChunkedReader(br)); err != nil {
			return nil, err
		}
		trailer, err := textproto.NewReader(br).ReadMIMEHeader()
		if err != nil {
			return nil, fmt.Errorf("trailer: %w", err)
		}
		sum = trailer.Get("X-Amz-Checksum-Crc32")
		length, _ = strconv.ParseInt(r.Header.Get("X-Amz-Decoded-Content-Length"), 10, 64)
	} else if b, err = io.ReadAll(r.Body); err != nil {
		return nil, err
	}
	if int64(len(b)) != length {
		return nil, fmt.Errorf("%d bytes, %d were announced", len(b), length)
	}
	if sum != s3Sum(b) && r.Method == "PUT" {
		return nil, fmt.Errorf("checksum %q of %d bytes", sum, len(b))
	}
	return b, nil
}

// s3Signed signs again what r says was signed: what arrived must be what the
// SDK had signed.
func s3Signed(r *http.Request) error {
	auth := r.Header.Get("Authorization")
	_, list, _ := strings.Cut(auth, "SignedHeaders=")
	list, _, _ = strings.Cut(list, ",")
	again := &http.Request{Method: r.Method, Host: r.Host, Header: make(http.Header)}
	again.URL = &url.URL{Scheme: "https", Host: r.Host, Path: r.URL.Path, RawPath: r.URL.EscapedPath(), RawQuery: r.URL.RawQuery}
	names := strings.Split(list, ";")
	for _, name := range names {
		if values := r.Header.Values(name); len(values) > 0 {
			again.Header[http.CanonicalHeaderKey(name)] = slices.Clone(values)
		}
	}
	if slices.Contains(names, "content-length") {
		again.ContentLength = r.ContentLength
	}
	at, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
	if err != nil {
		return err
	}
	signer := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true })
	if err := signer.SignHTTP(r.Context(), s3Keys, again, r.Header.Get("X-Amz-Content-Sha256"), "s3", s3Region, at); err != nil {
		return err
	}
	if again.Header.Get("Authorization") != auth {
		return errors.New("the signature is not that of what arrived")
	}
	return nil
}

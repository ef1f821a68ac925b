package encoding

import (
	"bytes"
	stdflate "compress/flate"
	stdgzip "compress/gzip"
	stdzlib "compress/zlib"
	"errors"
	"io"
	"testing"

	"github.com/klauspost/compress/gzip"
)

const fuzzLimit = 1 << 20

// fuzz decodes anything. An error is an *Error, the output is bounded, and the
// decoder, back from its pool, is as good as new. oracle, if there is one,
// decodes the same data by the standard library.
func fuzz(f *testing.F, oracle func([]byte) ([]byte, error), forms ...string) {
	good := map[string][]byte{}
	page := text(2_000)
	for _, form := range forms {
		for _, n := range []int{0, 1, 50, 3_000} {
			coded := encode(f, form, text(n))
			f.Add(coded)
			f.Add(coded[:len(coded)/2])
			f.Add(append(coded, coded...))
		}
		good[form] = encode(f, form, page)
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		name := coding(forms[0])
		got, err := decode(t, []string{name}, bytes.NewReader(in), fuzzLimit)
		var e *Error
		if err != nil && !errors.As(err, &e) {
			t.Errorf("error of another kind: %v", err)
		}
		if len(got) > fuzzLimit {
			t.Errorf("%d bytes", len(got))
		}
		// The standard library ignores flags that RFC 1952 §2.3.1.2 says must fail.
		if oracle != nil && len(in) > 0 && !errors.Is(err, gzip.ErrHeader) {
			want, wantErr := oracle(in)
			if len(want) <= fuzzLimit && ((err == nil) != (wantErr == nil) || err == nil && !bytes.Equal(got, want)) {
				t.Errorf("%d bytes, %v; the standard library has %d, %v", len(got), err, len(want), wantErr)
			}
		}
		for form, coded := range good {
			if back, err := decode(t, []string{name}, bytes.NewReader(coded), 0); err != nil || !bytes.Equal(back, page) {
				t.Fatalf("%s after it: %v", form, err)
			}
		}
	})
}

func readSome(r io.Reader, err error) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	return io.ReadAll(io.LimitReader(r, fuzzLimit+1))
}

func FuzzGzip(f *testing.F) {
	fuzz(f, func(in []byte) ([]byte, error) {
		return readSome(stdgzip.NewReader(bytes.NewReader(in)))
	}, "gzip")
}

func FuzzDeflate(f *testing.F) {
	fuzz(f, func(in []byte) ([]byte, error) {
		src := bytes.NewReader(in)
		r, err := stdzlib.NewReader(src)
		if errors.Is(err, stdzlib.ErrHeader) || len(in) < 2 {
			src.Reset(in)
			r, err = stdflate.NewReader(src), nil
		}
		out, err := readSome(r, err)
		if err == nil && src.Len() > 0 && len(out) <= fuzzLimit {
			err = errTrailing
		}
		return out, err
	}, "deflate", "deflate raw")
}

func FuzzBrotli(f *testing.F) { fuzz(f, nil, "br") }

func FuzzZstd(f *testing.F) { fuzz(f, nil, "zstd") }

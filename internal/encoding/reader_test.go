package encoding

import (
	"bytes"
	stdgzip "compress/gzip"
	"errors"
	"io"
	"slices"
	"testing"
	"testing/iotest"
)

func TestDecoders(t *testing.T) {
	for _, form := range forms() {
		for _, size := range []int{1, 100, 5_000, 100_000} {
			data := text(size)
			coded := encode(t, form, data)
			for name, r := range map[string]io.Reader{
				"whole": bytes.NewReader(coded), "halves": iotest.HalfReader(bytes.NewReader(coded)),
				"late EOF": iotest.DataErrReader(bytes.NewReader(coded)),
			} {
				if got, err := decode(t, []string{coding(form)}, r, 0); err != nil || !bytes.Equal(got, data) {
					t.Errorf("%s, %d bytes, %s: %d bytes, %v", form, size, name, len(got), err)
				}
			}
		}
		data := text(300)
		got, err := decode(t, []string{coding(form)}, iotest.OneByteReader(bytes.NewReader(encode(t, form, data))), 0)
		if err != nil || !bytes.Equal(got, data) {
			t.Errorf("%s by single bytes: %v", form, err)
		}
		if got, err = decode(t, []string{coding(form)}, bytes.NewReader(encode(t, form, nil)), 0); err != nil || len(got) > 0 {
			t.Errorf("%s of nothing: %q, %v", form, got, err)
		}
		if got, err = decode(t, []string{coding(form)}, bytes.NewReader(nil), 0); err != nil || len(got) > 0 {
			t.Errorf("%s: an empty body: %q, %v", form, got, err)
		}
	}
}

// However short a body is cut, that is an error, and what was read before it is
// right.
func TestTruncated(t *testing.T) {
	data := text(400)
	for _, form := range forms() {
		coded := encode(t, form, data)
		for n := 1; n < len(coded); n++ {
			got, err := decode(t, []string{coding(form)}, bytes.NewReader(coded[:n]), 0)
			wantError(t, form, err, coding(form))
			if !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("%s cut to %d of %d bytes: %v", form, n, len(coded), err)
			}
			if !bytes.HasPrefix(data, got) {
				t.Errorf("%s cut to %d: wrong bytes", form, n)
			}
		}
	}
}

func TestTrailingGarbage(t *testing.T) {
	data := text(400)
	for _, form := range forms() {
		coded := encode(t, form, data)
		for _, tail := range []string{"\x00", "x", "\x1f", "\x1f\x8b", "\x28\xb5\x2f", "garbage", string(make([]byte, 5000))} {
			for name, r := range map[string]io.Reader{
				"together": bytes.NewReader(append(slices.Clone(coded), tail...)),
				"apart":    io.MultiReader(bytes.NewReader(coded), bytes.NewReader([]byte(tail))),
			} {
				got, err := decode(t, []string{coding(form)}, r, 0)
				wantError(t, form+" then "+tail[:1]+" "+name, err, coding(form))
				if !bytes.HasPrefix(data, got) {
					t.Errorf("%s then %.8q: wrong bytes", form, tail)
				}
			}
		}
	}
}

// A changed byte is an error wherever the format has a checksum, and no panic
// anywhere.
func TestCorrupt(t *testing.T) {
	data := text(400)
	for _, form := range forms() {
		coded := encode(t, form, data)
		for i := range coded {
			for _, bit := range []byte{1, 0x10, 0xff} {
				bad := slices.Clone(coded)
				bad[i] ^= bit
				got, err := decode(t, []string{coding(form)}, bytes.NewReader(bad), 1<<20)
				if err != nil {
					wantError(t, form, err, coding(form))
				} else if !bytes.Equal(got, data) && form != "br" && form != "deflate raw" {
					t.Errorf("%s with byte %d changed: no error and other bytes", form, i)
				}
			}
		}
	}
}

// gzip data may be many members; a header may have a name, and be cut in it.
func TestGzipMembers(t *testing.T) {
	var b bytes.Buffer
	var ends []int
	for _, part := range []string{"one ", "", "two ", "three"} {
		w := stdgzip.NewWriter(&b)
		w.Name, w.Comment, w.Extra = "a name", "a comment", []byte("extra")
		_, _ = io.WriteString(w, part)
		_ = w.Close()
		ends = append(ends, b.Len())
	}
	for n := 1; n <= b.Len(); n++ {
		got, err := decode(t, []string{"gzip"}, bytes.NewReader(b.Bytes()[:n]), 0)
		if slices.Contains(ends, n) {
			if err != nil {
				t.Errorf("cut behind a member: %v", err)
			}
		} else if !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("cut to %d: %v", n, err)
		}
		if n == b.Len() && string(got) != "one two three" {
			t.Errorf("got %q", got)
		}
	}
}

// zstd data may be many frames, skippable ones among them.
func TestZstdFrames(t *testing.T) {
	one := encode(t, "zstd", []byte("one "))
	skip := []byte{0x5a, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 'x', 'y', 'z'}
	all := slices.Concat(skip, one, skip, encode(t, "zstd", []byte("two")), skip)
	got, err := decode(t, []string{"zstd"}, bytes.NewReader(all), 0)
	if err != nil || string(got) != "one two" {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := decode(t, []string{"zstd"}, bytes.NewReader(all[:len(all)-1]), 0); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("a skippable frame cut short: %v", err)
	}
}

// A frame may ask for a window of 8 MiB and no more, whatever it holds.
func TestZstdWindow(t *testing.T) {
	frame := func(window byte) []byte { // magic, no flags, window, last raw block of 3 bytes
		return []byte{0x28, 0xb5, 0x2f, 0xfd, 0, window, 3<<3 | 1, 0, 0, 'a', 'b', 'c'}
	}
	if got, err := decode(t, []string{"zstd"}, bytes.NewReader(frame(13<<3)), 0); err != nil || string(got) != "abc" {
		t.Errorf("8 MiB: %q, %v", got, err)
	}
	for _, window := range []byte{13<<3 | 1, 14 << 3, 31<<3 | 7} {
		_, err := decode(t, []string{"zstd"}, bytes.NewReader(frame(window)), 0)
		wantError(t, "window", err, "zstd")
	}
}

// RFC 7932 §9.1 ends at 16 MiB; the first byte that stands for more is an error, so
// no body makes a decoder take more.
func TestBrotliWindow(t *testing.T) {
	if _, err := decode(t, []string{"br"}, bytes.NewReader([]byte{0x0f}), 0); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("16 MiB: %v", err)
	}
	for _, rest := range [][]byte{nil, {0x1e}, {0x3e, 0, 0, 0, 3}} {
		_, err := decode(t, []string{"br"}, bytes.NewReader(append([]byte{0x11}, rest...)), 0)
		wantError(t, "large window", err, "br")
		if errors.Is(err, io.ErrUnexpectedEOF) && rest != nil {
			t.Errorf("large window %x: taken for one cut short", rest)
		}
	}
}

func TestStacked(t *testing.T) {
	data := text(20_000)
	names := []string{"gzip", "deflate", "br", "zstd", "x-gzip"}
	var stacks [][]string
	for _, a := range names {
		for _, b := range names {
			stacks = append(stacks, []string{a, b})
		}
	}
	for _, stack := range append(stacks, names) {
		coded := data
		for _, c := range stack {
			coded = encode(t, c, coded)
		}
		got, err := decode(t, stack, bytes.NewReader(coded), int64(len(data)))
		if err != nil || !bytes.Equal(got, data) {
			t.Errorf("%v: %d bytes, %v", stack, len(got), err)
		}
		outer := stack[len(stack)-1]
		_, err = decode(t, stack, bytes.NewReader(coded[:len(coded)-1]), 0)
		wantError(t, "cut", err, outer)
		if got, err := decode(t, stack, bytes.NewReader(nil), 0); err != nil || len(got) > 0 {
			t.Errorf("%v of an empty body: %v", stack, err)
		}
		inner := encode(t, outer, nil)
		if len(stack) == 2 {
			_, err = decode(t, stack, bytes.NewReader(inner), 0)
			wantError(t, "an inner coding of nothing", err, stack[0])
		}
	}
	b := &body{Reader: bytes.NewReader(nil)}
	if _, err := NewReader(append(names, "br"), b, 0); !errors.Is(err, errStack) || b.reads+b.closes > 0 {
		t.Errorf("six codings: %v", err)
	}
	_, err := NewReader([]string{"gzip", "compress"}, b, 0)
	wantError(t, "unknown", err, "compress")
	if rc, err := NewReader(nil, b, 5); rc != io.ReadCloser(b) || err != nil {
		t.Error("no codings is not the body itself")
	}
}

// A bomb is stopped at the limit, in memory that its size does not show in.
func TestLimit(t *testing.T) {
	const size = 2 << 20
	zeros := make([]byte, 1<<20)
	for _, form := range forms() {
		var b bytes.Buffer
		w := encoders[form](&b)
		for range size / len(zeros) {
			_, _ = w.Write(zeros)
		}
		_ = w.Close()
		bomb := b.Bytes()
		for _, limit := range []int64{1, 4096, 1 << 20} {
			got, err := decode(t, []string{coding(form)}, bytes.NewReader(bomb), limit)
			var le *LimitError
			if !errors.As(err, &le) || le.Limit != limit || int64(len(got)) != limit {
				t.Errorf("%s: %d bytes, %v", form, len(got), err)
			}
			wantError(t, form, err, coding(form))
		}
		// The second of two codings hides it: most of it never comes out.
		_, err := decode(t, []string{"gzip", coding(form)}, bytes.NewReader(bomb), 1<<20)
		if err == nil {
			t.Errorf("%s around no gzip: no error", form)
		}
	}
	// Gzip members without content cost bytes and bring none.
	empty := encode(t, "gzip", nil)
	hidden := encode(t, "br", bytes.Repeat(empty, size/len(empty)))
	_, err := decode(t, []string{"gzip", "br"}, bytes.NewReader(hidden), 1<<20)
	var le *LimitError
	if !errors.As(err, &le) || le.Limit != 1<<20 {
		t.Error("hidden bomb:", err)
	}
	for _, form := range forms() {
		data := text(10_000)
		for _, limit := range []int64{int64(len(data)), 1<<63 - 1} {
			got, err := decode(t, []string{coding(form)}, bytes.NewReader(encode(t, form, data)), limit)
			if err != nil || !bytes.Equal(got, data) {
				t.Errorf("%s within the limit %d: %d bytes, %v", form, limit, len(got), err)
			}
		}
	}
}

// The body's own error is the reader's, wherever it strikes: also one that looks
// like the end of the data.
func TestBodyError(t *testing.T) {
	data := text(400)
	for _, form := range forms() {
		coded := encode(t, form, data)
		for _, cause := range []error{errors.New("lost"), io.ErrUnexpectedEOF} {
			for n := 0; n <= len(coded); n++ {
				r := io.MultiReader(bytes.NewReader(coded[:n]), iotest.ErrReader(cause))
				got, err := decode(t, []string{coding(form)}, r, 0)
				if err != cause {
					t.Errorf("%s, %v behind %d of %d bytes: %v", form, cause, n, len(coded), err)
				}
				if !bytes.HasPrefix(data, got) {
					t.Errorf("%s, behind %d: wrong bytes", form, n)
				}
			}
		}
	}
}

package encoding

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/http"
	"testing"
	"testing/synctest"
)

// What the sender flushed can be read while the rest has not come.
func TestStreaming(t *testing.T) {
	for _, form := range forms() {
		t.Run(form, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { testStreaming(t, form, coding(form)) })
		})
	}
	t.Run("stacked", func(t *testing.T) {
		encoders["stack"] = func(w io.Writer) flushWriter {
			outer := encoders["zstd"](w)
			return &stack{encoders["gzip"](outer), outer}
		}
		defer delete(encoders, "stack")
		synctest.Test(t, func(t *testing.T) { testStreaming(t, "stack", "gzip", "zstd") })
	})
}

type stack struct {
	flushWriter
	outer flushWriter
}

func (s *stack) Flush() error { return errors.Join(s.flushWriter.Flush(), s.outer.Flush()) }
func (s *stack) Close() error { return errors.Join(s.flushWriter.Close(), s.outer.Close()) }

func testStreaming(t *testing.T, form string, codings ...string) {
	pr, pw := io.Pipe()
	rc, err := new(Decoders).NewReader(codings, pr, 0)
	if err != nil {
		t.Fatal(err)
	}
	turn := make(chan int) // the writer waits for the reader
	parts := [][]byte{[]byte("first"), text(70_000), []byte("x"), text(10)}
	go func() {
		out := bufio.NewWriter(pw)
		w := encoders[form](out)
		for _, p := range parts {
			_, _ = w.Write(p)
			_ = w.Flush()
			_ = out.Flush()
			<-turn
		}
		_ = w.Close()
		_ = out.Flush()
		<-turn // the coded data has ended, the body has not
		_ = pw.Close()
	}()
	for i, p := range parts {
		got := make([]byte, len(p))
		if _, err := io.ReadFull(rc, got); err != nil || !bytes.Equal(got, p) {
			t.Fatalf("part %d: %v", i, err)
		}
		turn <- i
	}
	go func() { turn <- -1 }()
	if n, err := rc.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		t.Error("at the end:", n, err)
	}
	_ = rc.Close()
}

// The functions of the package serve every bubble in turn. A zstd decoder that
// crossed from one to the next would end the process.
func TestBubbles(t *testing.T) {
	data := text(100)
	for _, form := range forms() {
		coded := encode(t, form, data)
		for range 50 {
			synctest.Test(t, func(t *testing.T) {
				rc, err := NewReader([]string{coding(form)}, io.NopCloser(bytes.NewReader(coded)), 0)
				if err != nil {
					t.Fatal(err)
				}
				if got, err := io.ReadAll(rc); err != nil || !bytes.Equal(got, data) {
					t.Errorf("%s: %v", form, err)
				}
				_ = rc.Close()
			})
		}
	}
}

// counted is a decoder that counts; it passes bytes through.
type counted struct {
	io.Reader
	starts, drops *int
}

func (c *counted) start(src *bufio.Reader) error { c.Reader = src; *c.starts++; return nil }
func (c *counted) drop()                         { c.Reader = nil; *c.drops++ }

func countDecoders(t *testing.T) (starts, drops *int) {
	starts, drops = new(int), new(int)
	makers["counted"] = func() decoder { return &counted{starts: starts, drops: drops} }
	t.Cleanup(func() { delete(makers, "counted") })
	return starts, drops
}

func TestClose(t *testing.T) {
	starts, drops := countDecoders(t)
	b := &body{Reader: bytes.NewReader(text(100))}
	rc, _ := NewReader([]string{"counted"}, b, 0)
	_ = rc.Close()
	_ = rc.Close()
	if b.reads != 0 || b.closes != 1 || *starts != 0 || *drops != 0 {
		t.Errorf("closed unread: %+v, %d starts, %d drops", b, *starts, *drops)
	}
	if _, err := rc.Read(make([]byte, 1)); !errors.Is(err, http.ErrBodyReadAfterClose) {
		t.Error("read after close:", err)
	}

	rc, _ = NewReader([]string{"counted"}, &body{Reader: bytes.NewReader(text(100))}, 0)
	if _, err := io.ReadFull(rc, make([]byte, 10)); err != nil {
		t.Fatal(err)
	}
	_ = rc.Close()
	_ = rc.Close()
	if *starts != 1 || *drops != 1 {
		t.Errorf("closed in the middle: %d starts, %d drops", *starts, *drops)
	}

	rc, _ = NewReader([]string{"counted", "counted"}, &body{Reader: bytes.NewReader(text(100))}, 0)
	_, _ = io.Copy(io.Discard, rc)
	if *starts != 3 || *drops != 3 {
		t.Errorf("read to the end: %d starts, %d drops", *starts, *drops)
	}
	if n, err := rc.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		t.Error("after the end:", n, err)
	}
	_ = rc.Close()
	if *drops != 3 {
		t.Errorf("closed after the end: %d drops", *drops)
	}
}

// starving is a body that has no more to give, but has not ended.
type starving struct {
	io.Reader
	starved chan struct{} // closed by the first Read that has to wait
	closed  chan struct{} // closed by Close
}

func (s *starving) Read(p []byte) (int, error) {
	if n, err := s.Reader.Read(p); err == nil {
		return n, nil
	}
	close(s.starved)
	<-s.closed
	return 0, io.ErrClosedPipe
}

func (s *starving) Close() error {
	close(s.closed)
	return nil
}

// Close from elsewhere interrupts a Read, which then gives the decoder back
// itself: it never reaches another body while this one still uses it.
func TestCloseDuringRead(t *testing.T) {
	_, drops := countDecoders(t)
	for _, c := range []string{"counted", "gzip", "deflate", "br", "zstd"} {
		form := c
		if c == "counted" {
			form = "gzip"
		}
		b := &starving{Reader: bytes.NewReader(encode(t, form, text(100))[:30]), starved: make(chan struct{}), closed: make(chan struct{})}
		rc, _ := NewReader([]string{c}, b, 0)
		done := make(chan error)
		go func() {
			_, err := io.ReadAll(rc)
			done <- err
		}()
		<-b.starved // within a Read: before, it might be between two
		if _, err := rc.Read(nil); err != errConcurrent {
			t.Error("second reader:", err)
		}
		_ = rc.Close()
		if err := <-done; err == nil {
			t.Error("no error from an interrupted Read")
		}
	}
	if *drops != 1 {
		t.Errorf("%d drops", *drops)
	}
}

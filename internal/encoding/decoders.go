package encoding

import (
	"bufio"
	"io"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"
)

// maxZstdWindow is what a zstd content coding may ask a decoder to keep
// (RFC 9659 §3).
const maxZstdWindow = 8 << 20

// A decoder decodes one coding. Read returns io.EOF only when the coded data has
// ended well and src with it, and never together with bytes.
type decoder interface {
	io.Reader
	// start begins with src, which has at least one byte.
	start(src *bufio.Reader) error
	// drop forgets src, so that the decoder can wait in its pool.
	drop()
}

// makers has a maker of decoders for each known coding.
var makers = map[string]func() decoder{
	"gzip":    func() decoder { return new(gzipDecoder) },
	"x-gzip":  func() decoder { return new(gzipDecoder) }, // RFC 9110 §8.4.1.3
	"deflate": func() decoder { return new(deflateDecoder) },
	"br":      func() decoder { return new(brotliDecoder) },
	"zstd":    func() decoder { return new(zstdDecoder) },
}

// none is what idle decoders read from.
type none struct{}

func (none) Read([]byte) (int, error) { return 0, io.EOF }

// noEOF is for places where the end of the input is not the end of the data.
func noEOF(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// gzipDecoder decodes gzip members (RFC 1952) one after the other. It steps from
// one to the next itself: the library takes a header cut inside its name field
// for the end of the file.
type gzipDecoder struct {
	z   gzip.Reader
	src *bufio.Reader
}

func (d *gzipDecoder) start(src *bufio.Reader) error {
	d.src = src
	if err := d.z.Reset(src); err != nil {
		return noEOF(err)
	}
	d.z.Multistream(false)
	return nil
}

func (d *gzipDecoder) Read(p []byte) (int, error) {
	for {
		n, err := d.z.Read(p)
		if n > 0 && err == io.EOF {
			return n, nil
		}
		if err != io.EOF {
			return n, err
		}
		if _, err := d.src.Peek(1); err != nil {
			return 0, err
		}
		if err := d.start(d.src); err != nil {
			return 0, err
		}
	}
}

// drop leaves the library's reader with a reference to a buffer that is pooled
// too; start replaces it.
func (d *gzipDecoder) drop() { d.src = nil }

// deflateDecoder decodes zlib data (RFC 1950), which is what the coding means,
// or the raw deflate data (RFC 1951) that some servers send under its name.
type deflateDecoder struct {
	zlib io.ReadCloser // nil until zlib data came
	raw  io.ReadCloser // nil until raw data came
	cur  io.Reader     // the one in use
	src  *bufio.Reader
}

func (d *deflateDecoder) start(src *bufio.Reader) (err error) {
	d.src = src
	head, err := src.Peek(2)
	if err != nil && err != io.EOF {
		return err
	}
	switch isZlib := len(head) == 2 && head[0]&0x0f == 8 && head[0]>>4 <= 7 && (int(head[0])<<8|int(head[1]))%31 == 0; {
	case isZlib && d.zlib == nil:
		if d.zlib, err = zlib.NewReader(src); err != nil {
			d.zlib = nil
			return err
		}
		d.cur = d.zlib
	case isZlib:
		d.cur = d.zlib
		return d.zlib.(zlib.Resetter).Reset(src, nil)
	case d.raw == nil:
		d.raw = flate.NewReader(src)
		d.cur = d.raw
	default:
		d.cur = d.raw
		return d.raw.(flate.Resetter).Reset(src, nil)
	}
	return nil
}

func (d *deflateDecoder) Read(p []byte) (int, error) {
	n, err := d.cur.Read(p)
	if err != io.EOF {
		return n, err
	}
	if n > 0 {
		return n, nil
	}
	if _, err := d.src.ReadByte(); err != nil {
		return 0, err
	}
	return 0, errTrailing
}

func (d *deflateDecoder) drop() { d.src, d.cur = nil, nil }

// brotliDecoder decodes brotli data (RFC 7932).
type brotliDecoder struct{ r brotli.Reader }

func (d *brotliDecoder) start(src *bufio.Reader) error { return d.r.Reset(src) }
func (d *brotliDecoder) drop()                         { _ = d.r.Reset(none{}) }

// Read reads again where the library read the end of the data and brought none.
func (d *brotliDecoder) Read(p []byte) (int, error) {
	const tries = 100 // bufio's number
	for range tries {
		if n, err := d.r.Read(p); n > 0 || err != nil {
			return n, err
		}
	}
	return 0, io.ErrNoProgress
}

// zstdDecoder decodes zstd frames (RFC 8878) in the reading goroutine.
type zstdDecoder struct{ d *zstd.Decoder }

func (d *zstdDecoder) start(src *bufio.Reader) (err error) {
	if d.d == nil {
		d.d, err = zstd.NewReader(nil,
			zstd.WithDecoderConcurrency(1),
			zstd.WithDecoderLowmem(true),
			zstd.WithDecoderMaxWindow(maxZstdWindow))
		if err != nil {
			return err
		}
	}
	return d.d.Reset(src)
}

func (d *zstdDecoder) Read(p []byte) (int, error) {
	n, err := d.d.Read(p)
	if n > 0 && err == io.EOF {
		err = nil
	}
	return n, err
}

func (d *zstdDecoder) drop() {
	if d.d != nil {
		_ = d.d.Reset(nil)
	}
}

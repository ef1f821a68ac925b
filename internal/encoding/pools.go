package encoding

import "sync"

// Decoders decodes bodies with decoders that it keeps for the next ones. The
// zero value is ready. It may be used concurrently and must not be copied.
//
// The functions of this package share one that keeps none for zstd: those hold a
// channel, and a channel made in one bubble of [testing/synctest] must not be
// used in another. Whoever decodes zstd often has Decoders of its own, which
// lives where its users live.
type Decoders struct {
	gzip, deflate, br, zstd sync.Pool

	noZstd bool // do not keep any
}

// shared is what the functions of this package use.
var shared = &Decoders{noZstd: true}

func (d *Decoders) pool(coding string) *sync.Pool {
	switch {
	case coding == "gzip" || coding == "x-gzip":
		return &d.gzip
	case coding == "deflate":
		return &d.deflate
	case coding == "br":
		return &d.br
	case coding == "zstd" && !d.noZstd:
		return &d.zstd
	}
	return nil
}

// get returns an idle decoder, or a new one. The coding is known.
func (d *Decoders) get(coding string) decoder {
	if p := d.pool(coding); p != nil {
		if dec, ok := p.Get().(decoder); ok {
			return dec
		}
	}
	return makers[coding]()
}

// put takes a decoder that was dropped.
func (d *Decoders) put(coding string, dec decoder) {
	if p := d.pool(coding); p != nil {
		p.Put(dec)
	}
}

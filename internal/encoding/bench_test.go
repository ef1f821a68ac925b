package encoding

import (
	"bytes"
	"io"
	"testing"
)

// BenchmarkDecode decodes a page of 20 kB with decoders that were kept; fresh is
// the same without.
func BenchmarkDecode(b *testing.B) {
	data := text(20_000)
	for _, form := range forms() {
		coded := encode(b, form, data)
		codings := []string{coding(form)}
		run := func(b *testing.B, decoders func() *Decoders) {
			b.ReportAllocs()
			b.SetBytes(int64(len(data)))
			buf := make([]byte, 32<<10)
			for b.Loop() {
				rc, err := decoders().NewReader(codings, io.NopCloser(bytes.NewReader(coded)), 0)
				if err != nil {
					b.Fatal(err)
				}
				n := 0
				for {
					m, err := rc.Read(buf)
					if n += m; err == io.EOF {
						break
					}
					if err != nil {
						b.Fatal(err)
					}
				}
				if _ = rc.Close(); n != len(data) {
					b.Fatal(n)
				}
			}
		}
		kept := new(Decoders)
		b.Run(form, func(b *testing.B) { run(b, func() *Decoders { return kept }) })
		b.Run(form+"/fresh", func(b *testing.B) { run(b, func() *Decoders { return new(Decoders) }) })
	}
}

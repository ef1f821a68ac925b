package mien_test

import (
	"context"
	"io"
	"net/http"
	"testing"

	"github.com/mien-http/mien"
	"github.com/mien-http/mien/mientest"
)

// BenchmarkDo is one request after another and many at once on one connection.
// The origin's part is in the figures.
func BenchmarkDo(b *testing.B) {
	for _, p := range protocols {
		b.Run(p.name, func(b *testing.B) {
			origin := newOrigin(b, mientest.Config{Protocols: p.alpn, RecordFull: 1, Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})})
			s := newSession(b, mien.Config{})
			b.ReportAllocs()
			b.SetParallelism(16)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					resp, err := s.Get(context.Background(), origin.URL)
					if err != nil {
						b.Error(err)
						return
					}
					_, _ = io.Copy(io.Discard, resp.Body)
					_ = resp.Body.Close()
				}
			})
		})
	}
}

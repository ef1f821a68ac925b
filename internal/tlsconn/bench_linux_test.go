package tlsconn

import (
	"crypto/tls"
	"io"
	"net"
	"runtime"
	"slices"
	"syscall"
	"testing"
	"time"
)

// threadCPU is the processor time that the calling thread has used (getrusage(2),
// RUSAGE_THREAD).
func threadCPU(b *testing.B) time.Duration {
	b.Helper()
	const thread = 1
	var u syscall.Rusage
	if err := syscall.Getrusage(thread, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkClient compares what a new connection and a full handshake cost the
// client alone, by turns so that whatever else runs here hits all alike: in
// processor time of the client's thread, as medians and as multiples of
// crypto/tls. The server shows a leaf and its issuer.
func BenchmarkClient(b *testing.B) {
	s := newServer(b, nil)
	auth := s.auth
	lower := auth.issueCA(b, "lower", nil)
	cert := lower.issue(b, nil)
	cert.Certificate = append(cert.Certificate, lower.cert.Raw)
	s = newServer(b, func(c *tls.Config) { c.Certificates = []tls.Certificate{cert} })
	s.auth = auth

	standard := &tls.Config{RootCAs: auth.pool, ServerName: testHost, NextProtos: []string{"h2", "http/1.1"}}
	type kind struct {
		name string
		open func() (io.ReadCloser, error)
		took []time.Duration
	}
	kinds := []*kind{{name: "crypto-tls", open: func() (io.ReadCloser, error) { return tls.Dial("tcp", s.addr, standard) }}}
	ours := func(name, profileName string, chains *Chains) {
		cfg := s.config(profile(b, profileName))
		cfg.Chains = chains
		kinds = append(kinds, &kind{name: name, open: func() (io.ReadCloser, error) {
			nc, err := net.Dial("tcp", s.addr)
			if err != nil {
				return nil, err
			}
			return Client(b.Context(), nc, cfg)
		}})
	}
	ours("chrome-no-chains", "chrome-156-linux", nil)
	ours("chrome", "chrome-156-linux", &Chains{})
	ours("firefox", "firefox-153-linux", &Chains{})
	ours("HelloChrome_133", "utls:HelloChrome_133", &Chains{})

	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	greeting := make([]byte, 5)
	for b.Loop() {
		for _, k := range kinds {
			start := threadCPU(b)
			c, err := k.open()
			if err != nil {
				b.Fatal(err)
			}
			if _, err := io.ReadFull(c, greeting); err != nil {
				b.Fatal(err)
			}
			k.took = append(k.took, threadCPU(b)-start)
			c.Close()
		}
	}
	var base time.Duration
	for _, k := range kinds {
		slices.Sort(k.took)
		median := k.took[len(k.took)/2]
		if base == 0 {
			base = median
			b.ReportMetric(float64(base.Microseconds()), "crypto-tls-µs")
			continue
		}
		b.ReportMetric(float64(median)/float64(base), k.name+"-ratio")
	}
	b.ReportMetric(0, "ns/op")
}

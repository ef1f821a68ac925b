// Package soak_test runs a Session for as long as it is told among thousands of
// callers, against origins that break handshakes, requests and themselves, and
// over lines that lose packets; and holds what the origins saw against what the
// callers were told, request by request.
//
// The origins are processes of their own, so that the descriptors and the memory
// counted here are the client's. MIEN_SOAK is how long the soak lasts, "30m" for
// example; without it, a few seconds with few callers.
package soak_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/mien-http/mien"
)

// roleVariable, in the environment, makes the test binary one of the processes
// below instead.
const roleVariable = "MIEN_SOAK_ROLE"

// roles are what a child process can be. It reads its standard input from in,
// and ends when that does, so that it never outlives the test.
var roles = map[string]func(in io.Reader) error{
	"origin":  serveOrigins,
	"line":    serveLine,
	"client":  lossyClient,
	"nothing": func(io.Reader) error { return nil },
}

func TestMain(m *testing.M) {
	if role := os.Getenv(roleVariable); role != "" {
		if err := roles[role](untilOrphaned(os.Stdin)); err != nil {
			fmt.Fprintf(os.Stderr, "%s: %v\n", role, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

// untilOrphaned hands on what can be read. Some time after the end the process
// is gone, whatever it is doing.
func untilOrphaned(stdin io.Reader) io.Reader {
	r, w := io.Pipe()
	go func() {
		_, _ = io.Copy(w, stdin)
		w.Close()
		<-time.After(15 * time.Second)
		fmt.Fprintln(os.Stderr, "did not end by itself")
		os.Exit(1)
	}()
	return r
}

// trusting is the client's TLS configuration for the origins' CA.
func trusting(ca []byte) (*tls.Config, error) {
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(ca) {
		return nil, errors.New("the origins' CA is not PEM")
	}
	return &tls.Config{RootCAs: pool}, nil
}

// oneAddress says that every name is this address.
type oneAddress struct{ netip.Addr }

func (a oneAddress) LookupNetIP(context.Context, string, string) ([]netip.Addr, error) {
	return []netip.Addr{a.Addr}, nil
}

var _ mien.Resolver = oneAddress{}

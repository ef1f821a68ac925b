// Package leak_test holds a Session to its promise that nothing goes around a
// proxy: no packet, no look-up, no credential. One table of cases runs twice.
// TestNothingGoesAround runs it on loopback, everywhere, and watches the
// resolver and the origins. TestLiveLeak runs it in a network namespace where
// the kernel counts the packets, and where whatever goes around the proxy would
// be answered: the origins can be reached directly and a name server knows them.
package leak_test

import (
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"
)

// roleVariable, in the environment, makes the test binary one of the processes
// in roles instead.
const roleVariable = "MIEN_LEAK_ROLE"

func TestMain(m *testing.M) {
	if role := os.Getenv(roleVariable); role != "" {
		if err := roles[role](); err != nil {
			fmt.Fprintf(os.Stderr, "%s: %v\n", role, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

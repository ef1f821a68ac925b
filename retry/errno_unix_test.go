//go:build unix

package retry

import (
	"syscall"
	"testing"
)

// What this system's sockets return.
const (
	osECONNRESET    = syscall.ECONNRESET
	osECONNREFUSED  = syscall.ECONNREFUSED
	osEHOSTUNREACH  = syscall.EHOSTUNREACH
	osENETUNREACH   = syscall.ENETUNREACH
	osEPIPE         = syscall.EPIPE
	osETIMEDOUT     = syscall.ETIMEDOUT
	osEMFILE        = syscall.EMFILE
	osENFILE        = syscall.ENFILE
	osEADDRNOTAVAIL = syscall.EADDRNOTAVAIL
)

func TestErrno(t *testing.T) {
	for want, numbers := range map[errnoKind][]syscall.Errno{
		errnoReset:       {syscall.ECONNRESET, syscall.ECONNABORTED, syscall.EPIPE, syscall.ENOTCONN},
		errnoRefused:     {syscall.ECONNREFUSED},
		errnoUnreachable: {syscall.EHOSTUNREACH, syscall.ENETUNREACH, syscall.EHOSTDOWN, syscall.EPERM},
		errnoTimeout:     {syscall.ETIMEDOUT},
		errnoLimit:       {syscall.EMFILE, syscall.ENFILE, syscall.EADDRNOTAVAIL, syscall.ENOBUFS, syscall.EAGAIN},
		errnoNone:        {syscall.EINVAL, syscall.ENOENT, 0},
	} {
		for _, n := range numbers {
			if got := errnoOf(opError("read", n)); got != want {
				t.Errorf("errno %d (%v): kind %d, want %d", n, n, got, want)
			}
		}
	}
}

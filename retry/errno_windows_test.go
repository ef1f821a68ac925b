package retry

import (
	"syscall"
	"testing"

	"golang.org/x/sys/windows"
)

// What this system's sockets return.
const (
	osECONNRESET    = windows.WSAECONNRESET
	osECONNREFUSED  = windows.WSAECONNREFUSED
	osEHOSTUNREACH  = windows.WSAEHOSTUNREACH
	osENETUNREACH   = windows.WSAENETUNREACH
	osEPIPE         = windows.WSAESHUTDOWN
	osETIMEDOUT     = windows.WSAETIMEDOUT
	osEMFILE        = windows.WSAEMFILE
	osENFILE        = windows.WSAENOBUFS
	osEADDRNOTAVAIL = windows.WSAEADDRNOTAVAIL
)

func TestErrno(t *testing.T) {
	for want, numbers := range map[errnoKind][]syscall.Errno{
		errnoReset:       {windows.WSAECONNRESET, windows.WSAECONNABORTED, windows.WSAENETRESET, windows.ERROR_BROKEN_PIPE, windows.ERROR_NETNAME_DELETED},
		errnoRefused:     {windows.WSAECONNREFUSED},
		errnoUnreachable: {windows.WSAEHOSTUNREACH, windows.WSAENETUNREACH, windows.WSAEHOSTDOWN, windows.WSAEACCES},
		errnoTimeout:     {windows.WSAETIMEDOUT},
		errnoLimit:       {windows.WSAEMFILE, windows.WSAENOBUFS, windows.WSAEADDRNOTAVAIL, windows.WSAEADDRINUSE},
		errnoNone:        {windows.WSAEINVAL, syscall.ECONNRESET},
	} {
		for _, n := range numbers {
			if got := errnoOf(opError("read", n)); got != want {
				t.Errorf("errno %d (%v): kind %d, want %d", n, n, got, want)
			}
		}
	}
}

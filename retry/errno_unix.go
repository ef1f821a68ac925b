//go:build unix

package retry

import "syscall"

// kindOfErrno reads connect(2), socket(2), send(2) and recv(2).
func kindOfErrno(e syscall.Errno) errnoKind {
	switch e {
	case syscall.ECONNRESET, syscall.ECONNABORTED, syscall.EPIPE, syscall.ENOTCONN, syscall.ESHUTDOWN, syscall.ENETRESET:
		return errnoReset
	case syscall.ECONNREFUSED:
		return errnoRefused
	case syscall.EHOSTUNREACH, syscall.ENETUNREACH, syscall.EHOSTDOWN, syscall.ENETDOWN,
		syscall.EACCES, syscall.EPERM: // a local packet filter answers so
		return errnoUnreachable
	case syscall.ETIMEDOUT:
		return errnoTimeout
	case syscall.EMFILE, syscall.ENFILE, syscall.EADDRNOTAVAIL, syscall.EADDRINUSE, syscall.ENOBUFS, syscall.ENOMEM,
		syscall.EAGAIN: // connect(2) on Linux: no free local port
		return errnoLimit
	}
	return errnoNone
}

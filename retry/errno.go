//go:build unix || windows

package retry

import (
	"errors"
	"syscall"
)

// errnoOf gives the meaning of the first error number in err.
func errnoOf(err error) errnoKind {
	var errno syscall.Errno
	if err == nil || !errors.As(err, &errno) {
		return errnoNone
	}
	return kindOfErrno(errno)
}

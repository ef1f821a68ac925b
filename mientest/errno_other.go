//go:build !windows

package mientest

import "syscall"

// What a socket of this system reports.
const (
	connReset   = syscall.ECONNRESET
	connRefused = syscall.ECONNREFUSED
	brokenPipe  = syscall.EPIPE
)

package mientest

import "syscall"

// What a socket of this system reports: Winsock's codes, which package syscall
// knows only in part (https://learn.microsoft.com/windows/win32/winsock/windows-sockets-error-codes-2).
const (
	connReset   = syscall.WSAECONNRESET
	connRefused = syscall.Errno(10061) // WSAECONNREFUSED
	brokenPipe  = syscall.WSAECONNABORTED
)

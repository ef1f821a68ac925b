package retry

import "syscall"

// kindOfErrno asks the Windows Sockets table. Package syscall's ECONNRESET and
// its like are invented numbers on Windows, which no socket ever returns.
func kindOfErrno(e syscall.Errno) errnoKind { return kindOfWSA(uintptr(e)) }

//go:build !linux

package egress

import "syscall"

// control sets nothing: TCP_USER_TIMEOUT is Linux's, keep-alive does the rest.
func control(_, _ string, _ syscall.RawConn) error { return nil }

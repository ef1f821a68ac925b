//go:build unix

package main

import "syscall"

// descriptorLimit is how many files this process may open, and the command that
// raises the limit, with a place for the number.
func descriptorLimit() (limit uint64, command string, ok bool) {
	var r syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &r); err != nil {
		return 0, "", false
	}
	return uint64(r.Cur), "ulimit -n %d", true
}

//go:build unix

package main

import (
	"runtime"
	"syscall"
)

// peakRSS is the largest resident set of this process so far, in bytes; nil
// where the system does not tell.
func peakRSS() *int64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return nil
	}
	n := int64(u.Maxrss)
	if runtime.GOOS != "darwin" && runtime.GOOS != "ios" {
		n *= 1024 // kilobytes everywhere else
	}
	return &n
}

package doctor

import (
	"math"
	"os"
	"syscall"
)

func thisMachine() machine {
	m := readMachine(os.DirFS("/proc"))
	var r syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &r); err == nil {
		m.descriptors = figure{-1, true}
		if cur := r.Cur; cur <= math.MaxInt64 { // above it is RLIM_INFINITY
			m.descriptors.n = int64(cur)
		}
	}
	return m
}

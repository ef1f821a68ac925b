package fetch

import (
	"errors"
	"os"

	"golang.org/x/sys/windows"
)

// lock takes f for this process until f is closed or the process ends, however
// it ends. Such a lock keeps others from reading what it covers, so it covers a
// byte where no content is.
func lock(f *os.File) error {
	at := windows.Overlapped{OffsetHigh: 1 << 30}
	err := windows.LockFileEx(windows.Handle(f.Fd()), windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0, &at)
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) {
		return errInUse
	}
	return err
}

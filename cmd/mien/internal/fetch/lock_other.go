//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd || windows)

package fetch

import (
	"errors"
	"fmt"
	"os"
)

// lock refuses: two runs that do not know of each other would mix their results.
func lock(*os.File) error {
	return fmt.Errorf("this system has no file locks that end with the process: %w", errors.ErrUnsupported)
}

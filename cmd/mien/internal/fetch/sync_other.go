//go:build !linux

package fetch

import "os"

// settle makes one body last.
func settle(f *os.File) error { return f.Sync() }

// syncBodies has nothing left to do: each body is on the disk before it gets
// its name.
func syncBodies(*os.File) error { return nil }

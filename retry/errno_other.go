//go:build !unix && !windows

package retry

// errnoOf knows no numbers here: errors are told apart by their types alone.
func errnoOf(error) errnoKind { return errnoNone }

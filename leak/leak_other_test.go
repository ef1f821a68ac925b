//go:build !linux

package leak_test

import "testing"

var roles map[string]func() error

// TestLiveLeak needs network namespaces.
func TestLiveLeak(t *testing.T) { t.Skip("this system has no network namespaces") }

//go:build !linux

package main

import "testing"

// fastDir is a folder on the disk: only Linux has one in memory for everybody.
func fastDir(t *testing.T) string { return t.TempDir() }

//go:build !unix

package main

// descriptorLimit: there is no such limit here.
func descriptorLimit() (limit uint64, command string, ok bool) { return 0, "", false }

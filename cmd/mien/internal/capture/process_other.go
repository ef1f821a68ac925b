//go:build !unix

package capture

import "os/exec"

func ownGroup(*exec.Cmd) {}

// terminate ends the browser; processes that it started notice.
func terminate(cmd *exec.Cmd) { _ = cmd.Process.Kill() }

func kill(*exec.Cmd) {}

package peers_test

import (
	"os/exec"
	"path/filepath"
	"testing"
)

// startNghttpd starts a server of HTTP/2 alone that pads its frames, tells no
// lengths, sends a trailer, wants to push, and has small windows and a large
// header table.
func startNghttpd(t *testing.T, s site) []string {
	path := installed(t, "nghttpd")
	ports := serve(t, 1, func(ports []string) *exec.Cmd {
		return exec.Command(path, "--address=127.0.0.1", "--htdocs="+filepath.Join(s.dir, "www"),
			"--echo-upload", "--padding=255", "--push=/small=/large", "--trailer=x-trailer: done",
			"--window-bits=12", "--header-table-size=64K",
			ports[0], filepath.Join(s.dir, "key.pem"), filepath.Join(s.dir, "cert.pem"))
	})
	return []string{ports[0], "", ""}
}

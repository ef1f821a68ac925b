package peers_test

import (
	"fmt"
	"os/exec"
	"testing"
)

const h2oConf = `%[6]s
num-threads: 1
compress: ON
hosts:
  default:
    listen:
      host: 127.0.0.1
      port: %[3]s
      ssl:
        certificate-file: %[1]s/cert.pem
        key-file: %[1]s/key.pem
    paths:
      /:
        file.dir: %[1]s/www
      /app:
        proxy.reverse.url: %[2]s/app
        proxy.websocket: ON
listen:
  host: 127.0.0.1
  port: %[5]s
`

// startH2O starts h2o, which cannot be told to do without HTTP/2 on TLS.
func startH2O(t *testing.T, s site) []string {
	path := installed(t, "h2o")
	var as string
	if s.user == "root" {
		as = "user: root" // or it becomes nobody, who may not read the files
	}
	ports := serve(t, 2, func(ports []string) *exec.Cmd {
		conf := write(t, s.dir, "h2o.conf", fmt.Appendf(nil, h2oConf, s.dir, s.backend, ports[0], "", ports[1], as))
		return exec.Command(path, "-m", "worker", "-c", conf)
	})
	return []string{ports[0], "", ports[1]}
}

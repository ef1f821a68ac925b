package peers_test

import (
	"fmt"
	"os"
	"os/exec"
	"testing"
)

const caddyFile = `{
	admin off
	auto_https off
	storage file_system %[1]s/storage
	default_bind 127.0.0.1
	servers 127.0.0.1:%[4]s {
		protocols h1
	}
	servers 127.0.0.1:%[3]s {
		protocols h1 h2
	}
	servers 127.0.0.1:%[5]s {
		protocols h1
	}
}
(site) {
	encode zstd gzip {
		minimum_length 1
	}
	reverse_proxy /app/* %[2]s
	file_server {
		root %[1]s/www
	}
}
https://localhost:%[3]s {
	tls %[1]s/cert.pem %[1]s/key.pem
	import site
}
https://localhost:%[4]s {
	tls %[1]s/cert.pem %[1]s/key.pem
	import site
}
http://localhost:%[5]s {
	import site
}
`

func startCaddy(t *testing.T, s site) []string {
	path := installed(t, "caddy")
	return serve(t, 3, func(ports []string) *exec.Cmd {
		conf := write(t, s.dir, "Caddyfile", fmt.Appendf(nil, caddyFile, s.dir, s.backend, ports[0], ports[1], ports[2]))
		cmd := exec.Command(path, "run", "--adapter", "caddyfile", "--config", conf)
		cmd.Env = append(os.Environ(), "HOME="+s.dir, "XDG_CONFIG_HOME="+s.dir, "XDG_DATA_HOME="+s.dir)
		return cmd
	})
}

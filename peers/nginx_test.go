package peers_test

import (
	"fmt"
	"os/exec"
	"testing"

	"github.com/mien-http/mien/internal/livetest"
)

const nginxConf = livetest.NginxHead + `	ssl_protocols TLSv1.2 TLSv1.3;
	client_max_body_size 0;
	keepalive_requests %[3]d;
	gzip on;
	gzip_min_length 1;
	gzip_types text/plain;
	map $http_upgrade $connection_upgrade { default upgrade; "" ""; }
	server {
		listen 127.0.0.1:%[4]s ssl http2;
		listen 127.0.0.1:%[5]s ssl;
		listen 127.0.0.1:%[6]s;
		location / {
			proxy_pass %[2]s;
			proxy_http_version 1.1;
			proxy_request_buffering off;
			proxy_set_header Upgrade $http_upgrade;
			proxy_set_header Connection $connection_upgrade;
		}
	}
}
`

func startNginx(t *testing.T, s site) []string { return nginx(t, s, 1000) }

// startClosingNginx ends a connection after 50 requests, over HTTP/2 by a
// GOAWAY between requests that are under way.
func startClosingNginx(t *testing.T, s site) []string { return nginx(t, s, 50) }

func nginx(t *testing.T, s site, perConnection int) []string {
	path := installed(t, "nginx")
	return serve(t, 3, func(ports []string) *exec.Cmd {
		conf := write(t, s.dir, "nginx.conf", fmt.Appendf(nil, nginxConf, s.dir, s.backend, perConnection, ports[0], ports[1], ports[2]))
		return exec.Command(path, "-p", s.dir, "-e", "stderr", "-c", conf)
	})
}

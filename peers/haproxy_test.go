package peers_test

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"
)

const haproxyConf = `global
	maxconn 2000
	tune.ssl.cachesize 1000
defaults
	mode http
	timeout connect 30s
	timeout client 60s
	timeout server 60s
frontend all
	bind 127.0.0.1:%[3]s ssl crt %[1]s/both.pem alpn h2,http/1.1
	bind 127.0.0.1:%[4]s ssl crt %[1]s/both.pem alpn http/1.1
	bind 127.0.0.1:%[5]s
	default_backend application
backend application
	server application %[2]s
`

func startHAProxy(t *testing.T, s site) []string {
	path := installed(t, "haproxy")
	return serve(t, 3, func(ports []string) *exec.Cmd {
		conf := write(t, s.dir, "haproxy.cfg", fmt.Appendf(nil, haproxyConf, s.dir, strings.TrimPrefix(s.backend, "http://"), ports[0], ports[1], ports[2]))
		return exec.Command(path, "-db", "-f", conf)
	})
}

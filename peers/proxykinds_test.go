package peers_test

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"testing"
)

const squidConf = `%[3]s
pid_filename none
cache_log /dev/null
access_log none
cache_store_log none
coredump_dir %[1]s
cache deny all
cache_mem 1 MB
max_filedescriptors 4096
pinger_enable off
shutdown_lifetime 0 seconds
visible_hostname proxy.test
hosts_file %[1]s/hosts
dns_nameservers 127.0.0.1
tcp_outgoing_address %[2]s
%[4]s
http_access deny all
`

// squidPassword asks Squid's own helper.
const squidPassword = `auth_param basic program /usr/lib/squid/basic_ncsa_auth %s/passwords
auth_param basic children 2 startup=1
acl known proxy_auth REQUIRED
http_access allow known
`

func startSquid(t *testing.T, p proxy, password string) string {
	return squid(t, p, password, "http_port 127.0.0.1:%s")
}

func startSquidTLS(t *testing.T, p proxy, password string) string {
	return squid(t, p, password, "https_port 127.0.0.1:%s tls-cert=cert.pem tls-key=key.pem")
}

func squid(t *testing.T, p proxy, password string, listen string) string {
	path, dir := installed(t, "squid"), made(t, ecdsaIdentity).folder(t)
	write(t, dir, "hosts", []byte("127.0.0.1 "+siteName+"\n"))
	access := "http_access allow all"
	if password != "" {
		sum, err := exec.CommandContext(t.Context(), installed(t, "openssl"), "passwd", "-apr1", password).Output()
		if err != nil {
			t.Fatal(err)
		}
		write(t, dir, "passwords", append([]byte(proxyUser+":"), sum...))
		access = fmt.Sprintf(squidPassword, dir)
	}
	return serve(t, 1, func(ports []string) *exec.Cmd {
		conf := write(t, dir, "squid.conf", fmt.Appendf(nil, squidConf, dir, p.from, fmt.Sprintf(listen, ports[0]), access))
		cmd := exec.Command(path, "-N", "-d", "1", "-f", conf)
		cmd.Dir = dir
		return cmd
	})[0]
}

const tinyproxyConf = `Port %s
Listen 127.0.0.1
Bind %s
Timeout 60
MaxClients 300
LogLevel Warning
ViaProxyName "tinyproxy"
%s
`

func startTinyproxy(t *testing.T, p proxy, password string) string {
	path, dir := installed(t, "tinyproxy"), t.TempDir()
	var auth string
	if password != "" {
		auth = fmt.Sprintf("BasicAuth %s %s", proxyUser, password)
	}
	return serve(t, 1, func(ports []string) *exec.Cmd {
		write(t, dir, "tinyproxy.conf", fmt.Appendf(nil, tinyproxyConf, ports[0], p.from, auth))
		return exec.Command(path, "-d", "-c", filepath.Join(dir, "tinyproxy.conf"))
	})[0]
}

func startMicrosocks(t *testing.T, p proxy, password string) string {
	path := installed(t, "microsocks")
	return serve(t, 1, func(ports []string) *exec.Cmd {
		args := []string{"-i", "127.0.0.1", "-p", ports[0], "-b", p.from}
		if password != "" {
			args = append(args, "-u", proxyUser, "-P", password)
		}
		return exec.Command(path, args...)
	})[0]
}

package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// servers are the processes that clients are measured against, on the second core.
type servers struct {
	certificates
	addrs map[string]string  // by workload.server; one or more, separated by spaces
	ask   map[string]*asking // what tells counts; nginx does not
	ends  []func()
}

// asking is a server that tells its counts.
type asking struct {
	in  io.Writer
	out *bufio.Reader
}

// counts returns what the server saw since it was asked last, or zeros.
func (s *servers) counts(name string) (counts, error) {
	var c counts
	a := s.ask[name]
	if a == nil {
		return c, nil
	}
	if _, err := a.in.Write([]byte{'\n'}); err != nil {
		return c, err
	}
	line, err := a.out.ReadBytes('\n')
	if err != nil {
		return c, err
	}
	return c, json.Unmarshal(line, &c)
}

// onCore runs a program on one core, where taskset is installed and there are two.
func onCore(ctx context.Context, core int, name string, args ...string) *exec.Cmd {
	if path, err := exec.LookPath("taskset"); err == nil {
		return exec.CommandContext(ctx, path, append([]string{"-c", fmt.Sprint(core), name}, args...)...)
	}
	return exec.CommandContext(ctx, name, args...)
}

const clientCore, serverCore = 0, 1

func startServers(ctx context.Context, dir string) (*servers, error) {
	certs, err := makeCertificates(dir)
	if err != nil {
		return nil, err
	}
	s := &servers{certificates: certs, addrs: make(map[string]string), ask: make(map[string]*asking)}
	for name, args := range map[string][]string{
		"go":     nil,
		"h1":     {"-h1"},
		"resets": {"-resets", "-h1"},                  // a connection for each request that is on its way
		"many":   {"-ports", strconv.Itoa(manyPorts)}, // as many origins
	} {
		if err := s.startGo(ctx, name, args); err != nil {
			s.stop()
			return nil, err
		}
	}
	if err := s.startNginx(ctx, dir); err != nil {
		s.stop()
		return nil, err
	}
	return s, nil
}

func (s *servers) stop() {
	for _, end := range s.ends {
		end()
	}
}

func (s *servers) startGo(ctx context.Context, name string, args []string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := onCore(ctx, serverCore, self, append([]string{"serve", "-chain", s.chain, "-key", s.key}, args...)...)
	in, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	s.ends = append(s.ends, func() {
		_ = in.Close()
		_ = cmd.Wait()
	})
	lines := bufio.NewReader(out)
	addr, err := lines.ReadString('\n')
	if err != nil {
		return fmt.Errorf("server %s: %w", name, err)
	}
	s.addrs[name], s.ask[name] = strings.TrimSpace(addr), &asking{in, lines}
	return nil
}

// startNginx starts one worker with the documents in files. Where there is no
// nginx its workloads are left out.
func (s *servers) startNginx(ctx context.Context, dir string) error {
	nginx, err := exec.LookPath("nginx")
	if err != nil {
		nginx = "/usr/sbin/nginx" // where Debian puts it
	}
	if _, err := os.Stat(nginx); err != nil {
		return nil //nolint:nilerr // measured without it, and said so in the report
	}
	root := filepath.Join(dir, "nginx")
	if err := os.MkdirAll(filepath.Join(root, "files"), 0o755); err != nil { //nolint:gosec // a worker of another user reads it
		return err
	}
	if err := os.Chmod(dir, 0o755); err != nil { //nolint:gosec // see above
		return err
	}
	for name, size := range map[string]int{"1k": kib, "10m": 10 << 20} {
		if err := os.WriteFile(filepath.Join(root, "files", name), make([]byte, size), 0o644); err != nil { //nolint:gosec // see above
			return err
		}
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	addr := listener.Addr().String()
	_ = listener.Close()
	config := fmt.Sprintf(`
daemon off;
worker_processes 1;
pid %[1]s/pid;
error_log %[1]s/error.log;
events { worker_connections 8192; }
http {
  access_log off;
  client_body_temp_path %[1]s/body; proxy_temp_path %[1]s/proxy; fastcgi_temp_path %[1]s/fastcgi;
  uwsgi_temp_path %[1]s/uwsgi; scgi_temp_path %[1]s/scgi;
  keepalive_requests 100000000;
  http2_max_concurrent_streams 250;
  sendfile on;
  server {
    listen %[2]s ssl http2;
    ssl_certificate %[3]s;
    ssl_certificate_key %[4]s;
    root %[1]s/files;
  }
}
`, root, addr, s.chain, s.key)
	file := filepath.Join(root, "nginx.conf")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		return err
	}
	cmd := onCore(ctx, serverCore, nginx, "-p", root, "-c", file)
	var text strings.Builder
	cmd.Stdout, cmd.Stderr = io.Discard, &text
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	if err := cmd.Start(); err != nil {
		return err
	}
	exited := make(chan error, 1)
	go func() { exited <- cmd.Wait() }()
	s.ends = append(s.ends, func() {
		_ = cmd.Process.Signal(os.Interrupt)
		<-exited
	})
	for {
		if nc, err := net.Dial("tcp", addr); err == nil {
			_ = nc.Close()
			s.addrs["nginx"] = addr
			return nil
		}
		select {
		case err := <-exited:
			exited <- err
			return errors.Join(fmt.Errorf("nginx: %s", text.String()), err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"sync/atomic"
)

// exits are the ends of the proxies' tunnels: names by the address that the
// origin sees. The zero value is ready.
type exits struct{ names sync.Map }

// ServeHTTP is the origin: it answers with the exit of the request.
func (e *exits) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name, _ := e.names.Load(r.RemoteAddr)
	fmt.Fprint(w, name)
}

// proxy starts a CONNECT proxy, whose tunnels leave by names in turn. It ends
// with the program.
func (e *exits) proxy(names ...string) *url.URL {
	var tunnels atomic.Int64
	p := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		server, err := net.Dial("tcp", r.Host)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		defer server.Close()
		e.names.Store(server.LocalAddr().String(), names[int(tunnels.Add(1)-1)%len(names)])
		client, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer client.Close()
		io.WriteString(client, "HTTP/1.1 200 OK\r\n\r\n")
		go io.Copy(server, client)
		io.Copy(client, server)
	}))
	return &url.URL{Scheme: "http", Host: p.Listener.Addr().String()}
}

package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto/tls"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"
)

// counts is what a server saw. It resets when asked for.
type counts struct {
	Opened    int64 `json:"opened"`    // connections accepted
	Handshook int64 `json:"handshook"` // handshakes completed
	Resumed   int64 `json:"resumed"`   // of those, by resumption
}

// serve is the Go server, a process of its own. It prints its addresses, then, for
// each line of standard input, its counts as a line of JSON, and runs until
// standard input ends. With -resets every fifth connection is reset once its
// hello is there.
func serve(args []string) error {
	flags := flag.NewFlagSet("serve", flag.ContinueOnError)
	chain := flags.String("chain", "", "certificates, PEM")
	key := flags.String("key", "", "key of the first, PEM")
	resets := flags.Bool("resets", false, "reset every fifth handshake")
	h1 := flags.Bool("h1", false, "speak HTTP/1.1 alone")
	streams := flags.Int("streams", 250, "streams that a connection may have at once")
	ports := flags.Int("ports", 1, "ports to listen on")
	if err := flags.Parse(args); err != nil {
		return err
	}
	cert, err := tls.LoadX509KeyPair(*chain, *key)
	if err != nil {
		return err
	}
	mux, err := handler()
	if err != nil {
		return err
	}
	listeners := make([]net.Listener, *ports)
	addrs := make([]string, *ports)
	for i := range listeners {
		if listeners[i], err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			return err
		}
		addrs[i] = listeners[i].Addr().String()
	}
	fmt.Println(strings.Join(addrs, " "))
	var opened, handshook, resumed atomic.Int64
	for i, l := range listeners {
		listeners[i] = counting{l, &opened}
		if *resets {
			listeners[i] = &resetting{Listener: listeners[i]}
		}
	}
	server := &http.Server{
		Handler: mux,
		TLSConfig: &tls.Config{
			Certificates: []tls.Certificate{cert},
			VerifyConnection: func(state tls.ConnectionState) error {
				handshook.Add(1)
				if state.DidResume {
					resumed.Add(1)
				}
				return nil
			},
		},
		HTTP2:    &http.HTTP2Config{MaxConcurrentStreams: *streams},
		ErrorLog: log.New(io.Discard, "", 0), // clients that go without a word are part of the work
	}
	if *h1 {
		server.Protocols = new(http.Protocols)
		server.Protocols.SetHTTP1(true)
	}
	go func() {
		out := json.NewEncoder(os.Stdout)
		for asked := bufio.NewScanner(os.Stdin); asked.Scan(); {
			if out.Encode(counts{opened.Swap(0), handshook.Swap(0), resumed.Swap(0)}) != nil {
				break
			}
		}
		_ = server.Close()
	}()
	ended := make(chan error, len(listeners))
	for _, l := range listeners {
		go func() { ended <- server.ServeTLS(l, "", "") }()
	}
	if err := <-ended; err != http.ErrServerClosed {
		return err
	}
	return nil
}

func handler() (http.Handler, error) {
	mux := http.NewServeMux()
	static := func(path, coding string, body []byte) {
		length := []string{fmt.Sprint(len(body))}
		mux.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) {
			h := w.Header()
			h["Content-Type"] = []string{"application/octet-stream"}
			h["Content-Length"] = length
			if coding != "" {
				h["Content-Encoding"] = []string{coding}
			}
			_, _ = w.Write(body)
		})
	}
	static("/1k", "", make([]byte, kib))
	static("/10m", "", make([]byte, 10<<20))
	mux.HandleFunc("/slow", func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-time.After(slowFor):
		case <-r.Context().Done():
		}
	})
	document := jsonDocument()
	for coding, encode := range map[string]func(io.Writer) io.WriteCloser{
		"gzip": func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) },
		"br":   func(w io.Writer) io.WriteCloser { return brotli.NewWriter(w) },
		"zstd": func(w io.Writer) io.WriteCloser { z, _ := zstd.NewWriter(w); return z },
	} {
		var b bytes.Buffer
		w := encode(&b)
		if _, err := w.Write(document); err != nil {
			return nil, err
		}
		if err := w.Close(); err != nil {
			return nil, err
		}
		static("/json/"+coding, coding, b.Bytes())
	}
	return mux, nil
}

// jsonDocument is text with about as much in it as an API's answer: names that
// repeat, numbers that do not.
func jsonDocument() []byte {
	var b bytes.Buffer
	b.WriteString("[")
	state := uint32(1)
	for b.Len() < jsonSize {
		state = state*1664525 + 1013904223 // Numerical Recipes' generator: the same bytes each time
		fmt.Fprintf(&b, `{"id":%d,"name":"item %x","price":%d.%02d,"tags":["a","b%d"],"in_stock":%t},`, state>>4, state>>16, state>>22, state%100, state%7, state%2 == 0)
	}
	return b.Bytes()[:jsonSize]
}

// counting counts the connections that it accepts.
type counting struct {
	net.Listener
	n *atomic.Int64
}

func (l counting) Accept() (net.Conn, error) {
	nc, err := l.Listener.Accept()
	if err == nil {
		l.n.Add(1)
	}
	return nc, err
}

// resetting resets every fifth connection after its first bytes.
type resetting struct {
	net.Listener
	n atomic.Int64
}

func (l *resetting) Accept() (net.Conn, error) {
	for {
		nc, err := l.Listener.Accept()
		if err != nil || l.n.Add(1)%5 != 0 {
			return nc, err
		}
		go func() {
			_, _ = nc.Read(make([]byte, 512))
			if tcp, ok := nc.(*net.TCPConn); ok {
				_ = tcp.SetLinger(0)
			}
			_ = nc.Close()
		}()
	}
}

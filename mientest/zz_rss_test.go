package mientest

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/http2"
)

func rss(pid int, key string) string {
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	for _, l := range strings.Split(string(b), "\n") {
		if strings.HasPrefix(l, key) {
			return strings.TrimSpace(strings.TrimPrefix(l, key+":"))
		}
	}
	return "?"
}

func TestZZChild(t *testing.T) {
	if os.Getenv("CHILD") == "" {
		t.Skip()
	}
	o := newOrigin(t, Config{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		d, _ := time.ParseDuration(os.Getenv("HOLD")); time.Sleep(d)
		fmt.Fprint(w, "ok")
	}), Faults: Faults{Handshake: HandshakeFaults{Share: 0.2}}})
	fmt.Printf("ADDR %s\n", o.Addr())
	io.Copy(io.Discard, os.Stdin)
	c := o.Counters()
	c.JA4, c.Akamai, c.Orders, c.Digests = nil, nil, nil, nil
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	fmt.Printf("%+v goroutines %d heap %d MB stack %d MB sys %d MB\n", c, runtime.NumGoroutine(), m.HeapAlloc>>20, m.StackSys>>20, m.Sys>>20)
}

func TestZZ(t *testing.T) {
	if os.Getenv("RSS") == "" {
		t.Skip()
	}
	for _, proto := range []string{"h1", "h2"} {
		cmd := exec.Command(os.Args[0], "-test.run=TestZZChild", "-test.v")
		cmd.Env = append(os.Environ(), "CHILD=1")
		in, _ := cmd.StdinPipe()
		out, _ := cmd.StdoutPipe()
		cmd.Stderr = os.Stderr
		cmd.Start()
		sc := bufio.NewScanner(out)
		addr := ""
		for sc.Scan() {
			if strings.HasPrefix(sc.Text(), "ADDR ") {
				addr = sc.Text()[5:]
				break
			}
		}
		before := rss(cmd.Process.Pid, "VmRSS")
		cfg := &tls.Config{InsecureSkipVerify: true}
		var rt http.RoundTripper = &http.Transport{TLSClientConfig: cfg, DisableKeepAlives: true, TLSNextProto: map[string]func(string, *tls.Conn) http.RoundTripper{}}
		if proto == "h2" {
			rt = &http2.Transport{TLSClientConfig: cfg, DialTLS: nil}
		}
		var wg sync.WaitGroup
		gate := make(chan struct{}, 256)
		start := time.Now()
		for range 5000 {
			wg.Go(func() {
				for {
					gate <- struct{}{}
					var once sync.Once
					release := func() { once.Do(func() { <-gate }) }
					time.AfterFunc(200*time.Millisecond, release)
					req, _ := http.NewRequest("GET", "https://"+addr, nil)
					res, err := rt.RoundTrip(req)
					release()
					if err == nil {
						io.Copy(io.Discard, res.Body)
						res.Body.Close()
						return
					}
				}
			})
		}
		wg.Wait()
		fmt.Println(proto, time.Since(start), "before", before, "after", rss(cmd.Process.Pid, "VmRSS"), "peak", rss(cmd.Process.Pid, "VmHWM"))
		in.Close()
		for sc.Scan() {
			fmt.Println(sc.Text())
		}
		cmd.Wait()
		_ = net.Dial
	}
}

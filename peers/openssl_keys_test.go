package peers_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/mien-http/mien"
)

// TestLiveKeyUpdate: between two responses the server changes its keys and has
// the client change its own (RFC 8446 §4.6.3). Without -www s_server is a
// terminal: the test is the application behind it.
func TestLiveKeyUpdate(t *testing.T) {
	path, id := installed(t, "openssl"), made(t, ecdsaIdentity)
	for _, browser := range browsers {
		t.Run(browser, func(t *testing.T) {
			dir := id.folder(t)
			cmd := exec.Command(path, "s_server", "-accept", "127.0.0.1:0", "-alpn", "http/1.1", "-tls1_3", "-msg",
				"-cert", filepath.Join(dir, "cert.pem"), "-key", filepath.Join(dir, "key.pem"))
			keyboard, err := cmd.StdinPipe()
			if err != nil {
				t.Fatal(err)
			}
			s := awaitOpenSSL(t, start(t, cmd))
			says := func(text string, times int) {
				t.Helper()
				if !s.until(t, func() bool { return bytes.Count(s.read(), []byte(text)) >= times }) {
					t.Fatalf("s_server ended without saying %q", text)
				}
			}
			typed := func(text string) {
				t.Helper()
				if _, err := io.WriteString(keyboard, text); err != nil {
					t.Fatal(err)
				}
			}
			c := newClient(t, mien.Config{Profile: profile(t, browser), TLS: id.trust(), Resolver: loopback{}})
			for i := 1; i <= 3; i++ {
				answered := make(chan error, 1)
				go func() {
					resp, err := c.send(http.MethodGet, fmt.Sprintf("%s/round%d", s.url, i), nil)
					if err == nil {
						var b []byte
						if b, err = io.ReadAll(resp.Body); err == nil && string(b) != "hello" {
							err = fmt.Errorf("body %q", b)
						}
						resp.Body.Close()
					}
					answered <- err
				}()
				says(fmt.Sprintf("GET /round%d ", i), 1)
				typed("HTTP/1.1 200 OK\nContent-Length: 5\n\nhello") // bare line feeds will do
				if err := <-answered; err != nil {
					t.Fatal(err)
				}
				typed("K\n") // a command: it is not sent
				says("<<< TLS 1.3, Handshake [length 0005], KeyUpdate", i)
			}
			if n := c.opened.Load(); n != 1 {
				t.Errorf("%d connections", n)
			}
		})
	}
}

package peers_test

import (
	"crypto/tls"
	"net/http"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/mien-http/mien"
)

// openSSL is a running s_server of OpenSSL.
type openSSL struct {
	*process
	url string
}

var listening = regexp.MustCompile(`(?m)^ACCEPT 127\.0\.0\.1:(\d+)$`)

// startOpenSSL starts s_server with the identity. It serves one connection at a time.
func startOpenSSL(t *testing.T, id *identity, args ...string) openSSL {
	t.Helper()
	path, dir := installed(t, "openssl"), id.folder(t)
	cmd := exec.Command(path, append([]string{"s_server", "-accept", "127.0.0.1:0", "-alpn", "http/1.1",
		"-cert", filepath.Join(dir, "cert.pem"), "-key", filepath.Join(dir, "key.pem")}, args...)...)
	return awaitOpenSSL(t, start(t, cmd))
}

func awaitOpenSSL(t *testing.T, p *process) openSSL {
	t.Helper()
	var port string
	if !p.until(t, func() bool {
		if m := listening.FindSubmatch(p.read()); m != nil {
			port = string(m[1])
		}
		return port != ""
	}) {
		t.Fatal("s_server ended")
	}
	return openSSL{p, "https://localhost:" + port}
}

// variant is a way to configure TLS, and what must come of it. With -www
// s_server tells what it agreed upon, and closes the connection after that.
type variant struct {
	name    string
	args    string
	rsa     bool // the server's key; else it is ECDSA
	version uint16
	suite   uint16
	group   tls.CurveID
	fresh   bool // no connection is resumed
	// retried: the browsers of this engine are sent a HelloRetryRequest, after
	// which uTLS cannot resume.
	retried string
}

var variants = []variant{
	{name: "1.3 by default", version: tls.VersionTLS13},
	{name: "1.3 AES 128", args: "-ciphersuites TLS_AES_128_GCM_SHA256", suite: tls.TLS_AES_128_GCM_SHA256},
	{name: "1.3 AES 256", args: "-ciphersuites TLS_AES_256_GCM_SHA384", suite: tls.TLS_AES_256_GCM_SHA384},
	{name: "1.3 ChaCha20", args: "-ciphersuites TLS_CHACHA20_POLY1305_SHA256", suite: tls.TLS_CHACHA20_POLY1305_SHA256},
	{name: "1.3 X25519", args: "-groups X25519", group: tls.X25519},
	{name: "1.3 P-256", args: "-groups P-256", group: tls.CurveP256, retried: "blink"},
	{name: "1.3 P-384", args: "-groups P-384", group: tls.CurveP384, retried: "blink gecko"},
	{name: "1.3 RSA", rsa: true, version: tls.VersionTLS13},
	{name: "1.3 without tickets", args: "-num_tickets 0", version: tls.VersionTLS13, fresh: true},
	{name: "1.3 stateful tickets", args: "-no_ticket", version: tls.VersionTLS13},
	{name: "1.3 five tickets", args: "-num_tickets 5", version: tls.VersionTLS13},
	{name: "1.3 early data allowed", args: "-max_early_data 16384", version: tls.VersionTLS13},
	{name: "1.3 small records", args: "-max_send_frag 512 -split_send_frag 512", version: tls.VersionTLS13},
	{name: "1.3 no middlebox mode", args: "-no_middlebox", version: tls.VersionTLS13},
	{name: "1.3 one signature", args: "-sigalgs RSA-PSS+SHA512", rsa: true, version: tls.VersionTLS13},
	{name: "1.2 by default", args: "-tls1_2", version: tls.VersionTLS12},
	{name: "1.2 P-384", args: "-tls1_2 -groups P-384", version: tls.VersionTLS12},
	{name: "1.2 RSA PKCS #1", args: "-tls1_2 -sigalgs RSA+SHA256", rsa: true, version: tls.VersionTLS12},
	{name: "1.2 without tickets", args: "-tls1_2 -no_ticket", version: tls.VersionTLS12, fresh: true},
	{name: "1.2 small records", args: "-tls1_2 -max_send_frag 512 -split_send_frag 512", version: tls.VersionTLS12},
	suite12("ECDHE-ECDSA-AES128-GCM-SHA256", tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256),
	suite12("ECDHE-ECDSA-AES256-GCM-SHA384", tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384),
	suite12("ECDHE-ECDSA-CHACHA20-POLY1305", tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256),
	suite12("ECDHE-RSA-AES128-GCM-SHA256", tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256),
	suite12("ECDHE-RSA-AES256-GCM-SHA384", tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384),
	suite12("ECDHE-RSA-CHACHA20-POLY1305", tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256),
	suite12("ECDHE-RSA-AES128-SHA", tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA),
	suite12("ECDHE-RSA-AES256-SHA", tls.TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA),
	suite12("AES128-GCM-SHA256", tls.TLS_RSA_WITH_AES_128_GCM_SHA256),
	suite12("AES256-GCM-SHA384", tls.TLS_RSA_WITH_AES_256_GCM_SHA384),
	suite12("AES128-SHA", tls.TLS_RSA_WITH_AES_128_CBC_SHA),
	suite12("AES256-SHA", tls.TLS_RSA_WITH_AES_256_CBC_SHA),
}

// suite12 offers one cipher suite of TLS 1.2 by OpenSSL's name for it.
func suite12(openSSL string, suite uint16) variant {
	return variant{
		name: "1.2 " + openSSL, args: "-tls1_2 -cipher " + openSSL, rsa: !strings.Contains(openSSL, "ECDSA"),
		version: tls.VersionTLS12, suite: suite,
	}
}

func (v variant) identity(t *testing.T) *identity {
	if v.rsa {
		return made(t, rsaIdentity)
	}
	return made(t, ecdsaIdentity)
}

// TestLiveOpenSSL shakes hands in every way that OpenSSL and the browsers have
// in common, anew and resumed.
func TestLiveOpenSSL(t *testing.T) {
	for _, v := range variants {
		t.Run(v.name, func(t *testing.T) {
			id := v.identity(t)
			s := startOpenSSL(t, id, append(strings.Fields(v.args), "-www")...)
			for _, browser := range browsers {
				t.Run(browser, func(t *testing.T) {
					p := profile(t, browser)
					c := newClient(t, mien.Config{Profile: p, TLS: id.trust(), Resolver: loopback{}})
					fresh := v.fresh || strings.Contains(v.retried, p.Browser.Engine)
					var accepted []int
					for i := range 3 {
						resp, page := c.fetch(http.MethodGet, s.url, nil)
						v.check(t, resp.TLS, string(page), i > 0 && !fresh)
						accepted = append(accepted, accepts(t, page))
					}
					// A ticket is offered once to who asks for another hello.
					want := 2
					if strings.Contains(v.retried, p.Browser.Engine) && !v.fresh {
						want++
					}
					if n := accepted[2] - accepted[0]; n != want {
						t.Errorf("%d connections after the first, want %d", n, want)
					}
					if st := c.Stats(); st.Handshakes != 3 || len(st.HandshakesFailed) != 0 || st.Retries != 0 {
						t.Errorf("%+v", st)
					}
				})
			}
		})
	}
}

var acceptsLine = regexp.MustCompile(`(?m)^ *(\d+) server accepts \(SSL_accept\(\)\)$`)

// accepts is how many handshakes the server has begun.
func accepts(t *testing.T, page []byte) int {
	t.Helper()
	m := acceptsLine.FindSubmatch(page)
	if m == nil {
		t.Fatalf("no statistics in %q", page)
	}
	n, err := strconv.Atoi(string(m[1]))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func (v variant) check(t *testing.T, state *tls.ConnectionState, page string, resumed bool) {
	t.Helper()
	if v.version != 0 && state.Version != v.version {
		t.Errorf("version %s", tls.VersionName(state.Version))
	}
	if v.suite != 0 && state.CipherSuite != v.suite {
		t.Errorf("cipher suite %s", tls.CipherSuiteName(state.CipherSuite))
	}
	if v.group != 0 && state.CurveID != v.group {
		t.Errorf("group %s", state.CurveID)
	}
	if theirs := strings.Contains(page, "\nReused, "); state.DidResume != resumed || theirs != resumed {
		t.Errorf("resumed %v, according to the server %v; want %v", state.DidResume, theirs, resumed)
	}
	if len(state.VerifiedChains) == 0 || state.NegotiatedProtocol != "http/1.1" {
		t.Errorf("not verified, or protocol %q", state.NegotiatedProtocol)
	}
}

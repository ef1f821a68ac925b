package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"strings"
	"testing"
	"time"
)

func clientPair(t *testing.T) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	text, err := x509.MarshalECPrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	cert = testFile(t, "cert.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	key = testFile(t, "key.pem", string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: text})))
	return cert, key
}

// TestGetWrong has the whole text of each error.
func TestGetWrong(t *testing.T) {
	bad := testFile(t, "bad.txt", "a\tb\n")
	worse := testFile(t, "worse.txt", "\na.example\tYES\t/\tFALSE\t0\tn\tv\n")
	const u = "https://a.example/"
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{u, "--http3"}, "--http3: HTTP/2 and HTTP/1.1 over TCP are spoken; leave it out, or say --http1.1"},
		{[]string{u, "--tlsv1.3"}, "--tlsv1.3: " + byProfile},
		{[]string{u, "--ciphers", "A"}, "--ciphers: " + byProfile},
		{[]string{u, "-K", "file"}, "--config: flags are not read from a file; leave it out"},
		{[]string{u, "--digest"}, "--digest: " + byScheme},
		{[]string{u, "--socks5", "a:1"}, "--socks5: " + bySOCKS},
		{[]string{"--json", u}, "no URL; --json " + u + " took it for the data to send, as curl does; to see the answer as JSON: --report"},
		{[]string{u, "-u", "joe"}, "--user: the form is user:password; no password is asked for, an empty one is 'user:'"},
		{[]string{u, "-u", ":x"}, "--user: the user is missing before the colon"},
		{[]string{u, "--dest", "page"}, `--dest "page": it is one of document, iframe, empty, image, script, style, font, audio, video`},
		{[]string{u, "-e", "page"}, `--referer "page": it is not the URL of a page; for a field of any form: -H 'Referer: …'`},
		{[]string{u, "-r", "x"}, `--range "x": the form is 0-499, 500- or -500`},
		{[]string{u, "-m", "abc"}, `invalid argument "abc" for "-m, --max-time" flag: it is seconds, such as 2.5, or a duration, such as 500ms`},
		{[]string{u, "-m", "-1"}, `invalid argument "-1" for "-m, --max-time" flag: it is from 0, which is no limit, to a thousand million seconds`},
		{[]string{u, "-m", "NaN"}, `invalid argument "NaN" for "-m, --max-time" flag: it is from 0, which is no limit, to a thousand million seconds`},
		{[]string{u, "-F", "a"}, `invalid argument "a" for "-F, --form" flag: the form is name=content, name=@FILE or name=<FILE`},
		{[]string{u, "-F", "a=@"}, `invalid argument "a=@" for "-F, --form" flag: the file is missing`},
		{[]string{u, "-F", "a=b;c=d"}, `invalid argument "a=b;c=d" for "-F, --form" flag: "c" is not known; ;type= and ;filename= are (a ; in the content is kept by --form-string)`},
		{[]string{u, "-F", "a=b", "-d", "x"}, "data, --form and --upload-file exclude each other"},
		{[]string{u, "--json", "1", "-d", "x"}, "--json and other data exclude each other"},
		{[]string{u, "-T", t.TempDir()}, "it is a directory"},
		{[]string{u, "--resolve", "a.example:443"}, `--resolve "a.example:443": the form is HOST:PORT:ADDR[,ADDR]…, IPv6 in brackets`},
		{[]string{u, "--resolve", "a.example:443:b"}, `--resolve "a.example:443:b": "b" is not an IP address`},
		{[]string{u, "--resolve", "a.example:443:[::1"}, `--resolve "a.example:443:[::1": "[::1" is not an IP address`},
		{[]string{u, "--resolve", "a.example:x:::1"}, `--resolve "a.example:x:::1": port "x" is not a number from 1 to 65535`},
		{[]string{u, "--resolve", "a.example:80:::1"}, `--resolve "a.example:80:::1": the port of https://a.example/ is 443`},
		{[]string{u, "--resolve", "*:443:::1"}, `--resolve "*:443:::1": * is not known: name each host`},
		{[]string{u, "--resolve", "b:1:::1", "--resolve", "b:2:::1"}, `--resolve "b:2:::1": b is there with port 1 too, and one name has one list of addresses here`},
		{[]string{u, "-x", "p", "--resolve", "a.example:443:::1"}, `--resolve "a.example:443:::1": with --proxy it is the proxy that looks a.example up; --noproxy goes past it`},
		{[]string{u, "-x", "gopher://p"}, `--proxy: scheme "gopher" is not one of http, https, socks5, socks5h, socks4, socks4a`},
		{[]string{u, "-x", "http://me:p%zz@p"}, "--proxy: the form is [scheme://][user:password@]host[:port]; special characters of a password are percent-encoded, or given with --proxy-user"},
		{[]string{u, "-U", "a:b"}, "--proxy-user: there is no --proxy; none is read from the environment"},
		{[]string{u, "-x", "p", "-U", "a"}, "--proxy-user: the form is user:password; no password is asked for"},
		{[]string{u, "-x", "p", "--noproxy", "10.0.0.0/99"}, `--noproxy "10.0.0.0/99": it is a host, a domain, an address, a prefix such as 10.0.0.0/8, or * alone`},
		{[]string{u, "-b", bad}, "--cookie " + bad + ": line 1 has 2 fields with tabs between, not the 7 of Netscape's cookie file"},
		{[]string{u, "-b", worse}, "--cookie " + worse + `: line 2, field 2 (subdomains): "YES" is neither TRUE nor FALSE`},
		{[]string{u, "-O"}, "--remote-name: the path of https://a.example/ has no file name at its end; use --output"},
		{[]string{u + "%2e%2e", "-O"}, "--remote-name: the path of https://a.example/%2e%2e has no file name at its end; use --output"},
		{[]string{u, "-o", "a", "-o", "b"}, "--output is given 2 times for 1 URLs"},
		{[]string{u, "-w", "%{nothing}"}, "--write-out: %{nothing} is not known; known are stdout, stderr, onerror, header{NAME}, "},
		{[]string{u, "-w", "%{http_code"}, "--write-out: %{http_code has no }"},
		{[]string{u, "--key", "k"}, "--key: the certificate is missing; --cert FILE"},
		{[]string{u, "--pinnedpubkey", "file.pem"}, `--pinnedpubkey "file.pem": the form is sha256//… with the SHA-256 of the key in base64`},
		{[]string{u, "--interface", "eth0"}, `--interface "eth0": it is not an IP address of this machine`},
		{[]string{u, "--retry", "-1"}, "--retry -1: from 0 to 1000"},
		{[]string{u, "--http1.1", "--profile", "utls:HelloChrome_133"}, "--http1.1: the hello of utls:HelloChrome_133 is a preset, in which nothing can be changed"},
	} {
		code, stdout, stderr := mienCommand(append([]string{"get"}, c.args...)...)
		partial := strings.HasSuffix(c.want, ", ") || c.want == "it is a directory"
		if code != exitUsage || stdout != "" || !partial && stderr != "mien: "+c.want+"\n" || !strings.Contains(stderr, c.want) {
			t.Errorf("%q: exit code %d, %q\n%s, want\n%s", c.args, code, stdout, stderr, c.want)
		}
	}
}

func FuzzNetscape(f *testing.F) {
	f.Add("# Netscape HTTP Cookie File\n#HttpOnly_.a.example\tTRUE\t/\tTRUE\t1700000000\tn\tv\nb.example\tFALSE\t/p\tFALSE\t0\tx\t\n")
	f.Add("a\tb\n\xff")
	f.Fuzz(func(t *testing.T, text string) {
		all, err := parseNetscape(text)
		if err != nil {
			return
		}
		written, left := writeNetscape(all)
		again, err := parseNetscape(string(written))
		if err != nil || len(again)+left != len(all) {
			// A domain that begins with # reads as a comment.
			for _, c := range all {
				if strings.HasPrefix(c.Domain, "#") || strings.TrimSpace(c.Domain) == "" {
					return
				}
			}
			t.Errorf("%d cookies, %d left out, %d read again, %v", len(all), left, len(again), err)
		}
	})
}

func FuzzResolve(f *testing.F) {
	f.Add("a.example:443:127.0.0.1,[::1]")
	f.Add("+a:1:::1")
	f.Fuzz(func(t *testing.T, text string) {
		host, port, addrs, err := parseResolve(text)
		if err == nil && (host == "" || port == "" || len(addrs) == 0) {
			t.Errorf("%q: %q %q %v", text, host, port, addrs)
		}
	})
}

func FuzzForm(f *testing.F) {
	f.Add(`f=@"a;b.txt";filename="q\".x";type=text/html;charset=utf-8`)
	f.Add("a=<b;type=")
	f.Fuzz(func(t *testing.T, text string) {
		var all []formField
		if err := (&formFlag{into: &all}).Set(text); err == nil && (len(all) != 1 || all[0].name == "" || strings.ContainsAny(all[0].kind, "\r\n")) {
			t.Errorf("%q: %+v", text, all)
		}
	})
}

func FuzzWriteOut(f *testing.F) {
	f.Add(`%{http_code} 100%% \n %{header{Set-Cookie}}`)
	f.Add("%{")
	f.Fuzz(func(t *testing.T, text string) {
		if strings.HasPrefix(text, "@") {
			return // a file
		}
		g := oneGet{o: getOptions{writeOut: text}}
		w, err := g.writeOut()
		for _, p := range w {
			if err == nil && p.variable != "" && !knownVariable(p.variable) {
				t.Errorf("%q: %q", text, p.variable)
			}
		}
	})
}

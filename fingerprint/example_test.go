package fingerprint_test

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mien-http/mien/fingerprint"
)

func ExampleLookup() {
	p, err := fingerprint.Lookup("chrome-156-windows")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(p.Browser.Brand, p.Browser.Version, p.Browser.Platform)
	fmt.Println(p.Digests.JA4)
	fmt.Println(p.HTTP2.Akamai())

	_, err = fingerprint.Lookup("chrom-156-windows")
	var unknown *fingerprint.UnknownProfileError
	if errors.As(err, &unknown) {
		fmt.Println("did you mean", unknown.Near[0])
	}
	// Output:
	// Google Chrome 156.0.8078.79 Windows
	// t13d1517h2_8daaf6152771_cb7bf5808d99
	// 1:65536;2:0;4:6291456;6:262144|15663105|0|m,a,s,p
	// did you mean chrome-156-windows
}

// The catalogue, and where a ClientHello of it comes from.
func ExampleNames() {
	for _, name := range fingerprint.Names() {
		if !strings.HasPrefix(name, "chromium-156") {
			continue
		}
		p, err := fingerprint.Lookup(name)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(name, p.Browser.Version, p.Provenance.TLS.Kind)
	}
	// Output: chromium-156-linux 156.0.8078.79 captured
}

// A profile is altered, kept in a file, and read again.
func ExampleLoad() {
	p, err := fingerprint.Lookup("firefox-153-linux")
	if err != nil {
		fmt.Println(err)
		return
	}
	p.Name = "firefox-german"
	for i, f := range p.Identity {
		if f.Name == "accept-language" {
			p.Identity[i].Value = "de,en-US;q=0.7,en;q=0.3"
		}
	}
	b, err := json.Marshal(p)
	if err != nil {
		fmt.Println(err)
		return
	}
	dir, err := os.MkdirTemp("", "profiles")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "german.json")
	if err := os.WriteFile(file, b, 0o600); err != nil {
		fmt.Println(err)
		return
	}

	p, err = fingerprint.Load(file)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(p.Name, p.Browser.Version)
	// Output: firefox-german 153.7.0
}

// An error names the place.
func ExampleParse() {
	_, err := fingerprint.Parse([]byte(`{"name": "mine", "tls": {"cipher_suites": ["0x1301", 4866]}}`))
	var e *fingerprint.FieldError
	if errors.As(err, &e) {
		fmt.Println(e.Path)
	}
	// Output: tls.cipher_suites[1]
}

// A lie that a server could see is refused.
func ExampleProfile_Validate() {
	p, err := fingerprint.Lookup("chrome-156-linux")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(p.Validate())
	p.Browser.Version = "157.0.1.2"
	var e *fingerprint.FieldError
	if errors.As(p.Validate(), &e) {
		fmt.Println(e.Path, e.Problem)
	}
	// Output:
	// <nil>
	// identity[0].value is of version "156", but browser.version is "157.0.1.2"
}

// What Chrome sends for an image of another site.
func ExampleProfile_Head() {
	p, err := fingerprint.Lookup("chrome-156-linux")
	if err != nil {
		fmt.Println(err)
		return
	}
	head := p.Head(fingerprint.HeadRequest{
		Wire:        fingerprint.OverHTTP2,
		Destination: fingerprint.Image,
		Site:        "cross-site",
		Header:      map[string][]string{"Referer": {"https://example.org/"}},
	})
	fmt.Println("weight", head.Priority.Weight)
	for _, f := range head.Fields {
		fmt.Printf("%s: %s\n", f.Name, f.Value)
	}
	// Output:
	// weight 183
	// sec-ch-ua-platform: "Linux"
	// user-agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36
	// sec-ch-ua: "Not:A-Brand";v="8", "Chromium";v="156", "Google Chrome";v="156"
	// sec-ch-ua-mobile: ?0
	// accept: image/jxl,image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8
	// sec-fetch-site: cross-site
	// sec-fetch-mode: no-cors
	// sec-fetch-dest: image
	// sec-fetch-storage-access: none
	// referer: https://example.org/
	// accept-encoding: gzip, deflate, br, zstd
	// accept-language: en-US,en;q=0.9
	// priority: u=2, i
}

// What was never recorded is refused, not made up.
func ExampleProfile_Covers() {
	for _, name := range []string{"chromium-156-linux", "safari-26.4-macos"} {
		p, err := fingerprint.Lookup(name)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(name, p.Covers(fingerprint.HeadRequest{Wire: fingerprint.OverHTTP1, Destination: fingerprint.WebSocket}))
	}
	// Output:
	// chromium-156-linux <nil>
	// safari-26.4-macos profile safari-26.4-macos does not hold what the browser sends for websocket over http/1.1: its source recorded none
}

// For those who have nothing but two strings.
func ExampleFromJA3() {
	p, err := fingerprint.FromJA3(
		"771,4865-4866-4867-49195-49199,0-23-65281-10-11-16-5-13-51-45-43,29-23-24,0",
		"1:65536;2:0;4:6291456;6:262144|15663105|0|m,a,s,p",
	)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(p.Name)
	fmt.Println(p.Provenance.TLS.Kind)

	_, err = fingerprint.FromJA3("771,4865,0-10-4660,29,", "")
	var e *fingerprint.FieldError
	if errors.As(err, &e) {
		fmt.Println(e.Path)
	}
	// Output:
	// ja3:7ae4b24bce3679899eef7838056c08f8
	// incomplete
	// ja3.extensions[2]
}

// What servers compute of a ClientHello, here one that Chromium sent.
func ExampleParseClientHelloRecords() {
	b, err := os.ReadFile("testdata/hellos/chromium-156-fresh.bin")
	if err != nil {
		fmt.Println(err)
		return
	}
	hello, err := fingerprint.ParseClientHelloRecords(b)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(hello.ServerName(), hello.ALPN())
	fmt.Println(hello.JA4())
	var names []string
	for _, g := range hello.Groups() {
		if !g.IsGREASE() {
			names = append(names, g.String())
		}
	}
	fmt.Println(strings.Join(names, " "))
	// Output:
	// www.shop.test [h2 http/1.1]
	// t13d1517h2_8daaf6152771_cb7bf5808d99
	// 0x11ec 0x001d 0x0017 0x0018
}

// How a client opened HTTP/2, and what Akamai makes of it.
func ExampleParsePreface() {
	text, err := os.ReadFile("testdata/prefaces/firefox-153.hex")
	if err != nil {
		fmt.Println(err)
		return
	}
	b, err := hex.DecodeString(strings.Join(strings.Fields(string(text)), ""))
	if err != nil {
		fmt.Println(err)
		return
	}
	preface, err := fingerprint.ParsePreface(b)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(preface.Akamai())
	fmt.Println("first stream:", preface.FirstStreamID)
	// Output:
	// 1:65536;2:0;4:131072;5:16384|12517377|0|m,p,a,s
	// first stream: 3
}

// The brands of Sec-CH-UA, which change with the version.
func ExampleBrands() {
	fmt.Println(fingerprint.Brands("Google Chrome", 156))
	fmt.Println(fingerprint.Brands("Microsoft Edge", 157))
	// Output:
	// "Not:A-Brand";v="8", "Chromium";v="156", "Google Chrome";v="156"
	// "Not-A.Brand";v="99", "Microsoft Edge";v="157", "Chromium";v="157"
}

// A ClientHello in a recording of what a client sent, between other records.
func ExampleFindClientHello() {
	hello, err := os.ReadFile("testdata/hellos/firefox-153-fresh.bin")
	if err != nil {
		fmt.Println(err)
		return
	}
	changeCipherSpec := []byte{20, 3, 3, 0, 1, 1}
	recording := slices.Concat(changeCipherSpec, hello, changeCipherSpec)
	start, end, err := fingerprint.FindClientHello(recording)
	if err != nil {
		fmt.Println(err)
		return
	}
	h, err := fingerprint.ParseClientHelloRecords(recording[start:end])
	if err != nil {
		fmt.Println(err)
		return
	}
	again, err := fingerprint.ParseClientHello(h.Marshal()) // the message without records
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(start, h.JA4(), again.JA4() == h.JA4())
	// Output: 6 t13d1617h2_86a278354501_3cbfd9057e0d true
}

// Which of uTLS's presets is which browser.
func ExamplePresetMatches() {
	for _, m := range fingerprint.PresetMatches() {
		if m.Preset == "HelloChrome_133" {
			fmt.Println(m.Browser, m.Compared)
		}
	}
	// Output: Chrome 133 to 149; later ones add ML-DSA (150) and trust_anchors (152) true
}

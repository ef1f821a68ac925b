package mientest

import (
	"bytes"
	"crypto/tls"
	"net"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// An origin that offers extended CONNECT says so in its first SETTINGS, beside
// http2.Server's own, and records such a request before its stream is reset.
func TestExtendedConnect(t *testing.T) {
	for _, offered := range []bool{false, true} {
		o, err := New(Config{ExtendedConnect: offered})
		if err != nil {
			t.Fatal(err)
		}
		defer o.Close()
		cfg := o.ClientTLS()
		cfg.NextProtos = []string{"h2"}
		c, err := tls.Dial("tcp", o.Addr().String(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if err := c.SetDeadline(time.Now().Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		fr := begin(t, c)
		f, err := fr.ReadFrame()
		settings, ok := f.(*http2.SettingsFrame)
		if err != nil || !ok {
			t.Fatalf("%v, %v", f, err)
		}
		if v, ok := settings.Value(http2.SettingEnableConnectProtocol); ok != offered || offered && v != 1 {
			t.Errorf("offered %v: SETTINGS say %d, %v", offered, v, ok)
		}
		if v, ok := settings.Value(http2.SettingMaxConcurrentStreams); !ok || v != 250 {
			t.Errorf("MAX_CONCURRENT_STREAMS %d, %v", v, ok)
		}
		if !offered {
			continue
		}
		var block bytes.Buffer
		enc := hpack.NewEncoder(&block)
		for _, f := range [][2]string{{":method", "CONNECT"}, {":scheme", "https"}, {":authority", "localhost"}, {":path", "/chat"}, {":protocol", "websocket"}} {
			if err := enc.WriteField(hpack.HeaderField{Name: f[0], Value: f[1]}); err != nil {
				t.Fatal(err)
			}
		}
		if err := fr.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block.Bytes(), EndHeaders: true}); err != nil {
			t.Fatal(err)
		}
		for {
			f, err := fr.ReadFrame()
			if err != nil {
				t.Fatal(err)
			}
			if r, ok := f.(*http2.RSTStreamFrame); ok && r.StreamID == 1 {
				break
			}
		}
		if all := o.Requests(); len(all) != 1 || all[0].Method != "CONNECT" || all[0].Path != "/chat" {
			t.Errorf("%+v", all)
		}
	}
}

// begin opens an HTTP/2 connection as a client.
func begin(t *testing.T, c net.Conn) *http2.Framer {
	t.Helper()
	if _, err := c.Write([]byte(http2.ClientPreface)); err != nil {
		t.Fatal(err)
	}
	fr := http2.NewFramer(c, c)
	if err := fr.WriteSettings(); err != nil {
		t.Fatal(err)
	}
	return fr
}

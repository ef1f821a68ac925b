package tlsconn

import (
	"errors"
	"io"
	"testing"
)

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

// A peer that never stops talking is cut off while the handshake lasts, and only
// then.
func TestHandshakeBytesAreBounded(t *testing.T) {
	tap := newTap(&memConn{r: zeros{}})
	tap.begin(&hello{keys: &keyring{}}, false)
	n, err := io.Copy(io.Discard, tap)
	var alert *AlertError
	if !errors.As(err, &alert) || alert.Remote || n > maxHandshakeBytes || n < maxHandshakeBytes/2 {
		t.Errorf("%d bytes, error %v", n, err)
	}
	if len(tap.records.buf) > 0 || len(tap.messages) > 0 {
		t.Error("bytes kept that nobody looks at")
	}
	tap.finish()
	if n, err := io.CopyN(io.Discard, tap, 2*maxHandshakeBytes); err != nil {
		t.Errorf("after the handshake: %d bytes, error %v", n, err)
	}
}

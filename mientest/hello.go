package mientest

import (
	"bytes"
	"io"
	"net"

	"github.com/mien-http/mien/fingerprint"
)

// TLS record types (RFC 8446 §5.1, RFC 5246 §6.2.1) and lengths.
const (
	recordChangeCipherSpec = 20
	recordAlert            = 21
	recordHandshake        = 22
	recordApplicationData  = 23

	recordHeaderLen = 5
	maxPlaintext    = 1 << 14
	maxHello        = 1 << 16 // what crypto/tls takes as a handshake message
)

// helloRetryRandom is the Random of a ServerHello that is a HelloRetryRequest:
// SHA-256 of "HelloRetryRequest" (RFC 8446 §4.1.3).
var helloRetryRandom = []byte{
	0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
	0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
}

// readHello reads the records of one ClientHello, and not a byte more, so that
// nothing unread is left in the socket: closing it would otherwise send RST
// where a FIN was asked for. whole is false where the bytes are something else;
// raw then holds what was read of it. started is called at the first byte.
func readHello(r io.Reader, started func()) (raw []byte, whole bool, err error) {
	message := 0 // bytes of the handshake message so far
	var head [4]byte
	for {
		n := len(raw)
		raw = append(raw, make([]byte, recordHeaderLen)...)
		if n == 0 {
			if _, err := io.ReadFull(r, raw[:1]); err != nil {
				return nil, false, err
			}
			started()
			n = 1
		}
		if raw[0] != recordHandshake { // plain HTTP, say: crypto/tls will tell the client
			return raw[:1], false, nil
		}
		if m, err := io.ReadFull(r, raw[n:]); err != nil {
			return raw[:n+m], false, err
		}
		header := raw[len(raw)-recordHeaderLen:]
		size := int(header[3])<<8 | int(header[4])
		if header[0] != recordHandshake || header[1] != 3 || size == 0 || size > maxPlaintext || len(raw) > maxHello {
			return raw, false, nil
		}
		n = len(raw)
		raw = append(raw, make([]byte, size)...)
		if m, err := io.ReadFull(r, raw[n:]); err != nil {
			return raw[:n+m], false, err
		}
		if message < len(head) {
			copy(head[message:], raw[n:])
		}
		if message += size; message < len(head) {
			continue
		}
		if head[0] != 1 {
			return raw, false, nil
		}
		if message >= len(head)+int(head[1])<<16+int(head[2])<<8+int(head[3]) {
			return raw, true, nil
		}
	}
}

// wireConn is the connection below crypto/tls during and after the handshake.
// Its fields are owned by the goroutine that runs the handshake, and constant
// once established is set.
type wireConn struct {
	net.Conn
	replay      []byte // of the ClientHello, still to be read by crypto/tls
	established bool
	tee         bool   // keep what is read, for a second ClientHello
	read        []byte // with tee: what was read behind the first ClientHello
	answered    func() // called before the write that completes the handshake for the client
}

func (w *wireConn) Read(p []byte) (int, error) {
	if len(w.replay) > 0 {
		n := copy(p, w.replay)
		if w.replay = w.replay[n:]; len(w.replay) == 0 {
			w.replay = nil
		}
		return n, nil
	}
	n, err := w.Conn.Read(p)
	if w.tee && !w.established && len(w.read) < maxHello {
		w.read = append(w.read, p[:n]...)
	}
	return n, err
}

func (w *wireConn) Write(p []byte) (int, error) {
	if !w.established && lastFlight(p) {
		w.answered()
	}
	return w.Conn.Write(p)
}

// lastFlight reports whether the client can be done with the handshake, or
// give it up, once it has read p: everything but a HelloRetryRequest and the
// first flight of a full TLS 1.2 handshake, which has no encrypted part.
func lastFlight(p []byte) bool {
	for first := true; len(p) >= recordHeaderLen; first = false {
		size := int(p[3])<<8 | int(p[4])
		switch p[0] {
		case recordChangeCipherSpec, recordAlert, recordApplicationData:
			return true
		}
		const randomAt = recordHeaderLen + 4 + 2
		if first && len(p) >= randomAt+32 && bytes.Equal(p[randomAt:randomAt+32], helloRetryRandom) {
			return false
		}
		p = p[min(len(p), recordHeaderLen+size):]
	}
	return false
}

// digest is what is kept of a ClientHello for as long as its connection lives.
type digest struct {
	JA3, JA3Hash, JA4, JA4R, ServerName string
}

func digestOf(h *fingerprint.ClientHello) digest {
	if h == nil {
		return digest{}
	}
	return digest{JA3: h.JA3(), JA3Hash: h.JA3Hash(), JA4: h.JA4(), JA4R: h.JA4R(), ServerName: h.ServerName()}
}

// secondHello finds the records of the ClientHello that answered a
// HelloRetryRequest in what was read behind the first one.
func secondHello(b []byte) []byte {
	start, end, err := fingerprint.FindClientHello(b)
	if err != nil {
		return nil
	}
	return bytes.Clone(b[start:end])
}

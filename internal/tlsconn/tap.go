package tlsconn

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"

	utls "github.com/refraction-networking/utls"
)

// maxHandshakeBytes bounds what is read before the handshake is over. The
// largest honest flight is a certificate message of 256 KiB and its company.
const maxHandshakeBytes = 1 << 20

// noAlert is a number that no alert has; 0 is close_notify.
const noAlert = 256

// A tap is the connection below uTLS. During the handshake it reads along, for
// what uTLS would tell too late or not at all: which key share the server
// picked, whether it asked for a second hello, how large a compressed
// certificate claims to be, which alert this side sent. Afterwards it does
// nothing.
//
// All fields belong to the handshaking goroutine; after finish they are only read.
type tap struct {
	net.Conn

	keys *keyring // nil once the handshake is over
	psk  bool     // the hello offers a TLS 1.3 ticket

	stage    stage
	records  recordReader // of the server, until stage is stageOff
	messages []byte       // plaintext handshake bytes of the server
	total    int          // bytes read
	flight   flight       // the server's encrypted flight
	sent     opener       // our own encrypted records

	group      uint16 // of the key exchange; 0 unless TLS 1.3
	retried    bool   // the server sent a HelloRetryRequest
	fresh      bool   // a HelloRetryRequest came in answer to a ticket
	fault      error  // what this tap or a callback objects to; the handshake must fail
	ioErr      error  // the last error of the connection below
	localAlert int    // alert that this side sent, or noAlert
}

// stage says what the server's next handshake message may be.
type stage uint8

const (
	stageHello  stage = iota // ServerHello or HelloRetryRequest
	stageKeys                // encrypted, until uTLS has derived the keys
	stageFlight              // EncryptedExtensions to Finished
	stageOff                 // nothing to look at any more, or TLS 1.2
)

func newTap(nc net.Conn) *tap { return &tap{Conn: nc, localAlert: noAlert} }

// begin says which hello will be sent; nothing has been read or written yet.
func (t *tap) begin(h *hello, psk bool) {
	t.keys, t.psk = h.keys, psk
	t.flight.alps = h.alps
}

// finish ends the tap's work and lets go of what it held.
func (t *tap) finish() {
	*t = *newTap(t.Conn)
}

// Read reads, and fails the handshake where uTLS would not.
func (t *tap) Read(b []byte) (int, error) {
	if t.keys == nil {
		return t.Conn.Read(b)
	}
	n, err := t.Conn.Read(b)
	if err != nil {
		t.ioErr = err
	}
	if fault := t.see(b[:n]); fault != nil {
		return 0, fault
	}
	return n, err
}

// Write writes, and notes an alert on its way out.
func (t *tap) Write(b []byte) (int, error) {
	if t.keys != nil {
		t.noteAlert(b)
	}
	n, err := t.Conn.Write(b)
	if err != nil && t.keys != nil {
		t.ioErr = err
	}
	return n, err
}

// see looks at bytes that the server sent.
func (t *tap) see(b []byte) error {
	if t.fault != nil {
		return t.fault
	}
	if t.total += len(b); t.total > maxHandshakeBytes {
		return t.fail(&AlertError{Alert: alertDecodeError, Reason: fmt.Errorf("handshake of more than %d bytes", maxHandshakeBytes)})
	}
	if t.stage == stageOff {
		return nil
	}
	t.records.add(b)
	return t.advance()
}

// advance looks at all whole records that have come.
func (t *tap) advance() error {
	for t.stage == stageHello || t.stage == stageFlight {
		header, body, ok := t.records.next()
		if !ok {
			break
		}
		if t.stage == stageFlight {
			if err := t.openFlight(header, body); err != nil {
				return t.fail(err)
			}
			continue
		}
		switch header[0] {
		case recordHandshake:
			if err := t.plainMessage(body); err != nil {
				return t.fail(err)
			}
		case recordChangeCipher:
		default:
			// An alert, or no TLS at all: uTLS says so better.
			t.stage = stageOff
		}
	}
	if t.stage == stageOff {
		t.records, t.messages = recordReader{}, nil
	}
	return nil
}

func (t *tap) openFlight(header, body []byte) error {
	done, err := t.flight.record(header, body)
	if done {
		t.stage = stageOff
	}
	return err
}

// plainMessage adds to the unencrypted handshake messages and looks at the
// first one once it is whole.
func (t *tap) plainMessage(b []byte) error {
	t.messages = append(t.messages, b...)
	hello, rest, ok := parseServerHello(t.messages)
	if !ok {
		if len(t.messages) > maxServerHello {
			t.stage = stageOff // uTLS refuses it
		}
		return nil
	}
	switch {
	case hello.retry && t.psk:
		t.fresh = true
		return errFreshHello
	case hello.retry:
		// If another group is wanted uTLS makes its key itself.
		t.messages, t.retried = nil, true
	case hello.version == tls.VersionTLS13:
		t.group = hello.group
		t.keys.use(utls.CurveID(hello.group))
		if err := t.flight.suite(hello.cipherSuite); err != nil {
			t.stage = stageOff // not a suite of TLS 1.3: uTLS refuses it
			return nil
		}
		t.sent.setSuite(t.flight.opener.suite)
		t.stage, t.messages = stageKeys, nil
		if len(rest) > 0 {
			return &AlertError{Alert: alertUnexpectedMessage, Reason: errors.New("handshake bytes after ServerHello in the clear")}
		}
	default:
		t.stage = stageOff
	}
	return nil
}

// fail notes why the handshake must fail, and returns err.
func (t *tap) fail(err error) error {
	t.fault = err
	return err
}

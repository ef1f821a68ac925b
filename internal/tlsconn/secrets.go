package tlsconn

import (
	"bytes"
	"encoding/hex"
	"errors"
	"io"
)

// A keyLog is the KeyLogWriter of one connection: it passes each line on to the
// caller's, and tells the tap the handshake secrets.
type keyLog struct {
	tap *tap
	to  io.Writer // nil: nobody
}

// Write takes one line: label, client random and secret, the last two in hex. An
// error makes uTLS end the handshake.
func (k *keyLog) Write(line []byte) (int, error) {
	if k.to != nil {
		if n, err := k.to.Write(line); err != nil {
			return n, k.tap.fail(&localError{"KeyLogWriter", err})
		}
	}
	if err := k.tap.secret(bytes.Fields(line)); err != nil {
		return 0, err
	}
	return len(line), nil
}

func (t *tap) secret(fields [][]byte) error {
	if len(fields) != 3 || t.keys == nil {
		return nil
	}
	server := string(fields[0]) == "SERVER_HANDSHAKE_TRAFFIC_SECRET"
	if !server && string(fields[0]) != "CLIENT_HANDSHAKE_TRAFFIC_SECRET" {
		return nil
	}
	secret, err := hex.DecodeString(string(fields[2]))
	if err != nil {
		return t.fail(err)
	}
	if t.stage != stageKeys && (server || t.stage != stageFlight) {
		// uTLS took something for a ServerHello that the tap did not.
		return t.fail(&AlertError{Alert: alertUnexpectedMessage, Reason: errors.New("handshake that cannot be followed")})
	}
	if !server {
		return t.sent.setSecret(secret)
	}
	if err := t.flight.opener.setSecret(secret); err != nil {
		return t.fail(err)
	}
	t.stage = stageFlight
	return t.advance()
}

// alertRecordLen is the length of an encrypted alert: its two bytes, the inner
// type and the tag.
const alertRecordLen = 2 + 1 + aeadTagLen

// noteAlert looks for an alert among the records that this side sends.
func (t *tap) noteAlert(b []byte) {
	records := recordReader{buf: b}
	for {
		header, body, ok := records.next()
		if !ok {
			return
		}
		kind := header[0]
		if kind == recordApplication && t.sent.aead != nil {
			if len(body) != alertRecordLen {
				t.sent.seq++
				continue
			}
			var err error
			if kind, body, err = t.sent.open(header, body); err != nil {
				continue
			}
		}
		if kind == recordAlert && len(body) == 2 {
			t.localAlert = int(body[1])
		}
	}
}

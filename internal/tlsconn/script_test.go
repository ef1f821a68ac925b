package tlsconn

import (
	"bytes"
	"crypto"
	"crypto/ecdh"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"io"
	"net"

	"github.com/mien-http/mien/fingerprint"
)

// A script is a TLS 1.3 server that does what crypto/tls's cannot be made to:
// it compresses its certificate, lies about lengths, picks what was not offered.
// It speaks X25519 and TLS_AES_128_GCM_SHA256.
type script struct {
	cert     tls.Certificate
	alpn     string                     // "": none
	alps     uint16                     // code point to send application settings at; 0: none
	answer   []byte                     // set: the client's EncryptedExtensions, with its header
	compress func(plain []byte) []byte  // body of CompressedCertificate; nil: a plain Certificate
	split    int                        // bytes per record of the flight; 0: all in one
	cookie   bool                       // first a HelloRetryRequest with a cookie and no group
	early    []byte                     // written right after ServerHello, in the clear
	alert    byte                       // set: what the client answered the flight with
	resend   func(flight []byte) []byte // changes the flight; nil: not
}

// serve runs the handshake. It returns nil if the client's Finished came and was
// right, and then sends a greeting.
func (s *script) serve(c net.Conn) error {
	record := readHello(c)
	hello, err := fingerprint.ParseClientHelloRecords(record)
	if err != nil {
		return err
	}
	transcript := sha256.New()
	if s.cookie {
		first := sha256.Sum256(record[5:])
		transcript.Write([]byte{254, 0, 0, 32})
		transcript.Write(first[:])
		retry := serverHelloMessage(hello, retryRandom, []byte{0, 44, 0, 4, 0, 2, 0xc0, 0x0c})
		transcript.Write(retry)
		c.Write(plainRecord(retry))
		if record = readHello(c); len(record) > 0 && record[0] == recordChangeCipher {
			record = readHello(c)
		}
		if hello, err = fingerprint.ParseClientHelloRecords(record); err != nil {
			return err
		}
	}
	transcript.Write(record[5:])

	key, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		return err
	}
	var shared []byte
	for _, share := range hello.KeyShares() {
		if share.Group == 0x1d {
			peer, err := ecdh.X25519().NewPublicKey(share.Data)
			if err != nil {
				return err
			}
			if shared, err = key.ECDH(peer); err != nil {
				return err
			}
		}
	}
	if shared == nil {
		return errors.New("no X25519 share")
	}
	random := make([]byte, 32)
	rand.Read(random)
	reply := serverHelloMessage(hello, random, append([]byte{0, 51, 0, 36, 0, 0x1d, 0, 32}, key.PublicKey().Bytes()...))
	transcript.Write(reply)

	early, _ := hkdf.Extract(sha256.New, make([]byte, 32), nil)
	empty := sha256.Sum256(nil)
	handshakeSecret, _ := hkdf.Extract(sha256.New, shared, derive(early, "derived", empty[:]))
	hash := transcript.Sum(nil)
	clientSecret := derive(handshakeSecret, "c hs traffic", hash)
	serverSecret := derive(handshakeSecret, "s hs traffic", hash)

	var flight []byte
	add := func(message []byte) {
		transcript.Write(message)
		flight = append(flight, message...)
	}
	var exts []byte
	if s.alpn != "" {
		exts = append([]byte{0, 16}, vec16(vec16(append([]byte{byte(len(s.alpn))}, s.alpn...)))...)
	}
	if s.alps != 0 {
		exts = append(exts, byte(s.alps>>8), byte(s.alps), 0, 3, 1, 2, 3)
	}
	add(handshakeMessage(8, vec16(exts)))
	body := append([]byte{0}, vec24(append(vec24(s.cert.Certificate[0]), 0, 0))...)
	if s.compress != nil {
		add(handshakeMessage(25, s.compress(body)))
	} else {
		add(handshakeMessage(11, body))
	}
	signed := sha256.Sum256(append(append(bytes.Repeat([]byte{' '}, 64), "TLS 1.3, server CertificateVerify\x00"...), transcript.Sum(nil)...))
	signature, err := s.cert.PrivateKey.(crypto.Signer).Sign(rand.Reader, signed[:], crypto.SHA256)
	if err != nil {
		return err
	}
	add(handshakeMessage(15, append([]byte{4, 3}, vec16(signature)...)))
	add(handshakeMessage(20, finished(serverSecret, transcript.Sum(nil))))
	served := transcript.Sum(nil) // application keys are made of this (RFC 8446 §7.1)
	if s.resend != nil {
		flight = s.resend(flight)
	}

	out := append(plainRecord(reply), s.early...)
	out = append(out, recordChangeCipher, 3, 3, 0, 1, 1)
	seal := newSealer(serverSecret)
	step := s.split
	if step == 0 {
		step = 1 << 14
	}
	for len(flight) > 0 {
		n := min(step, len(flight))
		out = append(out, seal.record(recordHandshake, flight[:n])...)
		flight = flight[n:]
	}
	if _, err := c.Write(out); err != nil {
		return err
	}

	open := &opener{}
	open.suite, _ = suiteOf(tls.TLS_AES_128_GCM_SHA256)
	if err := open.setSecret(clientSecret); err != nil {
		return err
	}
	for {
		record := readHello(c)
		switch {
		case len(record) == 0:
			return io.EOF
		case record[0] == recordChangeCipher:
			continue
		}
		kind, plain, err := open.open(record[:5], record[5:])
		switch {
		case err != nil:
			return err
		case kind == recordAlert && len(plain) == 2:
			s.alert = plain[1]
			return tls.AlertError(plain[1])
		case plain[0] == messageExtensions && s.alps != 0 && s.answer == nil:
			s.answer = bytes.Clone(plain)
			transcript.Write(plain)
			continue
		case !bytes.Equal(plain[4:], finished(clientSecret, transcript.Sum(nil))):
			return errors.New("client's Finished is wrong")
		}
		break
	}
	master, _ := hkdf.Extract(sha256.New, make([]byte, 32), derive(handshakeSecret, "derived", empty[:]))
	app := newSealer(derive(master, "s ap traffic", served))
	c.Write(app.record(recordApplication, []byte("hello")))
	return nil
}

func derive(secret []byte, label string, hash []byte) []byte {
	out, _ := expandLabel(sha256.New, secret, label, hash, 32)
	return out
}

func finished(secret, hash []byte) []byte {
	mac := hmac.New(sha256.New, derive(secret, "finished", nil))
	mac.Write(hash)
	return mac.Sum(nil)
}

func handshakeMessage(kind byte, body []byte) []byte { return append([]byte{kind}, vec24(body)...) }

func vec16(b []byte) []byte { return append([]byte{byte(len(b) >> 8), byte(len(b))}, b...) }

func vec24(b []byte) []byte {
	return append([]byte{byte(len(b) >> 16), byte(len(b) >> 8), byte(len(b))}, b...)
}

func plainRecord(message []byte) []byte {
	return append([]byte{recordHandshake, 3, 3}, vec16(message)...)
}

func serverHelloMessage(hello *fingerprint.ClientHello, random, ext []byte) []byte {
	b := append([]byte{3, 3}, random...)
	b = append(append(b, byte(len(hello.SessionID))), hello.SessionID...)
	b = append(b, 0x13, 0x01, 0)
	return handshakeMessage(2, append(b, vec16(append([]byte{0, 43, 0, 2, 3, 4}, ext...))...))
}

// A sealer encrypts records as an opener opens them.
type sealer struct{ opener }

func newSealer(secret []byte) *sealer {
	s := &sealer{}
	s.suite, _ = suiteOf(tls.TLS_AES_128_GCM_SHA256)
	if err := s.setSecret(secret); err != nil {
		panic(err)
	}
	return s
}

func (s *sealer) record(kind byte, plain []byte) []byte {
	nonce := bytes.Clone(s.iv)
	tail := nonce[len(nonce)-8:]
	binary.BigEndian.PutUint64(tail, binary.BigEndian.Uint64(tail)^s.seq)
	s.seq++
	n := len(plain) + 1 + aeadTagLen
	header := []byte{recordApplication, 3, 3, byte(n >> 8), byte(n)}
	return s.aead.Seal(header, nonce, append(bytes.Clone(plain), kind), header)
}

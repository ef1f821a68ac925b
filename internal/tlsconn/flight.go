package tlsconn

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"

	"golang.org/x/crypto/chacha20poly1305"
)

// maxCertificates is the largest Certificate message taken, compressed or not;
// uTLS has the same bound for those that are not. For compressed ones it has
// none but the 16 MiB of the length field, which it allocates on the server's
// word (RFC 8879 §5 asks for a bound).
const maxCertificates = 256 << 10

// maxExtensions is the largest EncryptedExtensions looked at: uTLS refuses larger
// messages.
const maxExtensions = 1 << 16

// Handshake message types (RFC 8446 §4, RFC 8879 §4).
const (
	messageExtensions = 8
	messageFinished   = 20
	messageCompressed = 25
)

// A flight reads along in the server's encrypted handshake messages as far as
// is needed to see what a CompressedCertificate claims to become, and whether
// EncryptedExtensions has settings that nobody asked for.
type flight struct {
	opener opener
	alps   []alpsOffer // of the hello
	head   []byte      // the first bytes of the message at hand
	skip   int         // bytes of it still to pass over
}

func (f *flight) suite(id uint16) error {
	s, err := suiteOf(id)
	f.opener.suite = s
	return err
}

// record looks at one record. done means that the handshake keys have had their
// day. Whatever it cannot follow is an error: uTLS must not see more than it.
func (f *flight) record(header, body []byte) (done bool, err error) {
	switch header[0] {
	case recordChangeCipher:
		return false, nil // for middleboxes (RFC 8446 §D.4)
	case recordApplication:
	default:
		return true, nil // never valid here: uTLS refuses it
	}
	kind, plain, err := f.opener.open(header, body)
	if err != nil || kind != recordHandshake {
		return true, nil // uTLS fails on the first, and acts on an alert
	}
	return f.messages(plain)
}

func (f *flight) messages(b []byte) (done bool, err error) {
	for len(b) > 0 {
		if f.skip > 0 {
			n := min(f.skip, len(b))
			f.skip -= n
			b = b[n:]
			continue
		}
		f.head = append(f.head, b[0])
		b = b[1:]
		if len(f.head) < 4 {
			continue
		}
		size := int(f.head[1])<<16 + int(f.head[2])<<8 + int(f.head[3])
		switch {
		case f.head[0] == messageFinished:
			return true, nil
		case f.head[0] == messageExtensions && size <= maxExtensions:
			if len(f.head) < 4+size {
				continue
			}
			if err := checkALPS(f.head[4:], f.alps); err != nil {
				return true, err
			}
			f.head = f.head[:0]
		case f.head[0] != messageCompressed || size < 5:
			f.head, f.skip = f.head[:0], size
		case len(f.head) == 4+5: // algorithm and uncompressed length
			claimed := int(f.head[6])<<16 + int(f.head[7])<<8 + int(f.head[8])
			if claimed > maxCertificates {
				return true, &AlertError{Alert: alertBadCertificate, Reason: fmt.Errorf("compressed certificate message of %d bytes, more than %d", claimed, maxCertificates)}
			}
			f.head, f.skip = f.head[:0], size-5
		}
	}
	return false, nil
}

// A cipherSuite is what deriving the keys of a TLS 1.3 suite takes.
type cipherSuite struct {
	hash   func() hash.Hash
	keyLen int
	aead   func(key []byte) (cipher.AEAD, error)
}

// suiteOf knows the three suites that uTLS negotiates (RFC 8446 §B.4).
func suiteOf(id uint16) (*cipherSuite, error) {
	switch id {
	case tls.TLS_AES_128_GCM_SHA256:
		return &cipherSuite{sha256.New, 16, aesGCM}, nil
	case tls.TLS_AES_256_GCM_SHA384:
		return &cipherSuite{sha512.New384, 32, aesGCM}, nil
	case tls.TLS_CHACHA20_POLY1305_SHA256:
		return &cipherSuite{sha256.New, chacha20poly1305.KeySize, chacha20poly1305.New}, nil
	}
	return nil, fmt.Errorf("cipher suite 0x%04x", id)
}

func aesGCM(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// An opener decrypts the records of one direction under handshake keys.
type opener struct {
	suite *cipherSuite
	aead  cipher.AEAD // nil until the secret is known
	iv    []byte
	seq   uint64
}

func (o *opener) setSuite(s *cipherSuite) { o.suite = s }

// setSecret derives key and IV from a traffic secret (RFC 8446 §7.3).
func (o *opener) setSecret(secret []byte) error {
	key, err := expandLabel(o.suite.hash, secret, "key", nil, o.suite.keyLen)
	if err != nil {
		return err
	}
	if o.aead, err = o.suite.aead(key); err != nil {
		return err
	}
	o.iv, err = expandLabel(o.suite.hash, secret, "iv", nil, o.aead.NonceSize())
	return err
}

// open decrypts a record and returns its inner type and content (RFC 8446 §5.2).
func (o *opener) open(header, body []byte) (kind byte, plain []byte, err error) {
	nonce := bytes.Clone(o.iv)
	tail := nonce[len(nonce)-8:]
	binary.BigEndian.PutUint64(tail, binary.BigEndian.Uint64(tail)^o.seq)
	o.seq++
	plain, err = o.aead.Open(nil, nonce, body, header)
	if err != nil {
		return 0, nil, err
	}
	plain = bytes.TrimRight(plain, "\x00")
	if len(plain) == 0 {
		return 0, nil, errors.New("record without a type")
	}
	return plain[len(plain)-1], plain[:len(plain)-1], nil
}

// expandLabel is HKDF-Expand-Label (RFC 8446 §7.1).
func expandLabel(h func() hash.Hash, secret []byte, label string, context []byte, n int) ([]byte, error) {
	label = "tls13 " + label
	info := []byte{byte(n >> 8), byte(n), byte(len(label))}
	info = append(info, label...)
	info = append(info, byte(len(context)))
	info = append(info, context...)
	return hkdf.Expand(h, secret, string(info), n)
}

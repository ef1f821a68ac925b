package fingerprint

import (
	"fmt"
	"io"
)

// TLS record types (RFC 8446 §5.1) and the size of a record header.
const (
	helloRecordChangeCipherSpec = 20
	helloRecordHandshake        = 22
	helloRecordApplicationData  = 23
	helloRecordHeader           = 5
	// helloRecordMax is the most that a plaintext record holds (RFC 8446 §5.1).
	helloRecordMax = 1 << 14
	// helloRecordMaxCiphertext is the most that any record holds (RFC 5246 §6.2.3).
	helloRecordMaxCiphertext = 1<<14 + 2048
	// helloMax is the longest body that the length fields of a ClientHello allow.
	helloMax = 2 + 32 + 1 + 32 + 2 + 0xfffe + 1 + 0xff + 2 + 0xffff
)

// ParseClientHelloRecords reads TLS records that hold one ClientHello and
// nothing else. The message may be spread over several records. An error is a
// [*WireError] whose offset counts from the first record header; it wraps
// io.ErrUnexpectedEOF if the records end before the message does.
func ParseClientHelloRecords(b []byte) (*ClientHello, error) {
	var msg []byte
	var version uint16
	var lengths []int
	for pos := 0; ; {
		typ, n, err := helloRecord(b, pos)
		if err != nil {
			return nil, err
		}
		if typ != helloRecordHandshake {
			return nil, helloRecordErr(pos, nil, "type %d is not handshake (22)", typ)
		}
		if n == 0 {
			return nil, helloRecordErr(pos+3, nil, "an empty handshake record")
		}
		v := uint16(b[pos+1])<<8 | uint16(b[pos+2])
		if len(lengths) > 0 && v != version {
			return nil, helloRecordErr(pos+1, nil, "version %#04x after %#04x", v, version)
		}
		version = v
		msg = append(msg, b[pos+helloRecordHeader:pos+helloRecordHeader+n]...)
		lengths = append(lengths, n)
		pos += helloRecordHeader + n
		whole, err := helloWhole(msg, len(msg), pos-n)
		if err != nil {
			return nil, err
		}
		if whole {
			break
		}
	}
	if at := len(msg) + helloRecordHeader*len(lengths); at < len(b) {
		return nil, helloRecordErr(at, nil, "%d bytes behind the ClientHello", len(b)-at)
	}
	h, err := ParseClientHello(msg)
	if err != nil {
		if e, ok := err.(*WireError); ok {
			e.Offset = helloRecordOffset(lengths, e.Offset)
		}
		return nil, err
	}
	h.RecordVersion, h.RecordLengths = version, lengths
	return h, nil
}

// FindClientHello finds the records of the first ClientHello in what a client
// sent: b[start:end] is what [ParseClientHelloRecords] takes. It passes over
// change_cipher_spec and application data records, so that the second
// ClientHello of a handshake with HelloRetryRequest is found in b[end:]. The
// error is a [*WireError]; it wraps io.ErrUnexpectedEOF as long as more bytes
// may complete the message.
func FindClientHello(b []byte) (start, end int, err error) {
	var head []byte // the message's type and length, which records may split
	size := 0
	for pos := 0; ; {
		typ, n, err := helloRecord(b, pos)
		if err != nil {
			return 0, 0, err
		}
		next := pos + helloRecordHeader + n
		switch {
		case typ == helloRecordHandshake:
			if size == 0 {
				start = pos
			}
			body := b[pos+helloRecordHeader : next]
			head = append(head, body[:min(len(body), 4-len(head))]...)
			size += len(body)
			whole, err := helloWhole(head, size, pos+helloRecordHeader)
			if err != nil {
				return 0, 0, err
			}
			if whole {
				return start, next, nil
			}
		case size > 0 || typ != helloRecordChangeCipherSpec && typ != helloRecordApplicationData:
			return 0, 0, helloRecordErr(pos, nil, "type %d where a ClientHello is due", typ)
		}
		pos = next
	}
}

// MarshalRecords returns the ClientHello in TLS records: those it was parsed
// from or, where RecordLengths do not add up to the message, as few as hold it.
// A RecordVersion of 0 is written as 0x0301, as every browser writes it in
// front of its first ClientHello.
func (h *ClientHello) MarshalRecords() []byte {
	msg := h.Marshal()
	sum := 0
	for _, n := range h.RecordLengths {
		if n <= 0 || n > helloRecordMax {
			sum = -1
			break
		}
		sum += n
	}
	lengths := h.RecordLengths
	if sum != len(msg) {
		lengths = nil
		for n := len(msg); n > 0; n -= helloRecordMax {
			lengths = append(lengths, min(n, helloRecordMax))
		}
	}
	version := h.RecordVersion
	if version == 0 {
		version = 0x0301
	}
	var b []byte
	for _, n := range lengths {
		b = append(b, helloRecordHandshake, byte(version>>8), byte(version), byte(n>>8), byte(n))
		b = append(b, msg[:n]...)
		msg = msg[n:]
	}
	return b
}

// helloRecord reads the record header at pos and checks that the whole record
// is there.
func helloRecord(b []byte, pos int) (typ byte, n int, err error) {
	if len(b)-pos < helloRecordHeader {
		return 0, 0, helloRecordErr(pos, io.ErrUnexpectedEOF, "record header: %d bytes needed, %d left", helloRecordHeader, len(b)-pos)
	}
	typ, n = b[pos], int(b[pos+3])<<8|int(b[pos+4])
	if b[pos+1] != 3 {
		return 0, 0, helloRecordErr(pos+1, nil, "version %#02x%02x is not TLS", b[pos+1], b[pos+2])
	}
	limit := helloRecordMaxCiphertext
	if typ == helloRecordHandshake {
		limit = helloRecordMax
	}
	if n > limit {
		return 0, 0, helloRecordErr(pos+3, nil, "record length %d is above %d", n, limit)
	}
	if left := len(b) - pos - helloRecordHeader; left < n {
		return 0, 0, helloRecordErr(pos+helloRecordHeader, io.ErrUnexpectedEOF, "record: %d bytes needed, %d left", n, left)
	}
	return typ, n, nil
}

func helloRecordErr(at int, cause error, format string, args ...any) *WireError {
	return &WireError{Part: "TLS record", Offset: at, Problem: fmt.Sprintf(format, args...), Err: cause}
}

// helloWhole reports whether size bytes of a message that begins with head
// hold a whole ClientHello. at is where the latest of them stand, for the error.
func helloWhole(head []byte, size, at int) (bool, error) {
	if len(head) > 0 && head[0] != helloType {
		return false, helloRecordErr(at, nil, "message type %d is not ClientHello (1)", head[0])
	}
	if len(head) < 4 {
		return false, nil
	}
	n := int(head[1])<<16 | int(head[2])<<8 | int(head[3])
	if n > helloMax {
		return false, helloRecordErr(at, nil, "a ClientHello of %d bytes; none has more than %d", n, helloMax)
	}
	return size-4 >= n, nil
}

// helloRecordOffset turns an offset into the message into one into the records.
func helloRecordOffset(lengths []int, at int) int {
	offset := at + helloRecordHeader
	for _, n := range lengths[:len(lengths)-1] {
		if at < n {
			break
		}
		at -= n
		offset += helloRecordHeader
	}
	return offset
}

package fingerprint

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
)

// helloSplit puts msg into records of at most n bytes.
func helloSplit(msg []byte, n int) []byte {
	var b []byte
	for part := range slices.Chunk(msg, n) {
		b = append(b, 22, 3, 1, byte(len(part)>>8), byte(len(part)))
		b = append(b, part...)
	}
	return b
}

func TestSplitRecords(t *testing.T) {
	msg := helloMessage(t)
	for _, n := range []int{1, 3, 7, 100, 1000, len(msg)} {
		b := helloSplit(msg, n)
		h, err := ParseClientHelloRecords(b)
		if err != nil {
			t.Fatalf("records of %d: %v", n, err)
		}
		if !bytes.Equal(h.MarshalRecords(), b) || !bytes.Equal(h.Marshal(), msg) {
			t.Errorf("records of %d: the bytes written are not the bytes read", n)
		}
		if start, end, err := FindClientHello(b); start != 0 || end != len(b) || err != nil {
			t.Errorf("records of %d: FindClientHello says %d, %d, %v", n, start, end, err)
		}
	}
}

func TestMarshalRecordsOfMade(t *testing.T) {
	h, err := ParseClientHello(helloMessage(t))
	if err != nil {
		t.Fatal(err)
	}
	want := append([]byte{22, 3, 1, byte(len(helloMessage(t)) >> 8), byte(len(helloMessage(t)))}, helloMessage(t)...)
	for _, lengths := range [][]int{nil, {5}, {-1, len(want)}, {0, len(want) - 5}} {
		h.RecordLengths = lengths
		if !bytes.Equal(h.MarshalRecords(), want) {
			t.Errorf("lengths %v: not one record of version 0301", lengths)
		}
	}
	h.Extensions = append(h.Extensions, RawExtension{ID: 21, Data: make([]byte, 40000)})
	b := h.MarshalRecords()
	back, err := ParseClientHelloRecords(b)
	if err != nil {
		t.Fatal(err)
	}
	if len(back.RecordLengths) != 3 || back.RecordLengths[0] != 1<<14 || !bytes.Equal(back.Marshal(), h.Marshal()) {
		t.Errorf("records of %v", back.RecordLengths)
	}
}

func TestFindClientHello(t *testing.T) {
	first, second := helloFile(t, "chromium-156-fresh.bin"), helloFile(t, "chromium-156-after-hrr.bin")
	ccs := []byte{20, 3, 3, 0, 1, 1}
	early := []byte{23, 3, 3, 0, 3, 'x', 'y', 'z'}
	b := slices.Concat(first, ccs, early, second, []byte{23, 3, 3})
	_, end, err := FindClientHello(b)
	if err != nil || end != len(first) {
		t.Fatalf("the first hello ends at %d (%v), want %d", end, err, len(first))
	}
	rest := b[end:]
	start, end, err := FindClientHello(rest)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(rest[start:end], second) {
		t.Errorf("the second hello is bytes %d to %d", start, end)
	}
	for n := range first {
		if _, _, err := FindClientHello(first[:n]); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Fatalf("%d of %d bytes: %v", n, len(first), err)
		}
		if _, err := ParseClientHelloRecords(first[:n]); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Fatalf("%d of %d bytes: %v", n, len(first), err)
		}
	}
}

func TestRecordErrors(t *testing.T) {
	msg := helloMessage(t)
	one := helloSplit(msg, len(msg))
	broken := bytes.Clone(msg)
	broken[38] = 33 // the session id's length
	split := helloSplit(msg, 1000)
	split[1000+5+2] = 3
	for _, c := range []struct {
		name    string
		b       []byte
		offset  int
		problem string
		finds   bool // FindClientHello fails alike
	}{
		{"http", []byte("GET / HTTP/1.1\r\n\r\n"), 1, "is not TLS", true},
		{"alert", []byte{21, 3, 1, 0, 2, 2, 40}, 0, "type 21", true},
		{"server hello", []byte{22, 3, 1, 0, 4, 2, 0, 0, 0}, 5, "message type 2", true},
		{"long record", []byte{22, 3, 1, 0x40, 1}, 3, "length 16385", true},
		{"long message", []byte{22, 3, 1, 0, 4, 1, 3, 0, 0}, 5, "a ClientHello of 196608 bytes", true},
		{"alert in between", append(helloSplit(msg[:100], 100), 21, 3, 1, 0, 2, 2, 40), 105, "type 21", true},
		{"change_cipher_spec in between", append(helloSplit(msg[:100], 100), 20, 3, 3, 0, 1, 1), 105, "type 20", true},
		{"empty record", []byte{22, 3, 1, 0, 0, 0}, 3, "empty", false},
		{"another version", split, 1006, "version 0x0303 after 0x0301", false},
		{"bytes behind", append(bytes.Clone(one), 1, 2, 3), len(one), "3 bytes behind", false},
		{"bytes behind in the record", helloSplit(append(bytes.Clone(msg), 9), 1<<14), 5 + len(msg), "1 bytes too many", false},
		{"broken in one record", helloSplit(broken, len(msg)), 5 + 38, "session id", false},
		{"broken in the fourth record", helloSplit(broken, 10), 4*5 + 38, "session id", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := ParseClientHelloRecords(c.b)
			var e *WireError
			if !errors.As(err, &e) {
				t.Fatalf("error is %v", err)
			}
			if e.Offset != c.offset || !strings.Contains(e.Problem, c.problem) || e.Err != nil {
				t.Errorf("error is %v (%v), want byte %d: …%s…", err, e.Err, c.offset, c.problem)
			}
			_, _, err = FindClientHello(c.b)
			if c.finds && (!errors.As(err, &e) || e.Offset != c.offset || e.Err != nil) {
				t.Errorf("FindClientHello: error is %v, want byte %d", err, c.offset)
			}
			if !c.finds && err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("FindClientHello: %v", err)
			}
		})
	}
}

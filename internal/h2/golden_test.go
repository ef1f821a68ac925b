package h2

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"net"
	"os"
	"sync/atomic"
	"testing"

	"github.com/mien-http/mien/fingerprint"
)

// captured is one request of a browser (Chromium 156.0.8078.79 and Firefox ESR
// 153.7 of Debian 12) on one connection, in the order sent: every request of a
// page load against a recording server.
type captured struct {
	Stream   uint32      `json:"stream"`
	Priority string      `json:"priority"`
	Fields   [][2]string `json:"fields"`
	Block    string      `json:"block"`
}

func readCapture(t testing.TB, name string) []captured {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name + ".jsonl")
	if err != nil {
		t.Fatal(err)
	}
	var all []captured
	for lines := bufio.NewScanner(bytes.NewReader(b)); lines.Scan(); {
		var r captured
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			t.Fatal(err)
		}
		all = append(all, r)
	}
	return all
}

// TestGoldenBlocks feeds the encoder every request of a captured connection, in
// order: the dynamic table fills and evicts as the browser's did.
func TestGoldenBlocks(t *testing.T) {
	for name, profile := range map[string]*fingerprint.HTTP2{"chromium-156-c002": chromium(), "firefox-153-c011": firefox()} {
		t.Run(name, func(t *testing.T) {
			e := newEncoder(profile)
			for i, r := range readCapture(t, name) {
				block := e.begin(nil)
				for _, f := range r.Fields {
					block = e.field(block, f[0], f[1])
				}
				if got := hex.EncodeToString(block); got != r.Block {
					t.Fatalf("request %d, %v\ngot  %s\nwant %s", i, r.Fields, got, r.Block)
				}
			}
		})
	}
}

// TestGoldenFirstFlight compares what a connection writes first, frame headers and
// all, with the capture. It is one Write.
func TestGoldenFirstFlight(t *testing.T) {
	for _, test := range []struct {
		name     string
		profile  *fingerprint.HTTP2
		priority fingerprint.Priority
		frames   [4]string // before and after the header block
	}{
		{"chromium-156-c002", chromium(), fingerprint.Priority{Weight: 256, Exclusive: true, Depend: true}, [4]string{
			"000018040000000000000100010000000200000000000400600000000600040000",
			"00000408000000000000ef0001",
			"0001b401250000000180000000ff",
			"",
		}},
		{"firefox-153-c011", firefox(), fingerprint.Priority{Weight: 42}, [4]string{
			"000018040000000000000100010000000200000000000400020000000500004000",
			"00000408000000000000bf0001",
			"0001140125000000030000000029",
			"00000408000000000300be0000",
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			first := readCapture(t, test.name)[0]
			head := &fingerprint.Head{Priority: test.priority}
			for _, f := range first.Fields {
				if f[0][0] != ':' {
					head.Fields = append(head.Fields, fingerprint.HeaderField{Name: f[0], Value: f[1]})
				}
			}
			client, server := memPipe(0)
			counted := &countedConn{Conn: client}
			c := New(counted, Config{Profile: test.profile})
			failed := make(chan error, 1)
			go func() {
				req := newRequest(t, "GET", "https://www.shop.test/", nil)
				_, err := c.RoundTrip(req, head)
				failed <- err
			}()
			want := "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + unhex(t, test.frames[0]+test.frames[1]+test.frames[2]+first.Block+test.frames[3])
			got := make([]byte, len(want)+1)
			n, err := server.Read(got)
			if err != nil || string(got[:n]) != want {
				t.Errorf("got  %x, %v\nwant %x", got[:n], err, want)
			}
			if n := counted.writes.Load(); n != 1 {
				t.Errorf("%d writes", n)
			}
			c.Close()
			<-failed
			<-c.Done()
			server.Close()
		})
	}
}

// countedConn counts calls of Write.
type countedConn struct {
	net.Conn
	writes atomic.Int32
}

func (c *countedConn) Write(p []byte) (int, error) {
	c.writes.Add(1)
	return c.Conn.Write(p)
}

func unhex(t testing.TB, s string) string {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestDependencies replays the beginning of a captured page load, with the
// dependencies that Chromium sent.
func TestDependencies(t *testing.T) {
	var d dependencies
	open := make(map[uint32]*stream)
	for _, step := range []struct {
		id     uint32
		weight uint16
		parent uint32
		closed []uint32 // before it
	}{
		{id: 1, weight: 256},
		{id: 3, weight: 256, closed: []uint32{1}},
		{id: 5, weight: 220, parent: 3},
		{id: 7, weight: 220, parent: 5},
		{id: 9, weight: 183, parent: 7},
		{id: 11, weight: 147, parent: 9},
		{id: 13, weight: 183, parent: 9},
		{id: 15, weight: 147, closed: []uint32{13, 5, 7, 9, 11, 3}},
		{id: 17, weight: 147, parent: 15},
		{id: 19, weight: 256},
		{id: 21, weight: 147, parent: 17},
		{id: 23, weight: 256, parent: 19, closed: []uint32{21}}, // 21 was moved to another weight
		{id: 25, weight: 147, parent: 17},
	} {
		for _, id := range step.closed {
			d.remove(open[id])
		}
		if got := d.parent(step.weight); got != step.parent {
			t.Errorf("stream %d depends on %d, want %d", step.id, got, step.parent)
		}
		s := &stream{id: step.id, weight: step.weight}
		open[s.id] = s
		d.add(s)
	}
}

package h2

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"

	"github.com/mien-http/mien/fingerprint"
)

// floodBytes is the most that any flood may take: a browser's connection
// window of 15 MiB, which a peer may fill while nobody reads, and a little.
const floodBytes = 16 << 20

// TestFloodMemory has peers that send as much as they can of what costs them
// little. Some floods the connection ends, some it lets pass; none of them takes
// more than floodBytes of memory.
func TestFloodMemory(t *testing.T) {
	scale := 1
	if raceEnabled {
		scale = 10
	}
	big := bytes.Repeat([]byte("x"), 16384)
	for _, test := range []struct {
		name   string
		deaf   bool                                // the peer does not read
		rounds int                                 // calls of flood at most
		begin  func(p *peer, id uint32)            // once
		flood  func(p *peer, id uint32, round int) // again and again
		ends   bool                                // the connection is closed
	}{
		{name: "unread content", rounds: 3 * 384, begin: answered, flood: func(p *peer, id uint32, round int) {
			p.WriteData(id, false, big)
		}},
		{name: "unread content on three streams", rounds: 3 * 320, begin: func(p *peer, id uint32) {
			for range 3 {
				p.headers(id, false, ":status", "200")
				_, id = p.get()
			}
		}, flood: func(p *peer, id uint32, round int) { p.WriteData(id+2*uint32(round%3), false, big) }},
		{name: "content byte by byte", rounds: 300_000 / scale, begin: answered, flood: func(p *peer, id uint32, round int) {
			p.WriteData(id, false, big[:1])
		}},
		{name: "padding", rounds: 100_000 / scale, begin: answered, flood: func(p *peer, id uint32, round int) {
			p.WriteDataPadded(id, false, big[:1], make([]byte, 255))
		}},
		{name: "pings", rounds: 20_000, flood: askFlood, ends: true},
		{name: "pings of a deaf peer", deaf: true, rounds: 20_000, flood: askFlood, ends: true},
		{name: "settings", rounds: 20_000, flood: tableFlood, ends: true},
		{name: "settings of a deaf peer", deaf: true, rounds: 20_000, flood: tableFlood, ends: true},
		{name: "continuation", rounds: 1000, begin: func(p *peer, id uint32) {
			p.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: p.encode(":status", "200")})
		}, flood: func(p *peer, id uint32, round int) {
			p.WriteContinuation(id, false, append([]byte{0, 1, 'x', 0x7f, 0xf5, 0x7c}, big[:16116]...))
		}, ends: true},
		{name: "HPACK bomb", rounds: 120, begin: func(p *peer, id uint32) {
			p.headers(id, false, ":status", "103", "x", strings.Repeat("z", 4000))
		}, flood: func(p *peer, id uint32, round int) {
			// The entry of 4,000 bytes, 16,383 times in a frame, 120 frames in a block.
			if round == 0 {
				p.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: append(p.encode(":status", "200"), bytes.Repeat([]byte{0xbe}, 16383)...)})
				return
			}
			p.WriteContinuation(id, round == 15, bytes.Repeat([]byte{0xbe}, 16384))
		}, ends: true},
		{name: "interim responses", rounds: 200, flood: func(p *peer, id uint32, round int) {
			p.headers(id, false, ":status", "103", "x", strings.Repeat("z", 10_000))
		}},
		{name: "debug data", rounds: 20_000, flood: func(p *peer, id uint32, round int) {
			p.WriteGoAway(id, http2.ErrCodeNo, big[:16000])
		}, ends: true},
		{name: "unknown frames", rounds: 20_000, flood: func(p *peer, id uint32, round int) {
			p.WriteRawFrame(0xcc, 0xff, id, big)
		}, ends: true},
		{name: "content of a stream that was reset", rounds: 2000, begin: func(p *peer, id uint32) {
			p.headers(id, false, "no", "status")
		}, flood: func(p *peer, id uint32, round int) { p.WriteData(id, false, big) }, ends: true},
		{name: "pushes", rounds: 1000, flood: func(p *peer, id uint32, round int) {
			p.WritePushPromise(http2.PushPromiseParam{StreamID: id, PromiseID: uint32(2 * (round + 1)), BlockFragment: big[:100], EndHeaders: true})
		}, ends: true},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := newFloodPeer(t)
			k, id := p.traced()
			before := heap()
			if test.begin != nil {
				test.begin(p, id)
			}
			if !test.deaf {
				go func() {
					for {
						if _, err := p.ReadFrame(); err != nil && err != http2.ErrFrameTooLarge {
							return
						}
					}
				}()
			}
			most := measure(p, before, test.rounds, func(round int) { test.flood(p, id, round) })
			t.Logf("%d KiB", most>>10)
			if most > floodBytes {
				t.Errorf("%d MiB of memory are taken", most>>20)
			}
			if test.ends {
				p.nc.Close() // instead of a second for the peer to read why
				select {
				case <-p.c.Done():
				case <-time.After(time.Minute):
					t.Fatal("the connection goes on")
				}
				if e := k.failure(t); !e.Sent {
					t.Errorf("got %+v", e)
				}
			}
			k.cancel(nil)
			p.c.Close()
			p.nc.Close()
			<-p.c.Done()
			<-k.done
			if n := p.c.InFlight(); n != 0 {
				t.Errorf("%d in flight", n)
			}
		})
	}
}

func answered(p *peer, id uint32)            { p.headers(id, false, ":status", "200") }
func askFlood(p *peer, id uint32, round int) { p.WritePing(false, [8]byte{byte(round)}) }

func tableFlood(p *peer, id uint32, round int) {
	p.WriteSettings(http2.Setting{ID: http2.SettingHeaderTableSize, Val: uint32(round%2) << 31})
}

// TestNamesMemory: what a connection remembers of the names of fields is
// bounded in number and in length.
func TestNamesMemory(t *testing.T) {
	p := newFloodPeer(t)
	before := heap()
	most := measure(p, before, 600, func(round int) {
		k, id := p.get()
		p.headers(id, true, ":status", "200", fmt.Sprint(strings.Repeat("n", 15_000), round), "v", fmt.Sprint("short", round), "v")
		<-k.done
		if k.err != nil {
			t.Fatal(k.err)
		}
	})
	if most > 1<<20 {
		t.Errorf("%d KiB are taken", most>>10)
	}
	if n := len(p.c.reader.names); n > maxNames {
		t.Errorf("%d names", n)
	}
	p.c.Close()
	p.nc.Close()
	<-p.c.Done()
}

// newFloodPeer is a peer that is held up when the client does not keep up, and
// that has exchanged SETTINGS. It runs in real time: a bubble's goroutines
// would be counted with it.
func newFloodPeer(t *testing.T) *peer {
	t.Helper()
	p := newPeer(t, Config{}, 64<<10)
	p.nc.out.limit = 64 << 10
	p.greet()
	return p
}

// traced starts a request whose caller looks at interim responses.
func (p *peer) traced() (*call, uint32) {
	k := p.do("GET", nil, func(req *http.Request, _ *fingerprint.Head) {
		*req = *req.WithContext(httptrace.WithClientTrace(req.Context(), &httptrace.ClientTrace{
			Got1xxResponse: func(int, textproto.MIMEHeader) error { return nil },
		}))
	})
	f, _ := p.request()
	return k, f.StreamID
}

// measure calls flood until it has been called often enough or the connection
// has ended, and returns by how much the heap grew at most.
func measure(p *peer, before int64, rounds int, flood func(round int)) (most int64) {
	sample := func() { most = max(most, heap()-before) }
	for round := range rounds {
		flood(round)
		if round%max(1, rounds/20) == 0 {
			sample()
		}
		if p.c.Err() != nil {
			break
		}
	}
	sample()
	return most
}

// heap is the memory in use.
func heap() int64 {
	runtime.GC()
	runtime.GC() // what a sync.Pool holds survives the first
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

package main

import (
	"context"
	"crypto/tls"
	"net/http/httptrace"
	"net/textproto"
	"strings"
	"time"
)

// trace returns ctx with callbacks that take the time of each phase, and tell it.
func (t *talk) trace(ctx context.Context) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		DNSStart:     t.lookingUp,
		DNSDone:      t.lookedUp,
		ConnectStart: func(string, string) { t.locked(func(now time.Time) { t.connect = now }) },
		ConnectDone: func(_, addr string, err error) {
			t.locked(func(now time.Time) {
				took(&t.spent.connect, &t.connect, now)
				t.t.connected = now.Sub(t.start)
			})
			if err != nil {
				t.sayf("*", "no connection to %s: %v", addr, err)
			}
		},
		TLSHandshakeDone: func(s tls.ConnectionState, err error) {
			t.locked(func(now time.Time) { t.t.shaken = now.Sub(t.start) })
			if err == nil {
				t.handshake(&s)
			}
		},
		GotConn:          t.gotConn,
		WroteHeaderField: t.wroteField,
		WroteHeaders:     t.request,
		WroteRequest: func(info httptrace.WroteRequestInfo) {
			t.locked(func(now time.Time) { t.sent = now })
			if info.Err != nil {
				t.sayf("*", "the request did not leave: %v", info.Err)
			}
		},
		Got1xxResponse: func(code int, header textproto.MIMEHeader) error {
			t.sayf("<", "interim response %d", code)
			for _, name := range sortedKeys(header) {
				for _, v := range header[name] {
					t.sayf("<", "%s: %s", name, t.shown(name, v))
				}
			}
			t.sayf("<", "")
			return nil
		},
		GotFirstResponseByte: func() {
			t.locked(func(now time.Time) {
				took(&t.spent.wait, &t.sent, now)
				t.t.firstByte = now.Sub(t.start)
			})
		},
	})
}

func (t *talk) locked(f func(now time.Time)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	f(time.Now())
}

// took adds the time since a mark, which it takes away.
func took(d *time.Duration, since *time.Time, now time.Time) {
	if !since.IsZero() {
		*d += now.Sub(*since)
		*since = time.Time{}
	}
}

func (t *talk) lookingUp(i httptrace.DNSStartInfo) {
	t.locked(func(now time.Time) { t.lookup, t.name = now, i.Host })
}

func (t *talk) lookedUp(i httptrace.DNSDoneInfo) {
	name := ""
	t.locked(func(now time.Time) {
		took(&t.spent.lookup, &t.lookup, now)
		t.t.lookedUp = now.Sub(t.start)
		name = t.name
	})
	if i.Err != nil {
		t.sayf("*", "%s was not found: %v", name, i.Err)
		return
	}
	addrs := make([]string, len(i.Addrs))
	for n, a := range i.Addrs {
		addrs[n] = a.String()
	}
	t.sayf("*", "%s is %s", name, strings.Join(addrs, ", "))
}

func (t *talk) gotConn(c httptrace.GotConnInfo) {
	clear := false
	t.locked(func(now time.Time) {
		t.t.gotConn = now.Sub(t.start)
		t.t.local, t.t.remote = c.Conn.LocalAddr(), c.Conn.RemoteAddr()
		if !c.Reused {
			t.t.connects++
		}
		clear = t.hop.URL.Scheme == "http"
	})
	how := "connected"
	if c.Reused {
		how = "same connection"
	}
	t.sayf("*", "%s, %v -> %v", how, c.Conn.LocalAddr(), c.Conn.RemoteAddr())
	if clear {
		t.sayf("*", "no TLS: everybody in between can read and change this")
	}
}

// wroteField keeps a field that was sent: they come in the order of the wire, as
// they are spelled there.
func (t *talk) wroteField(name string, values []string) {
	t.locked(func(time.Time) {
		for _, v := range values {
			t.fields = append(t.fields, [2]string{name, v})
		}
	})
}

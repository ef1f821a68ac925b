package tlsconn

import (
	"crypto/tls"
	"fmt"
	"testing"
	"time"

	utls "github.com/refraction-networking/utls"

	"github.com/mien-http/mien/fingerprint"
)

func session13(key string) *ticket {
	s := &utls.ClientSessionState{}
	s.SetVers(utls.VersionTLS13)
	return &ticket{key: key, session: s}
}

func session12(key string) *ticket {
	s := &utls.ClientSessionState{}
	s.SetVers(utls.VersionTLS12)
	return &ticket{key: key, session: s}
}

func TestTicketsAreTakenOut(t *testing.T) {
	store, now := NewTickets(0), time.Now()
	old, recent := session13("a"), session13("a")
	store.put(old)
	store.put(recent)
	store.put(session13("b"))
	if store.take("a", now) != recent || store.take("a", now) != old || store.take("a", now) != nil {
		t.Error("not newest first, each once")
	}
	if store.Len() != 1 || store.take("c", now) != nil {
		t.Error("another key's ticket")
	}
}

func TestSessionOf12StaysAndIsReplaced(t *testing.T) {
	store, now := NewTickets(0), time.Now()
	store.put(session12("a"))
	second := session12("a")
	store.put(second)
	if store.Len() != 1 || store.take("a", now) != second || store.take("a", now) != second {
		t.Error("TLS 1.2 session not kept")
	}
	store.drop("a")
	if store.take("a", now) != nil {
		t.Error("not dropped")
	}
}

func TestTicketsAreBounded(t *testing.T) {
	store := NewTickets(20)
	for i := range 100 {
		store.put(session13("busy"))
		store.put(session13(fmt.Sprint(i)))
		if store.Len() > 20 {
			t.Fatalf("%d held", store.Len())
		}
	}
	if n := count(store, "busy"); n > ticketsPerKey || n == 0 {
		t.Errorf("%d of one key", n)
	}
	if store.take("99", time.Now()) == nil || store.take("0", time.Now()) != nil {
		t.Error("not the oldest pushed out")
	}
	for i := range 2 * refusedMax {
		store.refuse(fmt.Sprint(i))
	}
	if len(store.refused) != refusedMax {
		t.Errorf("%d keys remembered", len(store.refused))
	}
}

func count(store *Tickets, key string) int {
	n := 0
	for _, k := range store.held {
		if k.key == key {
			n++
		}
	}
	return n
}

func TestTicketExpiresWithItsCertificates(t *testing.T) {
	store, now := NewTickets(0), time.Now()
	for _, k := range []*ticket{session12("a"), session13("b")} {
		k.expires = now
		store.put(k)
		if store.take(k.key, now.Add(time.Second)) != nil || store.Len() != 0 {
			t.Errorf("%s: expired session taken or kept", k.key)
		}
	}
}

func TestUnverifiedConnectionStoresNothing(t *testing.T) {
	cache := &sessionCache{tickets: NewTickets(0), key: "a", verify: &verifier{}}
	cache.Put("", session13("a").session)
	if cache.tickets.Len() != 0 {
		t.Error("stored before the certificates were verified")
	}
	cache.verify.ok.Store(true)
	cache.Put("", session13("a").session)
	if cache.tickets.Len() != 1 {
		t.Error("not stored")
	}
}

// uTLS takes a session of TLS 1.2 back when a handshake with it failed.
func TestFailedSessionIsDropped(t *testing.T) {
	store := NewTickets(0)
	store.put(session12("a"))
	cache := &sessionCache{tickets: store, key: "a", verify: &verifier{}, offer: store.take("a", time.Now())}
	if s, ok := cache.Get(""); !ok || s != cache.offer.session {
		t.Error("not offered")
	}
	if _, ok := cache.Get(""); ok {
		t.Error("offered twice")
	}
	cache.Put("", nil)
	if store.Len() != 0 {
		t.Error("kept")
	}
}

// One retry without a ticket, and none is offered there any more.
func TestRetryInAnswerToTicket(t *testing.T) {
	for _, name := range profileNames {
		t.Run(name, func(t *testing.T) {
			s := newServer(t, func(c *tls.Config) { c.CurvePreferences = []tls.CurveID{tls.CurveP384} })
			p := profile(t, name)
			cfg := s.config(p)
			cfg.Tickets, cfg.TicketKey = NewTickets(0), "here"
			s.mustDial(t, cfg)
			if cfg.Tickets.Len() != 1 {
				t.Fatal("no ticket held")
			}
			_, err := s.dial(t, cfg)
			if !NeedsFreshHello(err) {
				t.Fatalf("error %v", err)
			}
			for range 2 {
				if c := s.mustDial(t, cfg).ConnectionState(); !c.HelloRetryRequest || c.DidResume {
					t.Errorf("state %+v", c)
				}
			}
			for i, psk := range []bool{false, true, false, false} {
				if got := s.hello(t, i).HasPSK(); got != psk {
					t.Errorf("connection %d: ticket offered: %v", i, got)
				}
			}
		})
	}
	if NeedsFreshHello(nil) {
		t.Error("no error needs a fresh hello")
	}
}

func TestTicketKeyAndChoices(t *testing.T) {
	s := newServer(t, nil)
	cfg := s.config(profile(t, "chrome-156-linux"))
	cfg.Tickets, cfg.TicketKey = NewTickets(0), "a"
	s.mustDial(t, cfg)
	other := cfg
	other.TicketKey = "b"
	if s.mustDial(t, other).ConnectionState().DidResume {
		t.Error("resumed with another key's ticket")
	}
	none := cfg
	none.NoTicket = true
	if s.mustDial(t, none).ConnectionState().DidResume {
		t.Error("resumed though told not to")
	}
	disabled := cfg
	disabled.TLS = cfg.TLS.Clone()
	disabled.TLS.SessionTicketsDisabled = true
	held := cfg.Tickets.Len()
	if s.mustDial(t, disabled).ConnectionState().DidResume || cfg.Tickets.Len() != held {
		t.Error("tickets used though disabled")
	}
	if !s.mustDial(t, cfg).ConnectionState().DidResume {
		t.Error("not resumed")
	}
}

// A server that forgot its ticket keys answers with a full handshake.
func TestServerForgetsTickets(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		var config *tls.Config
		s := newServer(t, func(c *tls.Config) {
			c.MaxVersion, config = version, c
			c.SetSessionTicketKeys([][32]byte{{1}})
		})
		cfg := s.config(profile(t, "firefox-153-linux"))
		cfg.Tickets = NewTickets(0)
		s.mustDial(t, cfg)
		config.SetSessionTicketKeys([][32]byte{{2}})
		if s.mustDial(t, cfg).ConnectionState().DidResume {
			t.Error("resumed")
		}
		if !s.mustDial(t, cfg).ConnectionState().DidResume {
			t.Error("not resumed with the new ticket")
		}
	}
}

func TestUnknownPreset(t *testing.T) {
	s := newServer(t, nil)
	p := profile(t, "chrome-156-linux")
	p.TLS = fingerprint.TLS{Preset: "HelloNetscape_4"}
	_, err := s.dial(t, s.config(p))
	if err == nil || err.Error() != `tlsconn: unknown uTLS preset "HelloNetscape_4"` {
		t.Errorf("error %v", err)
	}
}

// Every preset that fingerprint names is one of ours.
func TestPresetNamesAgree(t *testing.T) {
	ours := map[string]bool{}
	for _, name := range Presets() {
		ours[name] = true
	}
	for _, m := range fingerprint.PresetMatches() {
		if !ours[m.Preset] {
			t.Errorf("fingerprint offers %s", m.Preset)
		}
	}
}

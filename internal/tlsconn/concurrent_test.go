package tlsconn

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/mien-http/mien/fingerprint"
)

// Every profile and every preset, over 200 connections at once, twice: the
// second time with the tickets of the first. Run with -race this shows that
// connections share nothing.
func TestConcurrent(t *testing.T) {
	var profiles []*fingerprint.Profile
	for _, name := range fingerprint.Names() {
		profiles = append(profiles, profile(t, name))
	}
	for _, name := range Presets() {
		profiles = append(profiles, &fingerprint.Profile{Name: name, TLS: fingerprint.TLS{Preset: name}})
	}
	s := newServer(t, nil)
	cfg := s.config(nil)
	cfg.Tickets, cfg.Chains = NewTickets(0), &Chains{}
	for _, round := range []string{"fresh", "resumed"} {
		var dialed, done sync.WaitGroup
		errs := make(chan error, 200)
		for i := range 200 {
			dialed.Add(1)
			done.Go(func() {
				cfg := cfg
				cfg.Profile = profiles[i%len(profiles)]
				cfg.TicketKey = cfg.Profile.Name
				c, err := dialGreeted(t.Context(), s.addr, cfg)
				dialed.Done()
				if err != nil {
					errs <- fmt.Errorf("%s: %w", cfg.Profile.Name, err)
					return
				}
				dialed.Wait() // all are open at once
				c.Close()
			})
		}
		done.Wait()
		close(errs)
		for err := range errs {
			t.Errorf("%s: %v", round, err)
		}
	}
}

func dialGreeted(ctx context.Context, addr string, cfg Config) (*Conn, error) {
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	c, err := Client(ctx, nc, cfg)
	if err != nil {
		return nil, err
	}
	if _, err := io.ReadFull(c, make([]byte, 5)); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

func BenchmarkHello(b *testing.B) {
	for _, name := range profileNames {
		p := profile(b, name)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				build(b, p, testHost)
			}
		})
	}
}

func BenchmarkHandshake(b *testing.B) {
	b.Run("crypto-tls", func(b *testing.B) {
		s := newServer(b, nil)
		config := &tls.Config{RootCAs: s.auth.pool, ServerName: testHost, NextProtos: []string{"h2", "http/1.1"}}
		b.ReportAllocs()
		for b.Loop() {
			c, err := tls.Dial("tcp", s.addr, config)
			if err != nil {
				b.Fatal(err)
			}
			if _, err := io.ReadFull(c, make([]byte, 5)); err != nil {
				b.Fatal(err)
			}
			c.Close()
		}
	})
	for _, resume := range []bool{false, true} {
		for _, name := range profileNames {
			b.Run(fmt.Sprintf("%s/resume=%v", name, resume), func(b *testing.B) {
				s := newServer(b, nil)
				cfg := s.config(profile(b, name))
				if resume {
					cfg.Tickets = NewTickets(0)
				}
				b.ReportAllocs()
				for b.Loop() {
					c, err := dialGreeted(context.Background(), s.addr, cfg)
					if err != nil {
						b.Fatal(err)
					}
					c.Close()
				}
			})
		}
	}
}

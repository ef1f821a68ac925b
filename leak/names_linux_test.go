package leak_test

import (
	"net"
	"net/netip"
	"strings"
	"sync"

	"golang.org/x/net/dns/dnsmessage"
)

// nameServer says that every name is at the origins' address, so that a look-up
// that should not have been made leads somewhere, and remembers the names.
type nameServer struct {
	conn net.PacketConn // nil until start
	wg   sync.WaitGroup

	mu    sync.Mutex
	asked []string // guarded by mu
}

func (s *nameServer) start(addr string) (err error) {
	if s.conn, err = net.ListenPacket("udp", addr); err != nil {
		return err
	}
	s.wg.Go(func() {
		question := make([]byte, 1500)
		for {
			n, from, err := s.conn.ReadFrom(question)
			if err != nil {
				return
			}
			if answer := s.answer(question[:n]); answer != nil {
				_, _ = s.conn.WriteTo(answer, from)
			}
		}
	})
	return nil
}

func (s *nameServer) close() {
	if s.conn != nil {
		s.conn.Close()
		s.wg.Wait()
	}
}

func (s *nameServer) heard() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked
}

// answer knows addresses of type A alone. nil: that was no question.
func (s *nameServer) answer(packet []byte) []byte {
	var p dnsmessage.Parser
	head, err := p.Start(packet)
	if err != nil {
		return nil
	}
	q, err := p.Question()
	if err != nil {
		return nil
	}
	s.mu.Lock()
	s.asked = append(s.asked, strings.TrimSuffix(q.Name.String(), "."))
	s.mu.Unlock()
	m := dnsmessage.Message{
		Header:    dnsmessage.Header{ID: head.ID, Response: true, RecursionDesired: head.RecursionDesired, RecursionAvailable: true},
		Questions: []dnsmessage.Question{q},
	}
	if q.Type == dnsmessage.TypeA {
		m.Answers = []dnsmessage.Resource{{
			Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class, TTL: 1},
			Body:   &dnsmessage.AResource{A: netip.MustParseAddr(originEnd).As4()},
		}}
	}
	answer, err := m.Pack()
	if err != nil {
		return nil
	}
	return answer
}

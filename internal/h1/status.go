package h1

// status reads the status codes of the responses to one request, as far as the
// final one, or a 101, which is final too. The zero value stands before the
// first byte.
type status struct {
	line [12]byte // "HTTP/1.1 200"
	n    int      // bytes of line that were read
	gap  bool     // inside a head, behind its status
	lf   bool     // in such a gap, the line so far is empty
	code int      // of the final response; 0: not known, -1: not HTTP/1
	size int      // bytes read as far as the end of the final head
	done bool     // the final head was read whole
}

// final returns the final response's status code, 0 before it is known and -1
// for something that is not HTTP/1.
func (s *status) final() int { return s.code }

// read takes the next bytes that were read.
func (s *status) read(p []byte) {
	for !s.done && len(p) > 0 {
		if s.gap {
			s.skip(p[0])
			p = p[1:]
			continue
		}
		n := copy(s.line[s.n:], p)
		p = p[n:]
		s.size += n
		if s.n += n; s.n == len(s.line) {
			s.decide()
		}
	}
}

// skip looks for the blank line that ends a head.
func (s *status) skip(b byte) {
	s.size++
	switch {
	case b == '\n' && s.lf && s.code != 0:
		s.done = true
	case b == '\n' && s.lf:
		*s = status{size: s.size}
	case b == '\n':
		s.lf = true
	case b != '\r':
		s.lf = false
	}
}

func (s *status) decide() {
	s.gap = true
	code := 0
	for _, b := range s.line[9:] {
		if b < '0' || b > '9' {
			s.code = -1
			return
		}
		code = code*10 + int(b-'0')
	}
	switch {
	case string(s.line[:7]) != "HTTP/1." || s.line[8] != ' ' || code == 0:
		s.code = -1
	case code < 100 || code > 199 || code == 101:
		s.code = code
	}
}

// strange returns what the bytes read are, where they do not begin a response of
// HTTP/1. It is sure if no byte to come can change that, and if net/http, which
// takes HTTP/2.0 in a status line, would agree.
func (s *status) strange() (f Fault, sure bool) {
	const version = "HTTP/"
	line := s.line[:s.n]
	if s.gap && s.code != -1 || len(line) == 0 {
		return 0, false
	}
	if n := min(len(line), len(version)); string(line[:n]) == version[:n] {
		if s.code == -1 {
			return Malformed, false
		}
		return 0, false
	}
	switch line[0] {
	case recordAlert, recordHandshake:
		if len(line) < 2 {
			return Malformed, false
		}
		if line[1] == 3 { // of legacy_record_version (RFC 8446 §5.1)
			return TLS, true
		}
	case 0: // of a length below 65,536 (RFC 9113 §4.1)
		if len(line) < 9 {
			return Malformed, false
		}
		kind, stream := line[3], [4]byte(line[5:9])
		if (kind == frameSettings || kind == frameGoAway) && stream == [4]byte{} {
			return HTTP2, true
		}
	}
	return Malformed, true
}

// Types of the TLS records with which a server answers what is not TLS, or
// speaks first (RFC 8446 §5.1).
const (
	recordAlert     = 21
	recordHandshake = 22
)

// Types of the HTTP/2 frames that a server can begin with (RFC 9113 §3.4, §6).
const (
	frameSettings = 4
	frameGoAway   = 7
)

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

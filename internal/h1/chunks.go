package h1

// chunks follows a chunked body (RFC 9112 §7.1) to its end. The zero value
// stands before the first chunk size.
type chunks struct {
	at   chunkStage
	size uint64 // of the chunk: what was read of its size, then what is left of it
	any  bool   // the line has a byte before its end: a digit, or a trailer field's
}

type chunkStage uint8

const (
	atSize     chunkStage = iota // in the hexadecimal size
	atSizeLF                     // LF after the size
	atData                       // in the chunk's content
	atDataCR                     // CR after the content
	atDataLF                     // LF after that
	atTrailer                    // in a line of the trailer section
	atTrailerL                   // LF after such a line
)

// maxChunk bounds a chunk size so that one more digit cannot overflow it.
const maxChunk = 1 << 59

var errChunk = &HeadError{Part: "framing", Reason: "malformed chunked body"}

// take reads p up to the end of the body and returns how many bytes belong to
// it and whether it has ended. With an error, n is the place of the wrong byte.
func (c *chunks) take(p []byte) (n int, done bool, err error) {
	for n < len(p) {
		if c.at == atData {
			m := min(c.size, uint64(len(p)-n))
			n += int(m)
			if c.size -= m; c.size == 0 {
				c.at = atDataCR
			}
			continue
		}
		done, ok := c.step(p[n])
		if !ok {
			return n, false, errChunk
		}
		n++
		if done {
			return n, true, nil
		}
	}
	return n, false, nil
}

// step reads one byte outside a chunk's content.
func (c *chunks) step(b byte) (done, ok bool) {
	switch c.at {
	case atSize:
		if d, hex := digit(b); hex {
			c.size, c.any = c.size<<4|d, true
			return false, c.size < maxChunk
		}
		c.at = atSizeLF
		return false, b == '\r' && c.any
	case atSizeLF:
		c.any = false
		if c.at = atData; c.size == 0 {
			c.at = atTrailer
		}
	case atDataCR:
		c.at = atDataLF
		return false, b == '\r'
	case atDataLF:
		c.at = atSize
	case atTrailer:
		if b == '\r' {
			c.at = atTrailerL
			return false, true
		}
		c.any = true
		return false, b != '\n'
	case atTrailerL:
		if !c.any {
			return b == '\n', b == '\n'
		}
		c.at, c.any = atTrailer, false
	}
	return false, b == '\n'
}

func digit(b byte) (uint64, bool) {
	switch {
	case '0' <= b && b <= '9':
		return uint64(b - '0'), true
	case 'a' <= b && b <= 'f':
		return uint64(b-'a') + 10, true
	case 'A' <= b && b <= 'F':
		return uint64(b-'A') + 10, true
	}
	return 0, false
}

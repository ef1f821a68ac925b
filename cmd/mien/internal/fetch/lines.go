package fetch

import "hash/fnv"

// lineSet holds the lines that are finished, with a check of each one's text, in
// a byte a line and only where there are any. Not safe for concurrent use.
type lineSet struct {
	chunks map[int64]*[chunkLines]byte // 0: not finished
	n      int64                       // of the lines in it
	last   int64                       // the highest that was ever added
}

const chunkLines = 4096

func newLineSet() *lineSet {
	return &lineSet{chunks: make(map[int64]*[chunkLines]byte)}
}

// checkOf is never 0.
func checkOf(text string) byte {
	h := fnv.New32a()
	_, _ = h.Write([]byte(text))
	return byte(h.Sum32()%255) + 1
}

// add reports whether line was not in the set before.
func (s *lineSet) add(line int64, text string) bool {
	c := s.chunks[line/chunkLines]
	if c == nil {
		c = new([chunkLines]byte)
		s.chunks[line/chunkLines] = c
	}
	at := &c[line%chunkLines]
	if *at != 0 {
		return false
	}
	*at = checkOf(text)
	s.n++
	s.last = max(s.last, line)
	return true
}

// take removes line. Lines are taken in their order: those of earlier chunks are
// forgotten. same is false if the line was finished with another text.
func (s *lineSet) take(line int64, text string) (was, same bool) {
	if line%chunkLines == 0 {
		delete(s.chunks, line/chunkLines-1)
	}
	c := s.chunks[line/chunkLines]
	if c == nil || c[line%chunkLines] == 0 {
		return false, true
	}
	check := c[line%chunkLines]
	c[line%chunkLines] = 0
	s.n--
	return true, text != "" && check == checkOf(text)
}

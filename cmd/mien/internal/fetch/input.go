package fetch

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
)

// Bounds of an input line.
const (
	maxLineBytes = 64 << 10 // of a URL; browsers take more, servers do not
	maxShown     = 1 << 10  // of a line that is no URL, in its result
)

// item is one input line that is to be requested.
type item struct {
	line int64  // from 1
	text string // as the result shows it; valid UTF-8
	bad  string // why it is no URL; "": it is one
}

// lineReader splits an input into items. It holds no more than one line.
type lineReader struct {
	r    *bufio.Reader
	line int64 // of the last item, blank lines and comments included
}

func newLineReader(r io.Reader) *lineReader {
	return &lineReader{r: bufio.NewReaderSize(r, maxLineBytes)}
}

// errNotText is an input that nobody meant as a list of URLs.
var errNotText = errors.New("it is not a list of URLs in text: the first line holds a NUL byte; one URL a line, in UTF-8")

// next returns the next line, whatever is in it; io.EOF after the last. The
// text of a blank line or a comment is "".
func (l *lineReader) next() (item, error) {
	raw, err := l.r.ReadSlice('\n')
	if err == io.EOF && len(raw) == 0 {
		return item{}, io.EOF
	}
	if err != nil && err != io.EOF && err != bufio.ErrBufferFull {
		return item{}, err
	}
	l.line++
	it := item{line: l.line}
	if l.line == 1 {
		raw = bytes.TrimPrefix(raw, []byte("\xef\xbb\xbf")) // a byte order mark, as some editors write
		if bytes.IndexByte(raw, 0) >= 0 {
			return it, errNotText
		}
	}
	if err == bufio.ErrBufferFull {
		it.text = shown(string(raw[:maxShown]))
		it.bad = fmt.Sprintf("it is longer than %d bytes", maxLineBytes)
		return it, l.skip()
	}
	text := strings.Trim(string(raw), " \t\r\n")
	if text == "" || text[0] == '#' {
		return it, nil
	}
	if why := badURL(text); why != "" {
		it.text, it.bad = shown(text), why
		return it, nil
	}
	it.text = text
	return it, nil
}

// skip reads to the end of the line.
func (l *lineReader) skip() error {
	for {
		_, err := l.r.ReadSlice('\n')
		switch err {
		case bufio.ErrBufferFull:
		case io.EOF:
			return nil // the next call meets it again
		default:
			return err
		}
	}
}

// shown is a line as a result shows it: never empty, valid UTF-8, not long.
func shown(text string) string {
	if len(text) > maxShown {
		text = text[:maxShown]
	}
	return strings.ToValidUTF8(text, "\uFFFD")
}

// badURL says what is wrong with a URL, with a text for people. Package mien
// checks the rest.
func badURL(text string) string {
	for i := range len(text) {
		if c := text[i]; c <= ' ' || c == 0x7f {
			return fmt.Sprintf("byte 0x%02x at %d cannot be in a URL", c, i)
		}
	}
	if strings.ToValidUTF8(text, "") != text {
		return "it is not UTF-8"
	}
	u, err := url.Parse(text)
	var bad *url.Error
	switch {
	case errors.As(err, &bad):
		return bad.Err.Error()
	case err != nil:
		return err.Error()
	case u.Scheme == "" || u.Opaque != "":
		return "it has no scheme, such as https://"
	case u.Scheme != "http" && u.Scheme != "https":
		return fmt.Sprintf("the scheme is %q, not http or https", u.Scheme)
	case u.Hostname() == "":
		return "it has no host"
	}
	return ""
}

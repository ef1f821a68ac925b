package fetch

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
)

// identity is what an input must still be when a run is resumed. The zero value
// is one of a stream, which cannot be known before it is read.
type identity struct {
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"` // of all of it; "": a stream
}

func (i identity) stream() bool { return i.SHA256 == "" }

// openInput opens the input and, if it is a file, reads it once to know it and
// to count what it holds; total is -1 for a stream. The caller closes it.
func openInput(name string, stdin io.Reader) (in io.ReadCloser, id identity, total int64, err error) {
	if name == "-" {
		return io.NopCloser(stdin), identity{}, -1, nil
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, id, 0, err
	}
	defer func() {
		if err != nil {
			f.Close()
		}
	}()
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, id, 0, err
	case info.IsDir():
		return nil, id, 0, fmt.Errorf("%s is a directory, not a file of URLs", name)
	case !info.Mode().IsRegular():
		return f, identity{}, -1, nil
	}
	if id, total, err = identify(f); err != nil {
		return nil, id, 0, fmt.Errorf("%s: %w", name, err)
	}
	if _, err = f.Seek(0, io.SeekStart); err != nil {
		return nil, id, 0, err
	}
	return f, id, total, nil
}

func identify(r io.Reader) (id identity, total int64, err error) {
	sum, size := sha256.New(), new(counter)
	lines := newLineReader(io.TeeReader(r, io.MultiWriter(sum, size)))
	for {
		it, err := lines.next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return id, 0, err
		}
		if it.text != "" {
			total++
		}
	}
	return identity{Size: size.n, SHA256: hex.EncodeToString(sum.Sum(nil))}, total, nil
}

// counter counts what is written to it.
type counter struct{ n int64 }

func (c *counter) Write(p []byte) (int, error) {
	c.n += int64(len(p))
	return len(p), nil
}

// ErrOtherInput is an input that is not the one that a run was begun with.
var ErrOtherInput = errors.New("the input is not the one that this state was begun with")

// same says why now is not the input that was begun with.
func (i identity) same(now identity) error {
	switch {
	case i == now:
		return nil
	case i.stream() != now.stream():
		return fmt.Errorf("%w: one is a file, the other a stream", ErrOtherInput)
	case i.Size != now.Size:
		return fmt.Errorf("%w: that had %d bytes, this has %d", ErrOtherInput, i.Size, now.Size)
	}
	return fmt.Errorf("%w: its content has changed", ErrOtherInput)
}

package fetch

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path"
	"sync"
)

// bodies keeps response bodies in files below one folder, and can write nowhere
// else. Safe for concurrent use.
type bodies struct {
	root *os.Root
	dir  *os.File // the same folder

	mu     sync.Mutex
	shards map[string]*os.Root // guarded by mu; open ones, at most 256
}

func openBodies(dir string) (*bodies, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	d, err := root.Open(".")
	if err != nil {
		root.Close()
		return nil, err
	}
	return &bodies{root: root, dir: d, shards: make(map[string]*os.Root)}, nil
}

// close is called when nothing is written any more.
func (b *bodies) close() {
	for _, s := range b.shards {
		_ = s.Close()
	}
	_ = b.dir.Close()
	_ = b.root.Close()
}

// bodyName is the file of a line's body: two digits of the URL's SHA-256, all of
// them, and the line, so that one URL on two lines has two files.
func bodyName(url string, line int64) string {
	sum := sha256.Sum256([]byte(url))
	digits := hex.EncodeToString(sum[:])
	return fmt.Sprintf("%s/%s-%d", digits[:2], digits, line)
}

// bodyFile is one body on its way to its name. One goroutine uses it.
type bodyFile struct {
	in   *os.Root
	name string // below the folder of bodies
	base string // below in
	f    *os.File
	sum  hash.Hash
}

// partial is what a name is called while its content is not whole. The next run
// of the same line writes over what a kill left.
const partial = ".part"

func (b *bodies) create(name string) (*bodyFile, error) {
	folder, base := path.Split(name)
	shard, err := b.shard(path.Clean(folder))
	if err != nil {
		return nil, &storeError{err}
	}
	f, err := shard.OpenFile(base+partial, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return nil, &storeError{err}
	}
	return &bodyFile{in: shard, name: name, base: base, f: f, sum: sha256.New()}, nil
}

// shard is a folder of the folder, kept open: names are then looked up but once.
func (b *bodies) shard(name string) (*os.Root, error) {
	b.mu.Lock()
	s := b.shards[name]
	b.mu.Unlock()
	if s != nil {
		return s, nil
	}
	if err := b.root.Mkdir(name, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	s, err := b.root.OpenRoot(name)
	if err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if first := b.shards[name]; first != nil {
		_ = s.Close()
		return first, nil
	}
	b.shards[name] = s
	return s, nil
}

func (f *bodyFile) Write(p []byte) (int, error) {
	f.sum.Write(p)
	n, err := f.f.Write(p)
	if err != nil {
		err = &storeError{err}
	}
	return n, err
}

// commit gives the file its name and returns the SHA-256 of its content.
func (f *bodyFile) commit() (sum string, err error) {
	err = settle(f.f)
	if e := f.f.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = f.in.Rename(f.base+partial, f.base)
	}
	if err != nil {
		return "", &storeError{err}
	}
	return hex.EncodeToString(f.sum.Sum(nil)), nil
}

// drop leaves nothing behind.
func (f *bodyFile) drop() {
	_ = f.f.Close()
	_ = f.in.Remove(f.base + partial)
}

// holds reports whether the file is there with this content.
func (b *bodies) holds(name, sum string, size int64) bool {
	f, err := b.root.Open(name)
	if err != nil {
		return false
	}
	defer f.Close()
	h := sha256.New()
	n, err := io.Copy(h, f)
	return err == nil && n == size && hex.EncodeToString(h.Sum(nil)) == sum
}

// storeError is a file that cannot be written: no fault of the request's, and
// the end of the run.
type storeError struct{ err error }

func (e *storeError) Error() string { return e.err.Error() }
func (e *storeError) Unwrap() error { return e.err }

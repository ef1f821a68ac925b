package capture

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/mien-http/mien/fingerprint"
)

// A Capture is what a browser was seen to send. It is safe for concurrent
// reading.
type Capture struct {
	Hellos   []Hello   // in the order of the runs' names and files
	Requests []Request // in the order of the runs' names, and sent
	Frames   []Frame   // the browser's, in that order too
}

// Hello is one recorded ClientHello.
type Hello struct {
	File  string // where it stands in the folder
	Hello *fingerprint.ClientHello
	// AfterRetry: it answers a HelloRetryRequest.
	AfterRetry bool
}

// Request is one recorded request.
type Request struct {
	Run    string           // the folder of the run
	Conn   string           // the connection, "c002"
	Wire   fingerprint.Wire // what carried it
	Stream uint32           // over HTTP/2 its stream, over HTTP/1.1 its number
	Method string           // GET, …
	Host   string           // or :authority
	Path   string           // with the query
	// Fields in wire order; over HTTP/2 with pseudo-header fields.
	Fields   []fingerprint.HeaderField
	Priority fingerprint.PriorityFrame // of its HEADERS frame; Weight 0: none
	Block    []byte                    // its header block; nil over HTTP/1.1
	// Reload: the document that was asked for before this one, again.
	Reload bool
}

// Frame is one HTTP/2 frame that the browser sent.
type Frame struct {
	Run, Conn string // where it was seen, as in Request
	Type      byte   // RFC 9113 §6
	Flags     byte   // of its header
	Stream    uint32 // 0: the connection
	Len       int    // of the payload, in bytes
	Payload   []byte // nil for DATA and HEADERS
}

// maxFile bounds a file of a recording, in bytes.
const maxFile = 256 << 20

// Read reads a recording. An error names the file and, in a list, the line.
func Read(fsys fs.FS) (*Capture, error) {
	c := &Capture{}
	runs, err := fs.ReadDir(fsys, ".")
	if err != nil {
		return nil, err
	}
	other := map[string]bool{} // hellos of runs with another look
	for _, run := range runs {
		if run.IsDir() && changed(run.Name()) {
			err := eachHello(fsys, run.Name(), func(_ string, b []byte) error { other[string(b)] = true; return nil })
			if err != nil {
				return nil, err
			}
		}
	}
	for _, run := range runs {
		if !run.IsDir() || changed(run.Name()) {
			continue
		}
		if err := c.readRun(fsys, run.Name(), other); err != nil {
			return nil, err
		}
	}
	if len(c.Hellos) == 0 && len(c.Requests) == 0 {
		return nil, errors.New("no recording: neither clienthello/*.bin nor a run with requests.jsonl")
	}
	return c, nil
}

// changed says that a run was made to look different, by a switch of the browser
// that turns a feature on or off.
func changed(run string) bool { return strings.HasPrefix(run, "feat-") }

func (c *Capture) readRun(fsys fs.FS, run string, not map[string]bool) error {
	err := eachHello(fsys, run, func(file string, b []byte) error {
		if not[string(b)] {
			return nil
		}
		h, err := fingerprint.ParseClientHelloRecords(b)
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		base := path.Base(file)
		again := strings.HasPrefix(base, "after-hrr") || strings.HasSuffix(base, "hello2.bin")
		c.Hellos = append(c.Hellos, Hello{File: file, Hello: h, AfterRetry: again})
		return nil
	})
	if err != nil {
		return err
	}
	before := len(c.Requests)
	if err := c.readRequests(fsys, run); err != nil {
		return err
	}
	markReloads(c.Requests[before:])
	return lines(fsys, run+"/events.jsonl", func(line []byte) error { return c.readEvent(run, line) })
}

// eachHello calls f with each file of TLS records of a run.
func eachHello(fsys fs.FS, run string, f func(file string, b []byte) error) error {
	files, err := fs.Glob(fsys, run+"/*.bin")
	if err != nil {
		return err
	}
	for _, file := range files {
		base := path.Base(file)
		if strings.HasPrefix(base, "q") || run != helloFolder && !strings.Contains(base, "hello") {
			continue // QUIC: no TLS records
		}
		b, err := readFile(fsys, file)
		if err != nil {
			return err
		}
		if err := f(file, b); err != nil {
			return err
		}
	}
	return nil
}

// helloFolder holds ClientHellos alone, chosen from the runs.
const helloFolder = "clienthello"

// readRequests reads requests.jsonl, which has every request in order, or else
// kinds/*.json.
func (c *Capture) readRequests(fsys fs.FS, run string) error {
	before := len(c.Requests)
	add := func(b []byte) error {
		r, err := parseRequest(run, b)
		if err == nil && r != nil {
			c.Requests = append(c.Requests, *r)
		}
		return err
	}
	if err := lines(fsys, run+"/requests.jsonl", add); err != nil || len(c.Requests) > before {
		return err
	}
	files, err := fs.Glob(fsys, run+"/kinds/*.json")
	if err != nil {
		return err
	}
	for _, file := range files {
		b, err := readFile(fsys, file)
		if err == nil {
			err = add(b)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
	}
	kinds := c.Requests[before:]
	slices.SortStableFunc(kinds, func(a, b Request) int {
		return cmp.Or(strings.Compare(a.Conn, b.Conn), cmp.Compare(a.Stream, b.Stream))
	})
	return nil
}

func readFile(fsys fs.FS, name string) ([]byte, error) {
	info, err := fs.Stat(fsys, name)
	if err != nil {
		return nil, err
	}
	if info.Size() > maxFile {
		return nil, fmt.Errorf("%s: %d bytes, more than %d", name, info.Size(), maxFile)
	}
	return fs.ReadFile(fsys, name)
}

// lines calls f with each line of a file that may be missing.
func lines(fsys fs.FS, name string, f func([]byte) error) error {
	file, err := fsys.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	s := bufio.NewScanner(file)
	s.Buffer(nil, 8<<20)
	for n := 1; s.Scan(); n++ {
		if len(s.Bytes()) == 0 {
			continue
		}
		if err := f(s.Bytes()); err != nil {
			return fmt.Errorf("%s, line %d: %w", name, n, err)
		}
	}
	if err := s.Err(); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// unmarshal is json.Unmarshal with an error that says what it was to be.
func unmarshal(b []byte, into any, what string) error {
	if err := json.Unmarshal(b, into); err != nil {
		return fmt.Errorf("not %s: %w", what, err)
	}
	return nil
}

// markReloads finds the documents that are asked for twice in a row by a page.
func markReloads(run []Request) {
	var last *Request
	for i := range run {
		r := &run[i]
		if r.destination() != fingerprint.Document {
			continue
		}
		r.Reload = last != nil && r.Method == "GET" && last.Method == "GET" && r.Host == last.Host && r.Path == last.Path &&
			r.get("sec-fetch-site") != "none"
		last = r
	}
}

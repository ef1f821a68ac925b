package fetch

import (
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/mien-http/mien"
)

// Options say what to fetch and how. All but Input has a useful zero value.
type Options struct {
	Input string    // a file, or "-" for Stdin
	Stdin io.Reader // read to its end, or until the run ends
	// Out is the file for results; "": Stdout, and then there is no State.
	Out    string
	Stdout io.Writer
	// State is the file that a run is resumed by, "" for none. Every five seconds
	// and at the end bodies, output and state are forced onto the disk, in this
	// order, and the state's mark says how far. So a kill of the process loses
	// nothing; a crash of the machine at most the results behind the mark, whose
	// bodies a resumed run reads and compares before it believes them.
	State  string
	Bodies string // folder for response bodies, made if it is not there; "": they are not kept

	Concurrency int           // URLs at once; 0: 64
	Rate        float64       // requests a second per host; 0: any number
	Timeout     time.Duration // of one URL, from its request to the end of its body; 0: none
	MaxBody     int64         // bytes of a decoded body; 0: any number

	IgnoreRobots bool   // robots.txt is not asked for
	RobotsAgent  string // product token that robots.txt is read for; "": mien

	// Config is the Session's. Limits.InFlight, Hooks and Redirect.Check are set
	// here.
	Config mien.Config
	// Progress is called a few times a second from one goroutine; nil: not.
	Progress func(Progress)

	do func(*http.Request) (*http.Response, error) // of tests; nil: a Session's
}

// Job is a run that is ready: files are open, locked and read. It runs once.
type Job struct {
	o      Options
	input  io.ReadCloser
	stream bool
	total  int64
	lines  *lineSet // finished by earlier runs
	before int64
	out    *output
}

// Before is how many results of earlier runs there are.
func (j *Job) Before() int64 { return j.before }

// Prepare opens what o names and checks that it belongs together. Its errors
// name the flag or the file; nothing was requested and no result is lost.
func Prepare(o Options) (*Job, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	j := &Job{o: o, lines: newLineSet(), out: &output{in: make(chan written, 64)}}
	input, id, total, err := openInput(o.Input, o.Stdin)
	if err != nil {
		return nil, err
	}
	j.input, j.stream, j.total = input, id.stream(), total
	if err := j.open(id); err != nil {
		input.Close()
		_ = j.out.close()
		return nil, err
	}
	return j, nil
}

func (o *Options) check() error {
	if o.Concurrency == 0 {
		o.Concurrency = 64
	}
	if o.RobotsAgent == "" {
		o.RobotsAgent = "mien"
	}
	switch {
	case o.Concurrency < 1:
		return fmt.Errorf("--concurrency %d: at least 1", o.Concurrency)
	case !(o.Rate >= 0) || math.IsInf(o.Rate, 0):
		return fmt.Errorf("--rate %v: requests a second, 0 for any number", o.Rate)
	case o.Rate > 0 && o.Rate < 1e-6:
		return fmt.Errorf("--rate %v: that is less than one request in eleven days", o.Rate)
	case o.Timeout < 0:
		return fmt.Errorf("--timeout %v: it must not be negative", o.Timeout)
	case o.MaxBody < 0:
		return fmt.Errorf("--max-body %d: it must not be negative", o.MaxBody)
	case o.State != "" && o.Out == "":
		return errors.New("--state needs --out FILE: what is finished is read from there")
	case productToken(o.RobotsAgent) != o.RobotsAgent:
		return fmt.Errorf("--robots-agent %q: a product token alone, such as mien: letters, digits, - and _ (RFC 9309 §2.2.1)", o.RobotsAgent)
	}
	return nil
}

// open opens the files to write. What it opened is in j.out, after an error too.
func (j *Job) open(id identity) error {
	o := &j.o
	if o.State != "" {
		path, err := filepath.Abs(o.Out)
		if err != nil {
			return err
		}
		want := header{Version: stateVersion, Input: id, Out: o.Out, OutPath: path, Bodies: o.Bodies, Begun: time.Now().UTC()}
		s, began, fresh, err := openState(o.State, want, func() (bool, error) { return isEmpty(o.Out) })
		if err != nil {
			return err
		}
		j.out.state = s
		if !fresh {
			if err := began.fits(want); err != nil {
				return fmt.Errorf("--state %s: %w", o.State, err)
			}
		}
	}
	if o.Bodies != "" {
		b, err := openBodies(o.Bodies)
		if err != nil {
			return fmt.Errorf("--bodies: %w", err)
		}
		j.out.bodies = b
	}
	if o.Out == "" {
		j.out.w = struct{ io.Writer }{o.Stdout} // not ours to close
		return nil
	}
	if err := j.openOut(); err != nil {
		return fmt.Errorf("--out: %w", err)
	}
	return nil
}

// fits says why a run that began with h cannot go on as now.
func (h header) fits(now header) error {
	if err := h.Input.same(now.Input); err != nil {
		return err
	}
	if h.Out != now.Out && h.OutPath != now.OutPath {
		return fmt.Errorf("it was begun with --out %s, which says what is finished, not with --out %s", h.Out, now.Out)
	}
	return nil
}

func isEmpty(name string) (bool, error) {
	info, err := os.Stat(name)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return true, nil
	case err != nil:
		return false, err
	}
	return info.Size() == 0, nil
}

// openOut opens the output, reads what is finished, and cuts off what is not.
func (j *Job) openOut() error {
	name := j.o.Out
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o644)
	if errors.Is(err, os.ErrPermission) { // a device or pipe that can only be written
		f, err = os.OpenFile(name, os.O_WRONLY, 0)
	}
	if err != nil {
		return err
	}
	j.out.w = f
	info, err := f.Stat()
	switch {
	case err != nil:
		return err
	case !info.Mode().IsRegular() && j.out.state != nil:
		return fmt.Errorf("%s is not a regular file, so it cannot say what is finished, as --state needs it", name)
	case !info.Mode().IsRegular():
		return nil
	case j.out.state == nil && info.Size() > 0:
		return fmt.Errorf("%s holds something already: remove it, or name another file (--state FILE lets a run be resumed)", name)
	}
	if err := lock(f); err != nil && !(errors.Is(err, errors.ErrUnsupported) && j.out.state == nil) {
		return fmt.Errorf("%s: %w", name, err)
	}
	j.out.f = f
	if j.out.state == nil {
		return nil
	}
	p, err := scan(f, j.out.state.mark.offset, j.holds())
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	j.lines, j.before, j.out.tally, j.out.offset = p.lines, p.tally.Done, p.tally, p.end
	if err := f.Truncate(p.end); err != nil {
		return err
	}
	if _, err := f.Seek(p.end, io.SeekStart); err != nil {
		return err
	}
	return syncDir(filepath.Dir(name))
}

// holds says whether a result's body is there; nil if that cannot be known.
func (j *Job) holds() func(*Result) bool {
	b := j.out.bodies
	if b == nil {
		return nil
	}
	return func(r *Result) bool { return r.Body == "" || b.holds(r.Body, r.SHA256, r.Bytes) }
}

// errInUse is a file that another run has locked.
var errInUse = errors.New("another process is working with it")

package fetch

import (
	"bytes"
	"encoding/json"
	"errors"
	"time"

	"github.com/mien-http/mien"
	"github.com/mien-http/mien/retry"
)

// Result is what became of one input line: one line of the output.
type Result struct {
	Line int64  `json:"line"` // of the input, from 1
	URL  string `json:"url"`  // as it stands there
	// FinalURL is the last URL of a chain of redirects; "" without one.
	FinalURL string `json:"final_url,omitempty"`
	// Status is 0 if there was no response.
	Status    int    `json:"status,omitempty"`
	Protocol  string `json:"protocol,omitempty"` // h2, http/1.1
	Bytes     int64  `json:"bytes"`              // of the body, decoded, as far as it was read
	Redirects int    `json:"redirects,omitempty"`
	Attempts  int    `json:"attempts"` // requests and connections tried, those of every hop together
	// At is when the request began.
	At time.Time `json:"at"`
	// Milliseconds are the time of each phase (queue, dns, dial, tls, headers,
	// body), those of every hop together, and "total". headers and queue include
	// the wait for a connection; dns, dial and tls are there if this request was
	// the one that opened it.
	Milliseconds map[string]float64 `json:"ms"`
	// Body is the file with the body, below the folder of bodies, with slashes;
	// SHA256 is that of its content.
	Body   string `json:"body,omitempty"`
	SHA256 string `json:"sha256,omitempty"`
	// Error is nil if the request was answered and all of the body came.
	Error *Failure `json:"error,omitempty"`
}

// Failure is why a request was not answered.
type Failure struct {
	Message string `json:"message"` // for people
	Phase   string `json:"phase"`   // "" if before anything was tried
	Class   string `json:"class"`   // a retry.Class, ClassRobots or ClassTooLong
	Sent    bool   `json:"sent"`    // whether a byte of the request can have reached the origin
}

// Classes beside those of package retry.
const (
	ClassRobots  = "Robots"  // robots.txt does not allow the URL, or could not be had
	ClassTooLong = "TooLong" // the body is longer than Options.MaxBody
)

// failureOf describes err, whatever it is.
func failureOf(err error) *Failure {
	f := &Failure{Message: err.Error(), Class: retry.Unknown.String()}
	var e *mien.Error
	if errors.As(err, &e) {
		f.Phase, f.Class, f.Sent = string(e.Phase), e.Class.String(), e.Sent
	}
	var refused *robotsError
	if errors.As(err, &refused) {
		f.Message, f.Phase, f.Class = refused.Error(), "", ClassRobots
	}
	var long *tooLongError
	if errors.As(err, &long) {
		f.Phase, f.Class, f.Sent = string(retry.PhaseBody), ClassTooLong, true
	}
	return f
}

// encode gives the line of the output, with its line break.
func (r *Result) encode() ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(r)
	return b.Bytes(), err
}

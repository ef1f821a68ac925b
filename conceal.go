package mien

import (
	"io"

	"github.com/mien-http/mien/internal/egress"
	"github.com/mien-http/mien/retry"
)

// concealed is err, or, where its text repeats credentials of ours, another in
// its place: a parser's error quotes what it cannot parse, and a proxy that
// forwards may answer with what it was told. The cause is not kept, since its
// text would tell as much.
func (c *h1Conn) concealed(phase retry.Phase, err error) error {
	if c.authorization == "" || err == nil || err == io.EOF {
		return err
	}
	text := err.Error()
	hidden := egress.Conceal(text, c.authorization)
	if hidden == text {
		return err
	}
	return &concealedError{text: hidden, class: retry.Classify(retry.Failure{Phase: phase, Sent: true, Err: err})}
}

// concealedError is a failure of the same class as the error that it replaces.
type concealedError struct {
	text  string
	class retry.Class
}

func (e *concealedError) Error() string        { return e.text }
func (e *concealedError) FailureClass() string { return string(e.class) }

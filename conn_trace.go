package mien

import (
	"bytes"
	"context"
	"net/http/httptrace"
)

// tellHead tells trace the fields of an HTTP/1.1 head, in the order and spelling in
// which they leave.
func tellHead(trace *httptrace.ClientTrace) func(head []byte) {
	return func(head []byte) {
		_, fields, _ := bytes.Cut(head, []byte("\r\n")) // the request line is no field
		for line := range bytes.SplitSeq(fields, []byte("\r\n")) {
			if name, value, ok := bytes.Cut(line, []byte(": ")); ok {
				trace.WroteHeaderField(string(name), []string{string(value)})
			}
		}
		if trace.WroteHeaders != nil {
			trace.WroteHeaders()
		}
	}
}

// withoutHead is ctx for net/http, which would tell trace of a head that no peer
// ever sees.
func withoutHead(ctx context.Context, trace *httptrace.ClientTrace) context.Context {
	less := *trace
	less.WroteHeaderField, less.WroteHeaders = nil, nil
	return headless{Context: ctx, trace: trace, less: &less}
}

// headless is a context with less in the place of trace.
type headless struct {
	context.Context
	trace, less *httptrace.ClientTrace
}

func (c headless) Value(key any) any {
	v := c.Context.Value(key)
	if v == any(c.trace) {
		return c.less
	}
	return v
}

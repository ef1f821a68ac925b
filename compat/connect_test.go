package compat_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/mien-http/mien"
	"github.com/mien-http/mien/mientest"
)

// rpcs are the protocols that connect speaks.
var rpcs = []struct {
	name   string
	h2     bool // needs it
	client []connect.ClientOption
}{
	{"connect", false, nil},
	{"connect with JSON and gzip", false, []connect.ClientOption{connect.WithProtoJSON(), connect.WithSendGzip()}},
	{"connect with GET", false, []connect.ClientOption{connect.WithHTTPGet(), connect.WithHTTPGetMaxURLSize(4096, true), connect.WithIdempotency(connect.IdempotencyNoSideEffects)}},
	{"gRPC", true, []connect.ClientOption{connect.WithGRPC()}},
	{"gRPC with gzip", true, []connect.ClientOption{connect.WithGRPC(), connect.WithSendGzip()}},
	{"gRPC-Web", false, []connect.ClientOption{connect.WithGRPCWeb()}},
}

func onEachRPC(t *testing.T, test func(t *testing.T, s *mien.Session, url string, h2 bool, o ...connect.ClientOption)) {
	onEachWire(t, newService(), func(t *testing.T, s *mien.Session, o *mientest.Origin) {
		h2 := strings.HasSuffix(t.Name(), "h2")
		for _, rpc := range rpcs {
			if rpc.h2 && !h2 {
				continue
			}
			t.Run(rpc.name, func(t *testing.T) { test(t, s, named(o)+"/s/", h2, rpc.client...) })
		}
	})
}

func TestConnectUnary(t *testing.T) {
	onEachRPC(t, func(t *testing.T, s *mien.Session, url string, _ bool, o ...connect.ClientOption) {
		c := connect.NewClient[text, text](s.Client(), url+"unary", o...)
		for _, value := range []string{"", "short", strings.Repeat("long ", 1<<16)} {
			req := connect.NewRequest(wrapperspb.String(value))
			req.Header().Set("X-Custom", "x")
			resp, err := c.CallUnary(timeout(t), req)
			check(t, err)
			if resp.Msg.Value != value || resp.Header().Get("X-Head") != "x" || resp.Trailer().Get("X-Tail") != "tail" {
				t.Errorf("%d bytes became %d, header %v, trailer %v", len(value), len(resp.Msg.Value), resp.Header(), resp.Trailer())
			}
		}
		_, err := c.CallUnary(timeout(t), connect.NewRequest(wrapperspb.String("fail")))
		var ce *connect.Error
		if !errors.As(err, &ce) || ce.Code() != connect.CodeFailedPrecondition || ce.Message() != "as asked" ||
			len(ce.Details()) != 1 || ce.Meta().Get("X-Why") != "meta" {
			t.Errorf("the service's error is %v", err)
		}

		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
		defer cancel()
		if _, err = c.CallUnary(ctx, connect.NewRequest(wrapperspb.String("wait"))); connect.CodeOf(err) != connect.CodeDeadlineExceeded {
			t.Errorf("after the deadline: %v", err)
		}
	})
}

func TestConnectStreams(t *testing.T) {
	onEachRPC(t, func(t *testing.T, s *mien.Session, url string, h2 bool, o ...connect.ClientOption) {
		chunk := strings.Repeat("x", 20_000)
		up := connect.NewClient[text, text](s.Client(), url+"upload", o...).CallClientStream(timeout(t))
		for range 20 {
			check(t, up.Send(wrapperspb.String(chunk)))
		}
		resp, err := up.CloseAndReceive()
		check(t, err)
		if resp.Msg.Value != "20 400000" {
			t.Errorf("the service received %q", resp.Msg.Value)
		}

		down, err := connect.NewClient[text, text](s.Client(), url+"download", o...).CallServerStream(timeout(t), connect.NewRequest(wrapperspb.String(chunk)))
		check(t, err)
		n := 0
		for down.Receive() {
			n += len(down.Msg().Value)
		}
		if n != 20*len(chunk) || connect.CodeOf(down.Err()) != connect.CodeDataLoss || down.ResponseTrailer().Get("X-Tail") != "tail" {
			t.Errorf("received %d bytes, then %v, trailer %v", n, down.Err(), down.ResponseTrailer())
		}
		check(t, down.Close())
		if !h2 {
			return
		}

		both := connect.NewClient[text, text](s.Client(), url+"both", o...).CallBidiStream(timeout(t))
		for i := range 20 { // each answer comes before the next question
			check(t, both.Send(wrapperspb.String(fmt.Sprint(i))))
			m, err := both.Receive()
			check(t, err)
			if m.Value != fmt.Sprintf("<%d>", i) {
				t.Errorf("answer %d is %q", i, m.Value)
			}
		}
		check(t, both.CloseRequest())
		if _, err := both.Receive(); !errors.Is(err, io.EOF) {
			t.Errorf("the stream ends with %v", err)
		}
		check(t, both.CloseResponse())
	})
}

// TestConnectCancel: the end of a context ends a stream that is open both ways.
func TestConnectCancel(t *testing.T) {
	onEachRPC(t, func(t *testing.T, s *mien.Session, url string, h2 bool, o ...connect.ClientOption) {
		if !h2 {
			return
		}
		ctx, cancel := context.WithCancel(timeout(t))
		both := connect.NewClient[text, text](s.Client(), url+"both", o...).CallBidiStream(ctx)
		check(t, both.Send(wrapperspb.String("one")))
		_, err := both.Receive()
		check(t, err)
		cancel()
		if _, err := both.Receive(); connect.CodeOf(err) != connect.CodeCanceled {
			t.Errorf("Receive ended with %v", err)
		}
		_ = both.CloseResponse()
	})
}

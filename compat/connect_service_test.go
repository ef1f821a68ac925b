package compat_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// text is the message of the service, in both directions.
type text = wrapperspb.StringValue

// newService has one procedure of each kind.
func newService() http.Handler {
	mux := http.NewServeMux()
	handle := func(h *connect.Handler, name string) { mux.Handle("/s/"+name, h) }
	handle(connect.NewUnaryHandler("/s/unary", func(ctx context.Context, r *connect.Request[text]) (*connect.Response[text], error) {
		switch r.Msg.Value {
		case "fail":
			err := connect.NewError(connect.CodeFailedPrecondition, errors.New("as asked"))
			detail, _ := connect.NewErrorDetail(wrapperspb.Int32(7))
			err.AddDetail(detail)
			err.Meta().Set("X-Why", "meta")
			return nil, err
		case "wait":
			<-ctx.Done()
			return nil, ctx.Err()
		}
		resp := connect.NewResponse(wrapperspb.String(r.Msg.Value))
		resp.Header().Set("X-Head", r.Header().Get("X-Custom"))
		resp.Trailer().Set("X-Tail", "tail")
		return resp, nil
	}, connect.WithIdempotency(connect.IdempotencyNoSideEffects)), "unary")
	handle(connect.NewClientStreamHandler("/s/upload", func(_ context.Context, s *connect.ClientStream[text]) (*connect.Response[text], error) {
		n, size := 0, 0
		for s.Receive() {
			n, size = n+1, size+len(s.Msg().Value)
		}
		return connect.NewResponse(wrapperspb.String(fmt.Sprint(n, " ", size))), s.Err()
	}), "upload")
	handle(connect.NewServerStreamHandler("/s/download", func(_ context.Context, r *connect.Request[text], s *connect.ServerStream[text]) error {
		for range 20 {
			if err := s.Send(wrapperspb.String(r.Msg.Value)); err != nil {
				return err
			}
		}
		s.ResponseTrailer().Set("X-Tail", "tail")
		return connect.NewError(connect.CodeDataLoss, errors.New("at the end"))
	}), "download")
	handle(connect.NewBidiStreamHandler("/s/both", func(_ context.Context, s *connect.BidiStream[text, text]) error {
		for {
			m, err := s.Receive()
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil {
				return err
			}
			if err := s.Send(wrapperspb.String("<" + m.Value + ">")); err != nil {
				return err
			}
		}
	}), "both")
	return mux
}

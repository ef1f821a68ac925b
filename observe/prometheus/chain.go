package prometheus

import "github.com/mien-http/mien"

// Chain returns hooks that call those of all, in that order. What none of them
// sets stays nil.
func Chain(all ...mien.Hooks) mien.Hooks {
	var out mien.Hooks
	for _, h := range all {
		out.Handshake = both(out.Handshake, h.Handshake)
		out.Retry = both(out.Retry, h.Retry)
		out.Phase = both(out.Phase, h.Phase)
		out.Done = both(out.Done, h.Done)
	}
	return out
}

func both[T any](first, second func(T)) func(T) {
	switch {
	case first == nil:
		return second
	case second == nil:
		return first
	}
	return func(info T) {
		first(info)
		second(info)
	}
}

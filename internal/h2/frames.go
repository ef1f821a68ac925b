package h2

import (
	"encoding/binary"

	"golang.org/x/net/http2"

	"github.com/mien-http/mien/fingerprint"
)

const frameHeaderLen = 9

// appendFrame appends a frame header; n bytes of payload are to follow.
func appendFrame(dst []byte, n int, t http2.FrameType, flags http2.Flags, stream uint32) []byte {
	dst = append(dst, byte(n>>16), byte(n>>8), byte(n), byte(t), byte(flags))
	return binary.BigEndian.AppendUint32(dst, stream)
}

func appendSettings(dst []byte, settings []fingerprint.Setting) []byte {
	dst = appendFrame(dst, 6*len(settings), http2.FrameSettings, 0, 0)
	for _, s := range settings {
		dst = binary.BigEndian.AppendUint16(dst, s.ID)
		dst = binary.BigEndian.AppendUint32(dst, s.Value)
	}
	return dst
}

func appendSettingsAck(dst []byte) []byte {
	return appendFrame(dst, 0, http2.FrameSettings, http2.FlagSettingsAck, 0)
}

func appendWindowUpdate(dst []byte, stream, increment uint32) []byte {
	dst = appendFrame(dst, 4, http2.FrameWindowUpdate, 0, stream)
	return binary.BigEndian.AppendUint32(dst, increment)
}

func appendReset(dst []byte, stream uint32, code http2.ErrCode) []byte {
	dst = appendFrame(dst, 4, http2.FrameRSTStream, 0, stream)
	return binary.BigEndian.AppendUint32(dst, uint32(code))
}

func appendPing(dst []byte, flags http2.Flags, data [8]byte) []byte {
	dst = appendFrame(dst, len(data), http2.FramePing, flags, 0)
	return append(dst, data[:]...)
}

// appendGoAway appends a GOAWAY whose last stream is 0: a client that takes no
// pushes has seen no stream of the peer's.
func appendGoAway(dst []byte, code http2.ErrCode) []byte {
	dst = appendFrame(dst, 8, http2.FrameGoAway, 0, 0)
	dst = binary.BigEndian.AppendUint32(dst, 0)
	return binary.BigEndian.AppendUint32(dst, uint32(code))
}

// appendHeaders appends a header block as HEADERS and, where it exceeds
// maxFrame, CONTINUATION. prio holds the 5 bytes of priority fields, or none.
func appendHeaders(dst []byte, stream uint32, endStream bool, prio, block []byte, maxFrame int) []byte {
	first := min(len(block), maxFrame-len(prio))
	var flags http2.Flags
	if endStream {
		flags |= http2.FlagHeadersEndStream
	}
	if len(prio) > 0 {
		flags |= http2.FlagHeadersPriority
	}
	if first == len(block) {
		flags |= http2.FlagHeadersEndHeaders
	}
	dst = appendFrame(dst, len(prio)+first, http2.FrameHeaders, flags, stream)
	dst = append(dst, prio...)
	dst = append(dst, block[:first]...)
	for block = block[first:]; len(block) > 0; {
		n := min(len(block), maxFrame)
		flags = 0
		if n == len(block) {
			flags = http2.FlagContinuationEndHeaders
		}
		dst = appendFrame(dst, n, http2.FrameContinuation, flags, stream)
		dst = append(dst, block[:n]...)
		block = block[n:]
	}
	return dst
}

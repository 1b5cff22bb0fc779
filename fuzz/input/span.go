package input

import (
	"slices"

	"github.com/wsproof/wsproof/internal/wire"
)

type Span struct {
	Start, End int
	Frame      wire.Frame
	Cut        bool // the bytes end inside it
}

// Arrived returns what has come of the payload of the frame in the transcript b,
// unmasked.
func (s *Span) Arrived(b []byte) []byte {
	if !s.Cut {
		return slices.Clone(s.Frame.Payload)
	}
	f, n, err := wire.SplitHeader(b[s.Start:s.End])
	if err != nil {
		return nil
	}
	payload := slices.Clone(b[s.Start+n : s.End])
	if f.Masked {
		wire.Mask(payload, f.Key)
	}
	return payload
}

// Split cuts a transcript into frames.
func Split(b []byte) []Span {
	spans := AppendHeaders(nil, b)
	for i := range spans {
		if s := &spans[i]; !s.Cut {
			s.Frame, _, _ = wire.Split(b[s.Start:s.End])
		}
	}
	return spans
}

// AppendHeaders appends the frames of a transcript without their payloads.
func AppendHeaders(spans []Span, b []byte) []Span {
	for off := 0; off < len(b); {
		f, n, err := wire.SplitHeader(b[off:])
		if err != nil || uint64(len(b)-off-n) < f.Length {
			return append(spans, Span{Start: off, End: len(b), Frame: f, Cut: true})
		}
		n += int(f.Length)
		spans = append(spans, Span{Start: off, End: off + n, Frame: f})
		off += n
	}
	return spans
}

package peers

import (
	"slices"

	"github.com/wsproof/wsproof/fuzz/input"
	"github.com/wsproof/wsproof/internal/engine/transcript"
	"github.com/wsproof/wsproof/internal/wire"
)

// Minimise returns the smallest transcript that it finds which shows the same
// finding: frames and then bytes of payload are taken away while it does.
func Minimise(l *transcript.Reader, t *input.Transcript, f *Finding, rows []Divergence) *input.Transcript {
	m := minimiser{l: l, finding: f, rows: rows, small: *t, tries: 2000}
	m.small.Input = slices.Clone(t.Input)
	if f.Kind == Hangs {
		m.tries = 3 // each takes the bound
	}
	whole := m.small
	if whole.Sizes != nil {
		whole.Sizes = nil
		m.try(whole)
	}
	for again := true; again && m.tries > 0; {
		again = m.dropFrames()
		for i := 0; i < len(input.Split(m.small.Input)); i++ {
			for m.shorten(i) {
				again = true
			}
		}
	}
	return &m.small
}

// A minimiser makes a transcript smaller that shows a finding.
type minimiser struct {
	l       *transcript.Reader
	finding *Finding
	rows    []Divergence
	small   input.Transcript // the smallest so far
	tries   int              // that are left
}

// try makes t the smallest transcript if it shows the finding.
func (m *minimiser) try(t input.Transcript) bool {
	if m.tries--; m.tries < 0 {
		return false
	}
	f, err := Compare(m.l, &t, m.rows)
	if err != nil || !m.finding.is(f) {
		return false
	}
	m.small = t
	return true
}

// tryInput is try with other bytes in the smallest transcript.
func (m *minimiser) tryInput(parts ...[]byte) bool {
	t := m.small
	t.Input = slices.Concat(parts...)
	return len(t.Input) < len(m.small.Input) && m.try(t)
}

// dropFrames takes frames away, the last ones first, and reports whether it could.
func (m *minimiser) dropFrames() (dropped bool) {
	spans := input.Split(m.small.Input)
	for i := len(spans) - 1; i >= 0; i-- {
		if m.tryInput(m.small.Input[:spans[i].Start], m.small.Input[spans[i].End:]) {
			dropped = true
			spans = input.Split(m.small.Input)
			i = min(i, len(spans))
		}
	}
	return dropped
}

// shorten cuts the payload of frame i to nothing, to a half or by a byte, and
// reports whether it could.
func (m *minimiser) shorten(i int) bool {
	spans := input.Split(m.small.Input)
	if i >= len(spans) || spans[i].Cut {
		return false
	}
	s := spans[i]
	n := len(s.Frame.Payload)
	if n == 0 {
		return false
	}
	for _, keep := range []int{0, n / 2, n - 1} {
		f := s.Frame
		f.Payload, f.Length, f.Form = f.Payload[:keep], 0, wire.Shortest
		if (s.Frame.Form == wire.Form16) != (n >= 126 && n <= 65535) || s.Frame.Form == wire.Form64 && n <= 65535 {
			f.Form = s.Frame.Form // not minimal, and that may be the point
		}
		if m.tryInput(m.small.Input[:s.Start], f.Append(nil), m.small.Input[s.End:]) {
			return true
		}
	}
	return false
}

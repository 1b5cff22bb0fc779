package protocol

import (
	"testing"

	"github.com/wsproof/wsproof/internal/wire"
)

// expectHeader is the order of the contract, in plain words, for one header with
// a payload of n bytes; so is what the message has already.
func expectHeader(mode Mode, f *wire.Frame, n uint64, minimal, inside bool, so int, maxFrame, maxMessage int) error {
	control := f.Opcode >= 8
	switch {
	case mode == ServerMode && !f.Masked:
		return ErrClientFrameUnmasked
	case mode == ClientMode && f.Masked:
		return ErrServerFrameMasked
	case f.RSV != 0:
		return ErrRSVBitsUnsupported
	case f.Opcode > 2 && f.Opcode < 8 || f.Opcode > 10:
		return ErrOpcodeUnknown
	case control && n > 125:
		return ErrControlFrameTooLarge
	case control && !f.Fin:
		return ErrControlFrameFragmented
	case !minimal:
		return ErrLengthNotMinimal
	case n > uint64(maxFrame):
		return ErrFrameTooLarge
	case control:
		return nil
	case inside && f.Opcode != 0:
		return ErrContinuationExpected
	case !inside && f.Opcode == 0:
		return ErrContinuationUnexpected
	case n > uint64(maxMessage-so):
		return ErrMessageTooLarge
	}
	return nil
}

// TestHeaderRulesInOrder checks every first byte with every kind of
// length, masked or not, inside and outside a message, in both roles: of the
// rules that are broken, the first one decides.
func TestHeaderRulesInOrder(t *testing.T) {
	limits := Limits{MaxFrameSize: 130, MaxMessageSize: 200}
	lengths := []struct {
		n       uint64
		form    wire.Form
		minimal bool
	}{
		{5, wire.Form7, true},
		{125, wire.Form7, true},
		{5, wire.Form16, false},
		{126, wire.Form16, true},
		{130, wire.Form16, true},
		{131, wire.Form16, true},
		{5, wire.Form64, false},
		{131, wire.Form64, false},
		{65536, wire.Form64, true},
		{1 << 63, wire.Form64, true},
	}
	for _, mode := range []Mode{ServerMode, ClientMode} {
		for _, inside := range []bool{false, true} {
			for _, l := range lengths {
				for _, masked := range []bool{false, true} {
					for b0 := range 256 {
						f := wire.Frame{Fin: b0&0x80 != 0, RSV: byte(b0 >> 4 & 7), Opcode: byte(b0 & 15), Masked: masked, Form: l.form, Length: l.n}
						so := 0
						if inside {
							so = 80
						}
						want := expectHeader(mode, &f, l.n, l.minimal, inside, so, 130, 200)
						var h header
						missing := h.parse(f.AppendHeader(nil))
						if err := h.check(missing, conversation{mode: mode, fragmented: inside, size: so, limits: &limits}); err != want {
							t.Errorf("%v: %+v inside %v: %v, want %v", mode, f, inside, err, want)
						}
					}
				}
			}
		}
	}
}

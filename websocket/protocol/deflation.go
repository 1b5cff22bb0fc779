package protocol

import (
	"errors"
	"math"

	"github.com/wsproof/wsproof/websocket/deflate"
)

// A Deflation is permessage-deflate (RFC 7692) in use on a connection: what this side
// compresses with, and what it inflates with. A Reader and a Writer of the connection
// share it, and each touches its own half.
type Deflation struct {
	compressor   deflate.Compressor   // the Writer's
	decompressor deflate.Decompressor // the Reader's
	threshold    int32
	mode         Mode
	used         bool // by the Writer, since Doze was called
	awake        bool // Wakes has reported it
}

// NewDeflation returns a Deflation for what the opening handshake has agreed on. This
// side compresses messages of threshold bytes and more.
func NewDeflation(mode Mode, params deflate.Params, level deflate.Level, threshold int) *Deflation {
	d := &Deflation{mode: mode, threshold: int32(min(threshold, math.MaxInt32))}
	if mode == ClientMode {
		d.compressor, d.decompressor = params.Client(level)
	} else {
		d.compressor, d.decompressor = params.Server(level)
	}
	return d
}

// Params is what was agreed on.
func (d *Deflation) Params() (p deflate.Params) {
	ours, takeover := d.compressor.Window()
	theirs, kept := d.decompressor.Window()
	if d.mode == ClientMode {
		ours, takeover, theirs, kept = theirs, kept, ours, takeover
	}
	return deflate.Params{
		ServerNoContextTakeover: !takeover, ClientNoContextTakeover: !kept,
		ServerMaxWindowBits: ours, ClientMaxWindowBits: theirs,
	}
}

// wants reports whether a message of n bytes is to be compressed.
func (d *Deflation) wants(n int) bool { return d != nil && n > 0 && n >= int(d.threshold) }

// compress returns the payload of a message, compressed, if that makes it smaller: in a
// buffer that is the caller's. What is not smaller goes as it is, and leaves the context
// alone (RFC 7692 §6.1, §7.2.1).
func (d *Deflation) compress(payload []byte) *Buffer {
	if !d.wants(len(payload)) {
		return nil
	}
	d.used = true
	buf := TakeBuffer(deflate.MaxLen(len(payload)))
	small, smaller := d.compressor.AppendSmaller(buf.Bytes, payload)
	if !smaller {
		buf.Free()
		return nil
	}
	buf.Bytes = small
	return buf
}

// renders returns for which window, and on which level, others may compress for this side.
func (d *Deflation) renders() (window int, level deflate.Level) {
	window, _ = d.compressor.Window()
	return window, d.compressor.Level()
}

// note has this side's context take in a message that others have compressed: the peer's
// window has it.
func (d *Deflation) note(payload []byte) {
	if d != nil {
		d.used = true
		d.compressor.Note(payload)
	}
}

// inflate appends to dst what the next bytes of a message's payload say (RFC 7692
// §7.2.2); last tells that they are the end of it. limit is for the whole message.
func (d *Deflation) inflate(dst, payload []byte, last bool, limit int) ([]byte, error) {
	dst, err := d.decompressor.Append(dst, payload, last, limit)
	switch {
	case err == nil:
		return dst, nil
	case errors.Is(err, deflate.ErrTooLarge): // RFC 6455 §10.4
		return dst, ErrMessageTooLarge
	}
	return dst, NewError(StatusInvalidFramePayload, "compressed payload is not valid", err)
}

// Release gives up what is held for a message that is being inflated. The connection
// has ended for its Reader.
func (d *Deflation) Release() { d.decompressor.Release() }

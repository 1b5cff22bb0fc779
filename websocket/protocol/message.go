package protocol

import "fmt"

// A Message is a complete message: text, which is valid UTF-8, or binary
// (RFC 6455 §5.6).
type Message struct {
	Binary  bool
	Payload []byte
	// Uncompressed keeps a message that is written from being compressed, where
	// permessage-deflate was agreed on. It says nothing of one that was read.
	Uncompressed bool
}

// String describes the message in a line, with the beginning of its payload.
func (m Message) String() string {
	const most = 32
	shown, more := m.Payload, ""
	if len(shown) > most {
		shown, more = shown[:most], "…"
	}
	if m.Binary {
		return fmt.Sprintf("Binary len=%d %x%s", len(m.Payload), shown, more)
	}
	return fmt.Sprintf("Text len=%d %q%s", len(m.Payload), shown, more)
}

func (m *Message) opcode() Opcode {
	if m.Binary {
		return OpcodeBinary
	}
	return OpcodeText
}

// FrameMessage splits msg into frames with payloads of at most frameSize bytes
// (RFC 6455 §5.4); frameSize <= 0 means one frame. The payloads alias
// msg.Payload. An empty message is one empty frame.
func FrameMessage(msg *Message, frameSize int) []*Frame {
	n := len(msg.Payload)
	if frameSize <= 0 || frameSize >= n {
		return []*Frame{NewFrame(msg.opcode(), true, msg.Payload)}
	}
	count := (n-1)/frameSize + 1
	frames := make([]Frame, count)
	pointers := make([]*Frame, count)
	rest := msg.Payload
	for i := range frames {
		size := min(frameSize, len(rest))
		b0 := byte(OpcodeContinuation)
		if i == 0 {
			b0 = byte(msg.opcode())
		}
		if size == len(rest) {
			b0 |= finBit
		}
		frames[i] = frameOf(b0, rest[:size:size])
		rest = rest[size:]
		pointers[i] = &frames[i]
	}
	return pointers
}

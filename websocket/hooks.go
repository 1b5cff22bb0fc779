package websocket

// A teller tells the hooks of a connection what passes on it.
type teller struct {
	*Hooks
	key   ClientKey
	quiet bool // no hook wants to know of messages
}

func newTeller(h *Hooks, key ClientKey) teller {
	return teller{h, key, h.OnReadMessage == nil && h.OnWriteFrame == nil && h.OnWriteMessage == nil}
}

// seesWrites reports whether a hook wants to see each frame of a message that is written.
func (t *teller) seesWrites() bool { return !t.quiet && t.OnWriteFrame != nil }

func (t *teller) closed(code StatusCode, err error) {
	if t.OnClose != nil {
		t.OnClose(t.key, code, err)
	}
}

func (t *teller) readFailed(err error) {
	if t.OnReadError != nil {
		t.OnReadError(t.key, err)
	}
}

func (t *teller) readMessage(msg *Message) {
	if t.OnReadMessage != nil {
		t.OnReadMessage(t.key, msg)
	}
}

func (t *teller) writeFailed(err error) {
	if t.OnWriteError != nil {
		t.OnWriteError(t.key, err)
	}
}

// wrote tells of a message that was written or queued in these frames.
func (t *teller) wrote(msg *Message, frames []*Frame) {
	if t.OnWriteFrame != nil {
		for _, frame := range frames {
			t.OnWriteFrame(t.key, frame)
		}
	}
	if t.OnWriteMessage != nil {
		t.OnWriteMessage(t.key, msg)
	}
}

// wroteControl tells of a control frame that was queued.
func (t *teller) wroteControl(opcode Opcode, payload []byte) {
	if t.OnWriteFrame != nil {
		t.OnWriteFrame(t.key, NewFrame(opcode, true, payload))
	}
}

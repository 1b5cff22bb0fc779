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

func (t *teller) clientKey() ClientKey { return t.key }

// seesReads reports whether a hook wants to see each frame that is read.
func (t *teller) seesReads() bool { return t.OnReadFrame != nil }

func (t *teller) readFrame(frame *Frame) { t.OnReadFrame(t.key, frame) }

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
	if !t.quiet && t.OnReadMessage != nil {
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
	if !t.quiet {
		t.written(msg, frames)
	}
}

func (t *teller) written(msg *Message, frames []*Frame) {
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

package websocket

// A teller tells the hooks of a connection, which are among its settings, what passes on it.
type teller struct {
	opts *settings
	key  ClientKey
}

func newTeller(opts *settings, key ClientKey) teller { return teller{opts, key} }

func (t *teller) settings() *settings { return t.opts }

func (t *teller) clientKey() ClientKey { return t.key }

// seesReads reports whether a hook wants to see each frame that is read.
func (t *teller) seesReads() bool { return t.opts.Hooks.OnReadFrame != nil }

func (t *teller) readFrame(frame *Frame) { t.opts.Hooks.OnReadFrame(t.key, frame) }

// seesWrites reports whether a hook wants to see each frame of a message that is written.
func (t *teller) seesWrites() bool { return !t.opts.quiet && t.opts.Hooks.OnWriteFrame != nil }

func (t *teller) closed(code StatusCode, err error) {
	if t.opts.Hooks.OnClose != nil {
		t.opts.Hooks.OnClose(t.key, code, err)
	}
}

func (t *teller) readFailed(err error) {
	if t.opts.Hooks.OnReadError != nil {
		t.opts.Hooks.OnReadError(t.key, err)
	}
}

func (t *teller) readMessage(msg *Message) {
	if !t.opts.quiet && t.opts.Hooks.OnReadMessage != nil {
		t.opts.Hooks.OnReadMessage(t.key, msg)
	}
}

func (t *teller) writeFailed(err error) {
	if t.opts.Hooks.OnWriteError != nil {
		t.opts.Hooks.OnWriteError(t.key, err)
	}
}

// wrote tells of a message that was written or queued in these frames.
func (t *teller) wrote(msg *Message, frames []*Frame) {
	if !t.opts.quiet {
		t.written(msg, frames)
	}
}

func (t *teller) written(msg *Message, frames []*Frame) {
	if t.opts.Hooks.OnWriteFrame != nil {
		for _, frame := range frames {
			t.opts.Hooks.OnWriteFrame(t.key, frame)
		}
	}
	if t.opts.Hooks.OnWriteMessage != nil {
		t.opts.Hooks.OnWriteMessage(t.key, msg)
	}
}

// wroteControl tells of a control frame that was queued.
func (t *teller) wroteControl(opcode Opcode, payload []byte) {
	if t.opts.Hooks.OnWriteFrame != nil {
		t.opts.Hooks.OnWriteFrame(t.key, NewFrame(opcode, true, payload))
	}
}

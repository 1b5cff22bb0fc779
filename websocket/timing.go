package websocket

import "time"

// timing is what the timeouts work on.
type timing struct {
	transport deadliner

	frameBy   time.Time // the deadline of the current frame
	messageBy time.Time // and of the current message
	deadline  time.Time // what the transport was told
}

func (c *Websocket) setDeadline() error {
	t := c.in.timing
	if c.opts.ReadTimeout > 0 && t.frameBy.IsZero() {
		t.frameBy = time.Now().Add(c.opts.ReadTimeout)
	}
	by := t.frameBy
	if by.IsZero() || !t.messageBy.IsZero() && t.messageBy.Before(by) {
		by = t.messageBy
	}
	if by.Equal(t.deadline) {
		return nil
	}
	t.deadline = by
	return t.transport.SetReadDeadline(by)
}

// dropDeadline leaves what is still read without a deadline.
func (c *Websocket) dropDeadline() {
	if c.in.timing != nil {
		_ = c.in.timing.transport.SetReadDeadline(time.Time{})
	}
}

// timeMessage starts the clock of a message whose end is not there yet, unless it
// runs.
func (c *Websocket) timeMessage() {
	if c.opts.MessageTimeout > 0 && c.in.timing.messageBy.IsZero() {
		c.in.timing.messageBy = time.Now().Add(c.opts.MessageTimeout)
	}
}

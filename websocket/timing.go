package websocket

import "time"

// clocks are what timeouts and pings work on.
type clocks struct {
	timing timing
	alive  keepalive
}

// timing is what the timeouts work on. It is the reader's, but for transport.
type timing struct {
	transport deadliner // nil without timeouts

	frameBy   time.Time // the deadline of the current frame
	messageBy time.Time // and of the current message
	deadline  time.Time // what the transport was told
}

// timed reports whether there are timeouts.
func (c *Websocket) timed() bool { return c.clocks != nil && c.clocks.timing.transport != nil }

func (c *Websocket) setDeadline() error {
	t := &c.clocks.timing
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
	if c.timed() {
		_ = c.clocks.timing.transport.SetReadDeadline(time.Time{})
	}
}

// timeMessage starts the clock of a message whose end is not there yet, unless it
// runs.
func (c *Websocket) timeMessage() {
	if c.opts.MessageTimeout > 0 && c.clocks.timing.messageBy.IsZero() {
		c.clocks.timing.messageBy = time.Now().Add(c.opts.MessageTimeout)
	}
}

package live

import (
	"context"
	"fmt"
	"strings"
	"testing/synctest"
	"time"

	"github.com/wsproof/wsproof/internal/model"
	"github.com/wsproof/wsproof/websocket"
)

// other makes a call on another goroutine.
func (h *connHarness) other(c *call, f func() error) {
	c.epoch = h.epoch
	h.locked(func() { h.calls = append(h.calls, c) })
	go func() {
		h.mayPanic(false)
		defer func() {
			if p := recover(); p != nil {
				h.locked(func() { c.done, c.panicked = true, true })
				if p != any(errFault) {
					h.fail("%s panicked with %v", c.what, p)
				}
			}
		}()
		err := f()
		h.locked(func() { c.done, c.err = true, err })
	}()
}

// writeMessage has another goroutine write a message of a size.
func (h *connHarness) writeMessage(word string, invalid bool, size int) *call {
	return h.writeWithin(word, invalid, size, 0)
}

// writeWithin is writeMessage with a context that ends after a while, if that is
// not 0.
func (h *connHarness) writeWithin(word string, invalid bool, size int, within time.Duration) *call {
	if within == 0 {
		return h.writeBy(h.ctx, func() {}, word, invalid, size, time.Time{})
	}
	ctx, cancel := context.WithTimeout(h.ctx, within)
	return h.writeBy(ctx, cancel, word, invalid, size, time.Now().Add(within))
}

// writeBy is writeMessage with a context that ends by itself, at the latest at a time, if that
// is not the zero time.
func (h *connHarness) writeBy(ctx context.Context, cancel context.CancelFunc, word string, invalid bool, size int, until time.Time) *call {
	h.numbered++
	head := fmt.Sprintf("message %d %s ", h.numbered, word)
	text := head + strings.Repeat("+", max(0, size-len(head)))
	c := &call{what: "WriteMessage", text: text, bad: invalid, ctxed: ctx != h.ctx, givenUp: ctx != h.ctx && until.IsZero(), until: until}
	payload := []byte(text)
	c.plain, c.binary = h.numbered%3 == 0, h.numbered%2 == 0 && !invalid
	msg := &websocket.Message{Binary: c.binary, Payload: payload, Uncompressed: c.plain}
	prepared := h.numbered%4 == 1
	if invalid {
		msg.Payload = append(payload, 0xff)
	}
	h.other(c, func() error {
		defer cancel()
		var err error
		if prepared {
			var p *websocket.Prepared
			if p, err = websocket.Prepare(msg); err == nil {
				err = h.ws.WritePrepared(ctx, p)
			}
		} else {
			err = h.ws.WriteMessage(ctx, msg)
		}
		for i := range payload { // it is ours again
			payload[i] = '!'
		}
		h.locked(func() { c.ended = ctx.Err() != nil && c.ctxed })
		return err
	})
	return c
}

// overtaken has three messages written at once, of which the second is given up in the moment
// in which a message, mostly the first, has been written and its turn may come.
func (h *connHarness) overtaken() {
	ctx, cancel := context.WithCancel(h.ctx)
	h.locked(func() { h.onWritten = cancel })
	h.writeMessage("first", false, int(h.src.Next()))
	h.writeBy(ctx, cancel, "second", false, 0, time.Time{})
	h.writeMessage("third", false, 0)
}

// written gives up who is to be given up when a message has been written.
func (h *connHarness) written() {
	var cancel context.CancelFunc
	h.locked(func() { cancel, h.onWritten = h.onWritten, nil })
	if cancel != nil {
		cancel()
	}
}

// vainRead reads with a context that has ended, which ends the connection, where nobody reads
// or Close does, and nothing else has ended reading.
func (h *connHarness) vainRead() {
	if h.opt.two(bitUser) != userNobody {
		return
	}
	time.Sleep(time.Microsecond)
	synctest.Wait()
	over := h.meant(h.sent).End != model.Open || h.meant(h.sent).Rule != "" || h.hookPanicked.Load()
	h.locked(func() { over = over || h.panics != 0 })
	h.pipe.set(func() {
		p := h.pipe
		over = over || p.eof || p.expired || p.readErr != nil || p.writeErr != nil || p.deadlineErr != nil
	})
	if over {
		return
	}
	h.loud |= reasonContext
	h.other(&call{what: "ReadMessage", bad: true}, func() error {
		ctx, cancel := context.WithCancel(h.ctx)
		cancel()
		_, err := h.ws.ReadMessage(ctx)
		return err
	})
}

// callClose has another goroutine close, with a code unless that is 0 and there is no
// reason.
func (h *connHarness) callClose(code websocket.StatusCode, reason string) {
	if code == 0 && reason == "" {
		h.closing = true
		h.closes.Store(true)
		h.loud |= reasonClose
		h.other(&call{what: "Close", close: closePayloadFor(1000, "")}, h.ws.Close)
		return
	}
	c := &call{what: "CloseWithStatus", bad: !mayBeSent(uint16(code)) && code != 1005 && code != 0}
	if !c.bad {
		h.closing = true
		h.closes.Store(true)
		h.loud |= reasonClose
		c.close = closePayloadFor(uint16(code), reason)
	}
	h.other(c, func() error { return h.ws.CloseWithStatus(code, reason) })
}

// mayBeSent tells whether a close code may stand in a Close (RFC 6455 section 7.4).
func mayBeSent(code uint16) bool {
	return code >= 1000 && code <= 1003 || code >= 1007 && code <= 1014 || code >= 3000 && code <= 4999
}

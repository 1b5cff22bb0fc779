package live

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing/synctest"
	"time"
	"weak"

	"github.com/wsproof/wsproof/fuzz/input"
	"github.com/wsproof/wsproof/internal/wire"
	"github.com/wsproof/wsproof/websocket"
)

// settle checks what must hold when nothing more happens by itself.
func (h *handlerHarness) settle() error {
	time.Sleep(time.Microsecond)
	synctest.Wait()
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.errs) > 0 {
		return h.errs[0]
	}
	open := h.telling // what has ended and is told is not over
	for _, c := range h.conns {
		if !c.came {
			open++
			continue
		}
		closed, err := h.judgeConn(c)
		if err != nil {
			return err
		}
		if !closed {
			open++
		}
	}
	if err := h.judgeEarly(); err != nil {
		return err
	}
	if err := h.judgeParked(); err != nil {
		return err
	}
	if err := h.judgeShutdowns(open); err != nil {
		return err
	}
	if logged := strings.Count(h.log.String(), "panic serving"); logged != h.panics {
		return fmt.Errorf("%d panics were logged, there were %d:\n%s", logged, h.panics, h.log.String())
	}
	return nil
}

// judgeConn checks a connection that was accepted, and reports whether its transport is
// closed.
func (h *handlerHarness) judgeConn(c *handled) (closed bool, err error) {
	if !c.opened() {
		return false, fmt.Errorf("a request was answered with %d, taken over: %t, %q", c.w.code, c.w.taken, c.pipe.out)
	}
	c.pipe.mu.Lock()
	closed, stalled, frames, breach := c.pipe.closed > 0, c.pipe.stalled, c.pipe.frames, c.pipe.breach
	c.pipe.mu.Unlock()
	if breach != nil {
		return closed, breach
	}
	if err := h.judgeContexts(c, closed); err != nil {
		return closed, err
	}
	if err := h.judgeIdle(c, closed, stalled, frames); err != nil {
		return closed, err
	}
	if len(h.calls) > 0 {
		h.expire(c)
	}
	if len(h.calls) > 0 && !closed && !stalled && !c.quiet {
		if n := len(frames); n == 0 || frames[n-1].Opcode != wire.Close || input.CloseCode(frames[n-1].Payload) != 1001 {
			return closed, fmt.Errorf("after Shutdown, a connection was sent %d frames and no Close with 1001", n)
		}
	}
	return closed, nil
}

// judgeContexts holds the contexts of a connection's handler against its end.
func (h *handlerHarness) judgeContexts(c *handled, closed bool) error {
	for _, ctx := range []context.Context{c.ctx, c.derived} {
		if ctx == nil || !closed && h.options.has(handlerLate) {
			continue
		}
		if (closed || c.raised) && ctx.Err() == nil || !closed && ctx.Err() != nil && !c.rude {
			return fmt.Errorf("a connection has ended: %t, its handler's context: %v", closed, ctx.Err())
		}
	}
	if c.done == nil {
		return nil
	}
	select {
	case <-c.done:
		if !closed && !c.rude {
			return errors.New("the context of a handler is done, its connection is open")
		}
	default:
		if closed {
			return errors.New("a connection has ended, the context of its handler is not done")
		}
	}
	return nil
}

// judgeEarly holds contexts that had ended when a handler began against what may have ended
// them at that very moment: what closed the transport then, or a timeout that was due, or
// a silent peer that was given up, which expire knows of.
func (h *handlerHarness) judgeEarly() error {
	defer func() { h.early = nil }()
	for _, e := range h.early {
		may := func(c *handled) bool { return c.pipe.endedAt(e.at) || c.quiet && h.ends() || c.slow && h.ends() }
		if may(e.c) || !slices.Contains(h.conns, e.c) && slices.ContainsFunc(h.conns, may) { // one of them: which is not known
			continue
		}
		return fmt.Errorf("a handler was called with a context that had ended, %v ago", time.Since(e.at))
	}
	return nil
}

// judgeShutdowns holds calls of Shutdown against how many connections are open.
func (h *handlerHarness) judgeShutdowns(open int) error {
	// Of two calls that give up at the same moment one may find that the other has dropped all.
	gaveUp := slices.ContainsFunc(h.calls, func(s *shutdown) bool { return s.done && s.err != nil })
	for _, s := range h.calls {
		expired := s.ctx.Err() != nil && errors.Is(s.ctx.Err(), context.DeadlineExceeded)
		h.aborted = h.aborted || expired && !s.done || s.done && s.err != nil
		switch {
		case s.done != (open == 0 || expired || s.done && s.err != nil):
			return fmt.Errorf("websocket.Shutdown has returned: %t, %v; %d connections are open, its context: %v", s.done, s.err, open, s.ctx.Err())
		case s.done && s.err == nil && !gaveUp && h.left(s):
			return errors.New("websocket.Shutdown gave up, and returned no error")
		case s.done && s.err != nil && !errors.Is(s.err, context.DeadlineExceeded):
			return fmt.Errorf("websocket.Shutdown returned %w", s.err)
		}
	}
	if h.aborted && open > h.telling+h.accepting() {
		return fmt.Errorf("websocket.Shutdown has given up, and %d connections are open", open)
	}
	return nil
}

// left reports whether a Shutdown that has returned left a connection to be dropped when its
// context ended: at no other time its transport was closed, and there was no time for an
// end of its own.
func (h *handlerHarness) left(s *shutdown) bool {
	deadline, _ := s.ctx.Deadline()
	if slices.ContainsFunc(h.ops, func(at time.Time) bool { return near(deadline, at.Add(handlerCloseTimeout)) }) {
		return false // a Close that was due since then was answered by nobody
	}
	return !s.at.Before(deadline) && slices.ContainsFunc(h.conns, func(c *handled) bool {
		return c.came && c.pipe.ended.Equal(deadline) && c.slow && !c.quiet
	})
}

// accepting is how many requests are being accepted.
func (h *handlerHarness) accepting() (n int) {
	for _, c := range h.conns {
		if !c.came {
			n++
		}
	}
	return n
}

// opened reports whether the request was accepted.
func (c *handled) opened() bool {
	c.pipe.mu.Lock() // a ping may come at any time
	defer c.pipe.mu.Unlock()
	return c.came && c.w.taken && bytes.HasPrefix(c.pipe.out, []byte("HTTP/1.1 101 "))
}

// forgotten checks that the handler holds no connection that has ended.
func (h *handlerHarness) forgotten() error {
	var all []weak.Pointer[websocket.Websocket]
	for _, c := range h.conns {
		if ws := c.ws.Load(); ws != nil {
			all = append(all, weak.Make(ws))
		}
	}
	h.conns = nil
	for range 2 {
		runtime.GC()
	}
	held := 0
	for _, ws := range all {
		if ws.Value() != nil {
			held++
		}
	}
	runtime.KeepAlive(h.handler)
	if held > 0 {
		return fmt.Errorf("%d of %d connections have ended, and something still holds them", held, len(all))
	}
	return nil
}

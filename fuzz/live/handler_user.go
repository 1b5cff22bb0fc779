package live

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/wsproof/wsproof/websocket"
)

// onOpen is the hook OnOpen.
func (h *handlerHarness) onOpen(ws *websocket.Websocket, r *http.Request) {
	c, ok := r.Context().Value(valueKey{}).(*handled)
	if !ok || ws.Err() != nil {
		h.fail("OnOpen was called with a request that is not the one that opened it, or with a connection that has ended: %v", ws.Err())
		return
	}
	c.ws.Store(ws)
	c.w.wait() // once more
}

// onClose is the hook OnClose.
func (h *handlerHarness) onClose(_ websocket.ClientKey, code websocket.StatusCode, err error) {
	var e *websocket.Error
	if code == websocket.StatusAbnormalClose && (!errors.As(err, &e) || e.Code() != code) {
		h.fail("OnClose was told %d and %v, which is no *Error with that code", code, err)
	}
	h.mu.Lock()
	h.telling++
	wait := h.hooks
	h.mu.Unlock()
	if wait != nil {
		<-wait
	}
	h.mu.Lock()
	h.telling--
	h.mu.Unlock()
}

// handle is the handler.
func (h *handlerHarness) handle(ctx context.Context, msg *websocket.Message) (*websocket.Message, error) {
	c, err := h.connOf(ctx)
	if err != nil {
		h.fail("the handler's context: %v", err)
		return msg, nil
	}
	h.mu.Lock()
	c.ctx = ctx
	h.mu.Unlock()
	if h.options.has(handlerLate) && string(msg.Payload) != "X" && string(msg.Payload) != "D" {
		return h.act(ctx, c, msg)
	}
	if ctx.Err() != nil && !c.pipe.isClosed() {
		h.mu.Lock()
		h.early = append(h.early, earlyEnd{c, time.Now()})
		h.mu.Unlock()
	}
	return h.act(ctx, c, msg)
}

// connOf returns the connection of a handler's context, and checks what that has.
func (h *handlerHarness) connOf(ctx context.Context) (*handled, error) {
	ws, _ := ctx.Value(websocket.ContextKey).(*websocket.Websocket)
	c, _ := ctx.Value(valueKey{}).(*handled)
	if h.options.has(handlerShared) {
		if c != nil {
			return nil, errors.New("it has a value of the request's, which nobody kept")
		}
		h.mu.Lock()
		conns := slices.Clone(h.conns)
		h.mu.Unlock()
		for _, other := range conns { // there is no other way to tell
			if opened := other.ws.Load(); opened == ws && ws != nil || opened == nil && !h.options.has(handlerOpens) {
				c = other
			}
		}
		if !h.options.has(handlerOpens) && len(conns) > 1 {
			c = &handled{pipe: newPipe()} // any
		}
	}
	deadline, ok := ctx.Deadline()
	switch {
	case ws == nil, c == nil:
		return nil, errors.New("it lacks the connection, or the value that it was given")
	case h.options.has(handlerOpens) && c.ws.Load() != ws:
		return nil, errors.New("it has another connection than OnOpen")
	case c.server != nil && ctx.Value(http.ServerContextKey) != any(c.server):
		return nil, errors.New("it has another server than the request")
	case h.options.has(handlerShared) && ctx.Value(http.LocalAddrContextKey) != any(connAddr), !h.options.has(handlerShared) && ctx.Value(http.LocalAddrContextKey) != any(requestAddr):
		return nil, fmt.Errorf("it has the address %v", ctx.Value(http.LocalAddrContextKey))
	case ok:
		return nil, fmt.Errorf("it has a deadline, %v", deadline)
	}
	return c, nil
}

// act does what a message says.
func (h *handlerHarness) act(ctx context.Context, c *handled, msg *websocket.Message) (*websocket.Message, error) {
	switch string(msg.Payload) {
	case "X":
		<-ctx.Done()
	case "D":
		c.done = ctx.Done()
		c.derived, c.cancel = context.WithCancel(ctx)
	case "P":
		h.panics++
		h.mu.Lock()
		c.raised = true
		h.mu.Unlock()
		panic(errFault)
	case "A":
		h.mu.Lock()
		c.raised = true
		h.mu.Unlock()
		panic(http.ErrAbortHandler)
	case "F":
		return nil, errFault
	}
	return msg, nil
}

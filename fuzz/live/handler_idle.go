package live

import (
	"context"
	"fmt"
	"net/http/httptest"
	"syscall"
	"time"

	"github.com/wsproof/wsproof/fuzz/input"
	"github.com/wsproof/wsproof/internal/wire"
)

// The times of handlerTimes, and how long an op of time is.
const (
	handlerReadTimeout    = 5 * time.Second
	handlerMessageTimeout = 3 * time.Second
	handlerPingInterval   = 2 * time.Second
	handlerCloseTimeout   = 5 * time.Second // which is the default
)

var handlerPauses = [8]time.Duration{
	time.Millisecond, 15 * time.Millisecond, 100 * time.Millisecond, 170 * time.Millisecond,
	600 * time.Millisecond, 1700 * time.Millisecond, 2900 * time.Millisecond, 4 * time.Second,
}

// parksIn is by when a connection to which nothing comes is parked, whatever it did before.
// It is not, where a deadline is as near as wakesBefore: then it is awake to keep that.
const (
	parksIn     = 1500 * time.Millisecond
	wakesBefore = 500 * time.Millisecond
)

// An idleness is what is known of a connection to which nothing comes for a while.
type idleness struct {
	began   time.Time // when it was opened
	touched time.Time // when something was last done to it
	waits   time.Time // since when its reader waits for the present frame
	message time.Time // since when for the end of a message; zero without one
	echoes  int       // that are owed
	slow    bool      // for some time the peer did not read
	blocked bool      // the handler does not return
}

// touch notes that a frame is on its way to a connection.
func (h *handlerHarness) touch(c *handled, opcode byte, payload string) {
	h.expire(c)
	now := time.Now()
	c.touched, c.waits = now, now
	if opcode == wire.Text && !c.message.IsZero() {
		c.quiet = true // inside another message: the connection fails
	}
	if opcode == wire.Text && c.message.IsZero() || opcode == wire.Continuation {
		c.message = time.Time{}
		if !c.quiet && !c.blocked {
			c.echoes++
		}
	}
	c.blocked = c.blocked || payload == "X"
}

// fault has a call of epoll fail, or sends a part of a message. It reports whether it did.
func (h *handlerHarness) fault(c *handled, what byte) bool {
	part := func(fin bool, opcode byte) {
		f := wire.Frame{Fin: fin, Opcode: opcode, Masked: true, Key: [4]byte{4, 3, 2, 1}, Payload: []byte("part")}
		c.pipe.set(func() { c.pipe.in = f.Append(c.pipe.in) })
	}
	h.expire(c)
	switch {
	case what == 1 && !c.quiet && !c.blocked && c.message.IsZero():
		part(false, wire.Text)
		c.touched, c.waits, c.message = time.Now(), time.Now(), time.Now()
	case what == 2 && !c.quiet && !c.blocked && !c.message.IsZero():
		part(true, wire.Continuation)
		h.touch(c, wire.Continuation, "")
	case what >= 4 && h.kernel != nil:
		h.faulty = time.Now()
		h.kernel.fail(epollCall(what-4)%epollCalls, [...]syscall.Errno{syscall.EMFILE, syscall.ENOSPC, syscall.ENOMEM, syscall.EINTR}[what-4])
	case what == 3: // good, but the connection cannot be taken over
		w := httptest.NewRecorder()
		h.handler.ServeHTTP(w, handlerRequest().Clone(context.Background()))
		if w.Code < 400 {
			h.fail("a request on a connection that cannot be taken over was answered with %d", w.Code)
		}
	default:
		return false
	}
	return true
}

// ends reports whether timeouts or pings may end a connection.
func (h *handlerHarness) ends() bool {
	return h.options.has(handlerTimes) || h.options.has(handlerPings)
}

// lives reports whether a connection only waits for messages.
func (h *handlerHarness) lives(c *handled, closed bool) bool {
	return c.came && !closed && !c.quiet && !c.blocked && len(h.calls) == 0
}

// due is when a timeout ends the connection; zero if none does.
func (h *handlerHarness) due(c *handled) (by time.Time) {
	if h.options.has(handlerTimes) {
		by = c.waits.Add(handlerReadTimeout)
		if m := c.message.Add(handlerMessageTimeout); !c.message.IsZero() && m.Before(by) {
			by = m
		}
	}
	return by
}

// expire notes that a timeout was due, or a silent peer given up, while nobody looked.
func (h *handlerHarness) expire(c *handled) {
	by := h.due(c)
	if !by.IsZero() && !time.Now().Before(by) {
		c.quiet = true
	}
	// Who is given up at this very moment may not be closed yet.
	if h.silent(c) && (c.pipe.isClosed() || time.Since(c.touched) >= 2*handlerPingInterval-leeway) {
		c.quiet = true
	}
}

// judgeIdle holds a connection, parked or not, to what its peer sees: each message is
// answered, and each timeout comes when it is due.
func (h *handlerHarness) judgeIdle(c *handled, closed, stalled bool, frames []sentFrame) error {
	if c.quiet || c.blocked || c.slow || len(h.calls) > 0 {
		return nil
	}
	echoes := 0
	for _, f := range frames {
		if f.Opcode == wire.Text {
			echoes++
		}
	}
	by, now := h.due(c), time.Now()
	expired := !by.IsZero() && !now.Before(by)
	last := len(frames) - 1
	switch {
	case closed && h.silent(c):
		c.quiet = true
		return nil
	case closed && !expired:
		return fmt.Errorf("a connection ended without a reason")
	case !expired && h.pingsWrong(c, closed, frames) != nil:
		return h.pingsWrong(c, closed, frames)
	case echoes != c.echoes:
		return fmt.Errorf("%d messages were answered, %d owed", echoes, c.echoes)
	case !expired:
	case h.silent(c): // it may have been given up before that
		c.quiet = true
	case last < 0 || frames[last].Opcode != wire.Close || input.CloseCode(frames[last].Payload) != 1008 || !near(frames[last].at, by):
		return fmt.Errorf("a timeout was due %v ago, and no Close with 1008 came then: %v", now.Sub(by), frames[max(0, last):])
	default:
		c.quiet = true // from now on it ends
	}
	return nil
}

// silent reports whether a peer that has not answered a ping may have been given up.
func (h *handlerHarness) silent(c *handled) bool {
	return h.options.has(handlerPings) && time.Since(c.touched) >= handlerPingInterval
}

// pingsWrong holds pings against plain arithmetic: each comes when an interval is over,
// there is one before two are, and a peer that is silent is given up before four are.
func (h *handlerHarness) pingsWrong(c *handled, closed bool, frames []sentFrame) error {
	pinged := false
	for _, f := range frames {
		if f.Opcode != wire.Ping {
			continue
		}
		if past := f.at.Sub(c.began) % handlerPingInterval; past > leeway || !h.options.has(handlerPings) {
			return fmt.Errorf("a ping was sent %v behind the end of an interval", past)
		}
		pinged = pinged || f.at.After(c.touched)
	}
	idle := time.Since(c.touched)
	switch {
	case !h.options.has(handlerPings) || closed:
	case idle > 2*handlerPingInterval+leeway && !pinged:
		return fmt.Errorf("a peer was silent for %v, and was not pinged", idle)
	case idle > 4*handlerPingInterval:
		return fmt.Errorf("a peer was silent for %v, and was not given up", idle)
	}
	return nil
}

// judgeParked holds how many connections are parked against those that are idle.
func (h *handlerHarness) judgeParked() error {
	now := time.Now()
	least, most := 0, 0
	for _, c := range h.conns {
		closed := c.pipe.isClosed()
		if !c.came || closed {
			continue
		}
		if now.Sub(c.touched) > time.Millisecond || c.quiet {
			most++
		}
		by := h.due(c)
		if h.lives(c, closed) && !c.slow && now.Sub(c.touched) > parksIn && now.Sub(h.faulty) > parksIn && (by.IsZero() || by.Sub(now) > wakesBefore) && !h.options.has(handlerPings) {
			least++
		}
	}
	if h.kernel == nil || !canPark {
		least, most = 0, 0
	}
	if n := h.handler.Parked(); n < least || n > most {
		return fmt.Errorf("%d connections are parked, want %d to %d", n, least, most)
	}
	if h.kernel != nil && h.kernel.breach() != nil {
		return h.kernel.breach()
	}
	return nil
}

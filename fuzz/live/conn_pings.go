package live

import (
	"fmt"
	"time"

	"github.com/wsproof/wsproof/internal/wire"
)

// tick returns when the n-th interval of pings is over.
func (h *connHarness) tick(n int) time.Time {
	return h.start.Add(time.Duration(n) * connPingInterval)
}

// near tells whether two times are as good as one.
func near(a, b time.Time) bool { return a.Sub(b).Abs() <= leeway }

// upset notes that what the transport does changes: the intervals of pings up to now
// are not judged.
func (h *connHarness) upset() { h.steady = time.Now() }

// pingedAt tells whether a ping was sent at the end of an interval.
func (s *scene) pingedAt(n int) bool {
	for i := range s.pipe.frames {
		if f := &s.pipe.frames[i]; f.Opcode == wire.Ping && near(f.at, s.tick(n)) {
			return true
		}
	}
	return false
}

// readIn counts the reads that brought something in an interval, and tells whether that is
// certain: at its ends it is not.
func (s *scene) readIn(n int) (reads int, certain bool) {
	certain = true
	for _, at := range s.pipe.reads {
		certain = certain && !near(at, s.tick(n)) && !near(at, s.tick(n-1))
		if at.After(s.tick(n-1)) && at.Before(s.tick(n)) {
			reads++
		}
	}
	return reads, certain
}

// checkPings holds the pings of Options.PingInterval against plain arithmetic: at the end of
// each interval in which nothing came, or nothing but the answer to the ping before, there
// is one; where nothing came after one either, the peer is given up.
func (s *scene) checkPings() error {
	h := s.connHarness
	if !s.opt.has(bitPings) || s.closed {
		return nil
	}
	if !s.sound || !s.free || s.close != nil || len(s.ends) != 1 || s.ends[0] != (outcome{}) {
		h.upset()
		return nil
	}
	asks := false // Ping was called
	for _, c := range s.calls {
		asks = asks || c.what == "Ping"
	}
	for ; s.now.Sub(s.tick(h.ticks+1)) > leeway; h.ticks++ {
		n := h.ticks + 1
		if s.tick(n - 1).Before(h.steady.Add(leeway)) {
			continue
		}
		reads, certain := s.readIn(n)
		asked, pinged := s.pingedAt(n-1), s.pingedAt(n)
		switch {
		case !certain:
		case reads == 0 && asked && n > 1 && !asks:
			return fmt.Errorf("the peer sent nothing in the %v after a ping, and was not given up", connPingInterval)
		case reads == 0 && !pinged:
			return fmt.Errorf("the peer sent nothing for %v, and was not pinged %v after the start", connPingInterval, s.tick(n).Sub(h.start))
		case reads > 1 && pinged && !asks:
			return fmt.Errorf("a peer that had sent something was pinged %v after the start", s.tick(n).Sub(h.start))
		case reads == 1 && pinged != asked && !asks:
			return fmt.Errorf("a peer from which one read came was pinged %v after the start: %t; %v before: %t", s.tick(n).Sub(h.start), pinged, connPingInterval, asked)
		}
	}
	return nil
}

// silent tells whether the connection ended when a silent peer is given up.
func (s *scene) silent() bool {
	if !s.opt.has(bitPings) || !s.closed || s.full { // then nobody reads
		return false
	}
	n := int((s.pipe.ended.Sub(s.start) + leeway) / connPingInterval)
	return n > 1 && near(s.pipe.ended, s.tick(n)) && !s.pipe.heard.After(s.tick(n-1).Add(leeway))
}

package conformance

import (
	"net"
	"sync"
)

// An outbox writes to a connection on a goroutine of its own, so that the
// session never blocks where the peer does not read.
type outbox struct {
	conn net.Conn
	mu   sync.Mutex
	todo []transfer
	last bool // close the connection when todo is done
	kick chan struct{}
	done chan struct{}
}

// A transfer goes out in one write, or in writes of chop octets.
type transfer struct {
	data []byte
	chop int
	end  bool // nothing more will be sent: TCP is closed on this side
}

func newOutbox(conn net.Conn) *outbox {
	o := &outbox{conn: conn, kick: make(chan struct{}, 1), done: make(chan struct{})}
	go o.run()
	return o
}

func (o *outbox) put(t transfer) {
	o.mu.Lock()
	o.todo = append(o.todo, t)
	o.mu.Unlock()
	o.wake()
}

// end closes the connection once everything is written, and ends the goroutine.
func (o *outbox) end() {
	o.mu.Lock()
	o.last = true
	o.mu.Unlock()
	o.wake()
}

func (o *outbox) wake() {
	select {
	case o.kick <- struct{}{}:
	default:
	}
}

func (o *outbox) run() {
	defer close(o.done)
	defer o.conn.Close()
	for range o.kick {
		o.mu.Lock()
		todo, last := o.todo, o.last
		o.todo = nil
		o.mu.Unlock()
		for _, t := range todo {
			if o.write(t) != nil {
				break // the reader notices, too, and ends the session
			}
		}
		if last {
			return
		}
	}
}

func (o *outbox) write(t transfer) error {
	if t.end {
		if half, can := o.conn.(interface{ CloseWrite() error }); can {
			return half.CloseWrite()
		}
		return nil
	}
	for chop := t.chop; chop > 0 && len(t.data) > chop; t.data = t.data[chop:] {
		if _, err := o.conn.Write(t.data[:chop]); err != nil {
			return err
		}
	}
	_, err := o.conn.Write(t.data)
	return err
}

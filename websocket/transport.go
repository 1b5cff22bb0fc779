package websocket

import (
	"crypto/tls"
	"io"
	"net"
	"slices"
	"syscall"
	"time"

	"github.com/wsproof/wsproof/websocket/protocol"
)

const (
	// streamBuffer is how much is read ahead where the transport is no socket: its
	// reader waits with the buffer in its hands.
	streamBuffer = 4 << 10
	// streamStep and socketStep are how much is read at once, in bytes: a payload is
	// unmasked while it is in the processor's cache.
	streamStep = 32 << 10
	socketStep = 256 << 10
	// writeStep is how much of a long message is marshalled before it is written, and
	// how much is written within a WriteTimeout.
	writeStep = 256 << 10
)

// A transport moves bytes: those that the peer sent, and those that it is given to the
// peer. It knows no frame. One goroutine at a time reads, and one writes.
type transport struct {
	src    io.ReadWriteCloser
	socket syscall.RawConn // src, where that is a socket of the kernel; or nil
}

// deadliner is a transport with deadlines, such as a net.Conn.
type deadliner interface {
	SetReadDeadline(t time.Time) error
	SetWriteDeadline(t time.Time) error
}

// writeCloser is a transport that can end its own direction alone.
type writeCloser interface{ CloseWrite() error }

func (t *transport) init(src io.ReadWriteCloser) { t.src, t.socket = src, socketOf(src) }

// isSocket reports whether the transport is a socket of the kernel: then its reader has no
// buffer while it waits, and writing takes only as much as the kernel takes at once.
func (t *transport) isSocket() bool { return t.socket != nil }

// raw returns the socket.
func (t *transport) raw() syscall.RawConn { return t.socket }

// wait waits for bytes where the transport is no socket, and puts what there are into the
// space of r.
func (t *transport) wait(r *protocol.Reader) error {
	space := r.Space()
	n, err := protocol.ReadSome(t.src, space[:min(len(space), streamStep)])
	r.Came(n)
	if n > 0 {
		return nil // an error will come again
	}
	return err
}

// conn returns the transport where that is a net.Conn, as behind net/http.
func (t *transport) conn() net.Conn {
	conn, _ := t.src.(net.Conn)
	return conn
}

// write writes p, however long it takes within the timeout, which is for each step; there
// is none if it is 0.
func (t *transport) write(p []byte, timeout time.Duration) error {
	d, ok := t.src.(deadliner)
	if !ok || timeout <= 0 {
		return writeAll(t.src, p)
	}
	defer d.SetWriteDeadline(time.Time{})
	for step := range slices.Chunk(p, writeStep) {
		_ = d.SetWriteDeadline(time.Now().Add(timeout))
		if err := writeAll(t.src, step); err != nil {
			return err
		}
	}
	return nil
}

// writeAll writes p in one Write.
func writeAll(w io.Writer, p []byte) error {
	n, err := w.Write(p)
	if err == nil && n < len(p) {
		err = io.ErrShortWrite
	}
	return err
}

// setReadDeadline lets reading fail from then on; the zero time lifts that.
func (t *transport) setReadDeadline(by time.Time) error {
	if d, ok := t.src.(deadliner); ok {
		return d.SetReadDeadline(by)
	}
	return nil
}

// hasDeadlines reports whether timeouts can be kept.
func (t *transport) hasDeadlines() bool {
	_, ok := t.src.(deadliner)
	return ok
}

// canShut reports whether this side's direction can be ended alone.
func (t *transport) canShut() bool {
	_, ok := t.src.(writeCloser)
	return ok
}

// shut ends this side's direction, where that can be done alone: under TLS that of the
// socket, too, since a peer may wait for it.
func (t *transport) shut() { shut(t.src) }

func shut(src any) {
	if half, ok := src.(writeCloser); ok {
		_ = half.CloseWrite() // reading finds out what is wrong
	}
	if secure, ok := src.(*tls.Conn); ok {
		shut(secure.NetConn())
	}
}

// drain reads and drops up to most bytes, until the peer's direction has ended: under
// TLS that of the socket, where a close_notify may have come long before.
func (t *transport) drain(most int) {
	trash := protocol.TakeBuffer(streamBuffer)
	defer trash.Free()
	for src := any(t.src); src != nil && most > 0; src = under(src) {
		reader, _ := src.(io.Reader)
		for most > 0 {
			n, err := protocol.ReadSome(reader, trash.Bytes[:min(most, cap(trash.Bytes))])
			most -= n
			if err != nil {
				break
			}
		}
	}
}

// under is what lies below TLS, or nil. To a proxy there may be TLS in TLS.
func under(src any) any {
	if secure, ok := src.(*tls.Conn); ok {
		return secure.NetConn()
	}
	return nil
}

// close closes the transport.
func (t *transport) close() { _ = t.src.Close() } // whatever it says, the connection is gone

// drop closes what is under TLS first, whose own Close would wait seconds for a peer
// that takes nothing.
func (t *transport) drop() {
	drop(t.src)
}

func drop(src io.Closer) {
	if secure, ok := src.(*tls.Conn); ok {
		drop(secure.NetConn())
	}
	_ = src.Close()
}

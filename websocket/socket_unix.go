//go:build unix

package websocket

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"syscall"

	"github.com/wsproof/wsproof/websocket/internal/seam"
)

// A socket is the transport where that is a socket of the kernel. Its reader has no
// buffer while it waits, and writing takes only as much as the kernel takes at once.
type socket struct {
	raw     syscall.RawConn       // nil where the transport is no socket
	tryRead func(fd uintptr) bool // transport.onReadable, made once, so that no call allocates; nil while parked
	result  int32                 // of the last read: bytes, 0 at the end, or a negative errno of the kernel
	idle    idleness
}

// A transfer is what a write works on. None is under way while a connection is idle,
// so they are pooled.
type transfer struct {
	tryWrite func(fd uintptr) bool
	p        []byte
	n        int
	errno    syscall.Errno
}

var transfers = sync.Pool{New: func() any {
	t := new(transfer)
	t.tryWrite = t.onWritable
	return t
}}

// findSocket looks whether the transport is a plain socket of package net: a type
// that embeds one may have Read and Write of its own.
func (t *transport) findSocket() bool {
	var conn syscall.Conn
	switch src := t.src.(type) {
	case *net.TCPConn:
		conn = src
	case *net.UnixConn:
		conn = src
	case seam.Socket:
		conn = src
	default:
		return false
	}
	raw, err := conn.SyscallConn()
	if err != nil {
		return false // closed: reading will tell
	}
	t.socket.raw = raw
	t.awake()
	return true
}

// there reports whether the transport is a socket.
func (s *socket) there() bool { return s.raw != nil }

// waitSocket is wait for a socket.
func (t *transport) waitSocket() error {
	err := t.socket.raw.Read(t.socket.tryRead)
	switch n := t.socket.result; {
	case err != nil: // of the waiting
		err = t.waitFailed(err)
	case n > 0:
		t.into.Came(int(n))
		t.socket.idle.came()
		return nil
	case n < 0:
		err = t.opError("read", syscall.Errno(-n))
	default:
		err = io.EOF
	}
	t.into.Release()
	return err
}

// waitFailed returns errIdle where err is that of an interruption.
func (t *transport) waitFailed(err error) error {
	if t.socket.idle.wasInterrupted() && errors.Is(err, errTimeout) {
		return errIdle
	}
	return err
}

// onReadable is called when the socket may be readable, and once before: only
// by trying can it tell.
func (t *transport) onReadable(fd uintptr) bool {
	space := t.into.Space()
	n, errno := receive(fd, space[:min(len(space), socketStep)])
	for errno == syscall.EINTR {
		n, errno = receive(fd, space[:min(len(space), socketStep)])
	}
	switch errno {
	case 0:
		t.socket.result = int32(n)
	case syscall.EAGAIN:
		t.socket.result = -int32(errno)
		t.into.Release()
		return false
	default:
		t.socket.result = -int32(errno)
	}
	return true
}

// park has in park who waits for the socket to be readable, unless the last wait ended
// before it had begun.
func (t *transport) park(in parkIn) bool {
	if t.socket.result != -int32(syscall.EAGAIN) {
		return false
	}
	t.socket.tryRead = nil // until it is awake again
	if in(t.socket.raw, &t.ticket) {
		return true
	}
	t.awake()
	return false
}

// awake is called before the reader goes on that was parked.
func (t *transport) awake() {
	t.ticket.Store(0)
	t.socket.tryRead = t.onReadable
}

// writeNow writes as much of p as the kernel takes without waiting; nothing where the
// transport is no socket.
func (t *transport) writeNow(p []byte) (int, error) {
	if !t.socket.there() {
		return 0, nil
	}
	w := transfers.Get().(*transfer)
	w.p = p
	err := t.socket.raw.Write(w.tryWrite)
	n, errno := w.n, w.errno
	w.p, w.n, w.errno = nil, 0, 0
	transfers.Put(w)
	if err == nil && errno != 0 {
		err = t.opError("write", errno)
	}
	return n, err
}

func (w *transfer) onWritable(fd uintptr) bool {
	n, errno := transmit(fd, w.p)
	for errno == syscall.EINTR {
		n, errno = transmit(fd, w.p)
	}
	switch errno {
	case 0:
		w.n = n
	case syscall.EAGAIN:
	default:
		w.errno = errno
	}
	return true
}

// receive and transmit are recv and send, by the kernel that a test plays, if one does.
func receive(fd uintptr, p []byte) (int, syscall.Errno) {
	if k := seam.Played; k != nil {
		return k.Recv(fd, p)
	}
	return recv(fd, p)
}

func transmit(fd uintptr, p []byte) (int, syscall.Errno) {
	if k := seam.Played; k != nil {
		return k.Send(fd, p)
	}
	return send(fd, p)
}

// opError wraps an error of the kernel as package net does.
func (t *transport) opError(op string, errno syscall.Errno) error {
	conn := t.src.(net.Conn)
	return &net.OpError{
		Op: op, Net: conn.LocalAddr().Network(),
		Source: conn.LocalAddr(), Addr: conn.RemoteAddr(),
		Err: os.NewSyscallError(op, errno),
	}
}

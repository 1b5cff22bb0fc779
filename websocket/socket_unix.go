//go:build unix

package websocket

import (
	"io"
	"net"
	"os"
	"sync"
	"syscall"

	"github.com/wsproof/wsproof/websocket/internal/seam"
)

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

// socketOf returns the socket of src, where that is a plain one of package net: a type that
// embeds one may have Read and Write of its own.
func socketOf(src any) syscall.RawConn {
	switch src.(type) {
	case *net.TCPConn, *net.UnixConn, seam.Socket:
	default:
		return nil
	}
	raw, err := src.(syscall.Conn).SyscallConn()
	if err != nil {
		return nil // closed: reading will tell
	}
	return raw
}

// waitSocket is wait for a socket.
func (in *inbound) waitSocket(t *transport) error {
	if in.tryRead == nil {
		in.tryRead = in.onReadable
	}
	err := t.socket.Read(in.tryRead)
	switch n := in.result; {
	case err != nil: // of the waiting
	case n > 0:
		in.reader.Came(int(n))
		return nil
	case n < 0:
		err = t.opError("read", syscall.Errno(-n))
	default:
		err = io.EOF
	}
	in.reader.Release()
	return err
}

// onReadable is called when the socket may be readable, and once before: only
// by trying can it tell.
func (in *inbound) onReadable(fd uintptr) bool {
	space := in.reader.Space()
	n, errno := receive(fd, space[:min(len(space), socketStep)])
	for errno == syscall.EINTR {
		n, errno = receive(fd, space[:min(len(space), socketStep)])
	}
	switch errno {
	case 0:
		in.result = int32(n)
	case syscall.EAGAIN:
		in.result = -int32(errno)
		in.reader.Release()
		return false
	default:
		in.result = -int32(errno)
	}
	return true
}

// waited reports whether the last wait has found nothing, and not ended before it had begun.
func (in *inbound) waited() bool { return in.result == -int32(syscall.EAGAIN) }

// writeNow writes as much of p as the kernel takes without waiting; nothing where the
// transport is no socket.
func (t *transport) writeNow(p []byte) (int, error) {
	if t.socket == nil {
		return 0, nil
	}
	w := transfers.Get().(*transfer)
	w.p = p
	err := t.socket.Write(w.tryWrite)
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

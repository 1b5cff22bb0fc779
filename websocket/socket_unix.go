//go:build unix

package websocket

import (
	"io"
	"net"
	"os"
	"sync"
	"syscall"
)

// A socket is the transport where that is a socket of the kernel. Its reader
// has no buffer while it waits, and writing takes only as much as the kernel takes at
// once. Reading and writing may go on at the same time; each is for one goroutine
// at a time.
type socket struct {
	raw     syscall.RawConn       // nil where the transport is no socket
	tryRead func(fd uintptr) bool // onReadable, made once, so that no call allocates
}

// A transfer is what a write works on, or a read that does not go to the inbound
// buffer. None is under way while a connection is idle, so they are pooled.
type transfer struct {
	tryRead, tryWrite func(fd uintptr) bool
	p                 []byte
	n                 int
	errno             syscall.Errno
}

var transfers = sync.Pool{New: func() any {
	t := new(transfer)
	t.tryRead, t.tryWrite = t.onReadable, t.onWritable
	return t
}}

// findSocket looks whether the transport is a plain socket of package net: a type
// that embeds one may have Read and Write of its own.
func (c *Websocket) findSocket() {
	var conn syscall.Conn
	switch src := c.src.(type) {
	case *net.TCPConn:
		conn = src
	case *net.UnixConn:
		conn = src
	default:
		return
	}
	raw, err := conn.SyscallConn()
	if err != nil {
		return // closed: reading will tell
	}
	c.socket.raw, c.socket.tryRead = raw, c.onReadable
}

// there reports whether the transport is a socket.
func (s *socket) there() bool { return s.raw != nil }

// wait waits until there is something to read, and reads it into the inbound
// buffer, which is taken only then. What came of it is told by finishRead.
func (s *socket) wait() error { return s.raw.Read(s.tryRead) }

// readNow is a read into the inbound buffer that does not wait: (0, nil) means
// that there is nothing now.
func (c *Websocket) readNow() (int, error) {
	c.room()
	c.in.buf.noWait = true
	return c.finishRead(c.socket.wait())
}

// finishRead is told the error of wait and returns what came of the read.
func (c *Websocket) finishRead(err error) (int, error) {
	b := c.in.buf
	if b == nil { // given back, since nothing was there
		return 0, err
	}
	result, noWait := b.result, b.noWait
	b.result, b.noWait = 0, false
	switch {
	case err != nil: // of the waiting
	case result < 0:
		err = c.opError("read", syscall.Errno(-result))
	case result > 0:
		return int(result), nil
	case !noWait:
		err = io.EOF
	}
	c.in.release()
	return 0, err
}

// onReadable is called when the socket may be readable, and once before: only
// by trying can it tell.
func (c *Websocket) onReadable(fd uintptr) bool {
	n, errno := readOnce(fd, c.room())
	b := c.in.buf
	switch errno {
	case 0:
		b.result = int32(n)
	case syscall.EAGAIN:
		noWait := b.noWait
		c.in.release()
		return noWait
	default:
		b.result = -int32(errno)
	}
	return true
}

// readSocket waits until there is something to read, and reads it into p.
func (c *Websocket) readSocket(p []byte) (int, error) {
	if c.in.buf != nil {
		c.in.release()
	}
	t := transfers.Get().(*transfer)
	t.p = p
	err := c.socket.raw.Read(t.tryRead)
	n, errno := t.done()
	switch {
	case err != nil:
		return 0, err
	case errno != 0:
		return 0, c.opError("read", errno)
	case n == 0:
		return 0, io.EOF
	}
	return n, nil
}

// writeNow writes as much of p as the kernel takes without waiting.
func (c *Websocket) writeNow(p []byte) (int, error) {
	t := transfers.Get().(*transfer)
	t.p = p
	err := c.socket.raw.Write(t.tryWrite)
	n, errno := t.done()
	if err == nil && errno != 0 {
		err = c.opError("write", errno)
	}
	return n, err
}

// done returns what came of the transfer, and gives t back.
func (t *transfer) done() (n int, errno syscall.Errno) {
	n, errno = t.n, t.errno
	t.p, t.n, t.errno = nil, 0, 0
	transfers.Put(t)
	return n, errno
}

func (t *transfer) onReadable(fd uintptr) bool {
	t.n, t.errno = readOnce(fd, t.p)
	if t.errno == syscall.EAGAIN {
		t.errno = 0
		return false
	}
	return true
}

func (t *transfer) onWritable(fd uintptr) bool {
	for {
		n, errno := send(fd, t.p)
		switch errno {
		case 0:
			t.n = n
		case syscall.EINTR:
			continue
		case syscall.EAGAIN:
		default:
			t.errno = errno
		}
		return true
	}
}

func readOnce(fd uintptr, p []byte) (n int, errno syscall.Errno) {
	for {
		if n, errno = recv(fd, p); errno != syscall.EINTR {
			return n, errno
		}
	}
}

// opError wraps an error of the kernel as package net does.
func (c *Websocket) opError(op string, errno syscall.Errno) error {
	conn := c.src.(net.Conn)
	return &net.OpError{
		Op: op, Net: conn.LocalAddr().Network(),
		Source: conn.LocalAddr(), Addr: conn.RemoteAddr(),
		Err: os.NewSyscallError(op, errno),
	}
}

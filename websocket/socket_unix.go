//go:build unix

package websocket

import (
	"io"
	"net"
	"os"
	"sync"
	"syscall"
)

// A socket reads and writes a socket of the kernel without a buffer of its own
// while it waits, and writes only as much as the kernel takes at once. Reading
// and writing may go on at the same time; each is for one goroutine at a time.
type socket struct {
	raw syscall.RawConn
	c   *Websocket

	// What reading works on. The callback is made once, so that no call allocates.
	tryRead  func(fd uintptr) bool
	into     []byte
	result   int32 // bytes read, or a negative errno of the kernel
	readOnce bool
	readEOF  bool
}

// A socketWrite is what a write works on. None is under way while a connection
// is idle, so they are pooled.
type socketWrite struct {
	try  func(fd uintptr) bool // onWritable
	from []byte
	n    int
	err  syscall.Errno
}

var socketWrites = sync.Pool{New: func() any {
	w := new(socketWrite)
	w.try = w.onWritable
	return w
}}

// newSocket returns nil where src is anything but a plain socket of package net:
// a type that embeds one may have Read and Write of its own.
func newSocket(c *Websocket) *socket {
	var conn syscall.Conn
	switch src := c.src.(type) {
	case *net.TCPConn:
		conn = src
	case *net.UnixConn:
		conn = src
	default:
		return nil
	}
	raw, err := conn.SyscallConn()
	if err != nil {
		return nil // closed: reading will tell
	}
	s := &socket{raw: raw, c: c}
	s.tryRead = s.onReadable
	return s
}

// read waits until there is something to read, and reads it into p, whose length
// fits 31 bits, or, where p is nil, into the inbound buffer, which it takes only
// then.
func (s *socket) read(p []byte) (int, error) {
	s.into, s.readOnce = p, false
	return s.finishRead(s.raw.Read(s.tryRead))
}

// readNow is read that does not wait: (0, nil) means that there is nothing now.
func (s *socket) readNow(p []byte) (int, error) {
	s.into, s.readOnce = p, true
	return s.finishRead(s.raw.Read(s.tryRead))
}

func (s *socket) finishRead(err error) (int, error) {
	result := s.result
	s.into, s.result = nil, 0
	switch {
	case err != nil:
		return 0, err
	case result < 0:
		return 0, s.opError("read", syscall.Errno(-result))
	case s.readEOF:
		return 0, io.EOF
	}
	return int(result), nil
}

// onReadable is called when the socket may be readable, and once before: only
// by trying can it tell.
func (s *socket) onReadable(fd uintptr) bool {
	p := s.into
	if p == nil {
		p = s.c.in.room()
	}
	for {
		n, err := syscall.Read(int(fd), p)
		if err == syscall.EINTR {
			continue
		}
		if err == syscall.EAGAIN {
			s.c.in.release()
			return s.readOnce
		}
		switch errno, _ := err.(syscall.Errno); {
		case errno != 0:
			s.result = -int32(errno)
		case n == 0:
			s.readEOF = true
		default:
			s.result = int32(n)
			return true
		}
		s.c.in.release()
		return true
	}
}

// writeNow writes as much of p as the kernel takes without waiting.
func (s *socket) writeNow(p []byte) (int, error) {
	w := socketWrites.Get().(*socketWrite)
	w.from, w.n, w.err = p, 0, 0
	err := s.raw.Write(w.try)
	n, errno := w.n, w.err
	w.from = nil
	socketWrites.Put(w)
	if err == nil && errno != 0 {
		err = s.opError("write", errno)
	}
	return n, err
}

func (w *socketWrite) onWritable(fd uintptr) bool {
	for {
		n, err := syscall.Write(int(fd), w.from)
		switch err {
		case nil:
			w.n = n
		case syscall.EINTR:
			continue
		case syscall.EAGAIN:
		default:
			w.err, _ = err.(syscall.Errno)
		}
		return true
	}
}

// opError wraps an error of the kernel as package net does.
func (s *socket) opError(op string, errno syscall.Errno) error {
	conn := s.c.src.(net.Conn)
	return &net.OpError{
		Op: op, Net: conn.LocalAddr().Network(),
		Source: conn.LocalAddr(), Addr: conn.RemoteAddr(),
		Err: os.NewSyscallError(op, errno),
	}
}

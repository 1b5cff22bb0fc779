//go:build unix

package websocket

import (
	"io"
	"net"
	"os"
	"syscall"
)

// A socket reads and writes a socket of the kernel without a buffer of its own
// while it waits, and writes only as much as the kernel takes at once. Reading
// and writing may go on at the same time; each is for one goroutine at a time.
type socket struct {
	raw syscall.RawConn

	// What the callbacks work on: made once, so that no call allocates.
	tryRead  func(fd uintptr) bool
	tryWrite func(fd uintptr) bool
	c        *Websocket
	into     []byte
	from     []byte
	readN    int
	writeN   int
	readErr  syscall.Errno
	writeErr syscall.Errno
	readOnce bool
	readEOF  bool
}

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
	s.tryRead, s.tryWrite = s.onReadable, s.onWritable
	return s
}

// read waits until there is something to read, and reads it into p, or, where p
// is nil, into the inbound buffer, which it takes only then.
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
	n, errno := s.readN, s.readErr
	s.into, s.readN, s.readErr = nil, 0, 0
	switch {
	case err != nil:
		return 0, err
	case errno != 0:
		return 0, s.opError("read", errno)
	case s.readEOF:
		return 0, io.EOF
	}
	return n, nil
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
		switch {
		case err != nil:
			s.readErr, _ = err.(syscall.Errno)
		case n == 0:
			s.readEOF = true
		default:
			s.readN = n
			return true
		}
		s.c.in.release()
		return true
	}
}

// writeNow writes as much of p as the kernel takes without waiting.
func (s *socket) writeNow(p []byte) (int, error) {
	s.from = p
	err := s.raw.Write(s.tryWrite)
	n, errno := s.writeN, s.writeErr
	s.from, s.writeN, s.writeErr = nil, 0, 0
	if err == nil && errno != 0 {
		err = s.opError("write", errno)
	}
	return n, err
}

func (s *socket) onWritable(fd uintptr) bool {
	for {
		n, err := syscall.Write(int(fd), s.from)
		switch err {
		case nil:
			s.writeN = n
		case syscall.EINTR:
			continue
		case syscall.EAGAIN:
		default:
			s.writeErr, _ = err.(syscall.Errno)
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

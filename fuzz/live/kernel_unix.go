//go:build unix

package live

import (
	"net"
	"os"
	"sync"
	"syscall"

	"github.com/wsproof/wsproof/websocket/seamtest"
)

// A kernel is played: its sockets are pipes in a bubble of virtual time, and its calls take
// and give as much as those say, or fail.
type kernel struct {
	mu      sync.Mutex
	sockets []*socketPipe // by their descriptors
	epoll
}

// leastDescriptor is the first descriptor of a socket that is played.
const leastDescriptor = 1 << 20

// playKernel has a kernel played until stop is called. Both are outside of bubbles.
func playKernel() (k *kernel, stop func()) {
	k = &kernel{}
	k.epoll.kernel = k
	seamtest.Play(k)
	return k, func() { seamtest.Play(nil) }
}

// socket makes p a socket.
func (k *kernel) socket(p *pipe) net.Conn {
	k.mu.Lock()
	defer k.mu.Unlock()
	s := &socketPipe{netPipe{p}, k, leastDescriptor + uintptr(len(k.sockets))}
	p.changed = k.changed
	k.sockets = append(k.sockets, s)
	return s
}

func (k *kernel) pipe(fd uintptr) *pipe {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.sockets[fd-leastDescriptor].pipe
}

// Recv is recv(2) on a socket that never waits.
func (k *kernel) Recv(fd uintptr, b []byte) (n int, errno syscall.Errno) {
	p := k.pipe(fd)
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.closed > 0:
		return 0, syscall.EBADF
	case p.interrupted():
		return 0, syscall.EINTR
	case len(p.in) > 0:
		return p.take(b), 0
	case p.readErr != nil:
		p.failedRead |= reasonFault
		return 0, errnos[p.readErr]
	case p.eof:
		p.atEnd = true
		p.failedRead |= reasonEOF
		return 0, 0
	}
	return 0, syscall.EAGAIN
}

// Send is send(2) on a socket that never waits.
func (k *kernel) Send(fd uintptr, b []byte) (n int, errno syscall.Errno) {
	p := k.pipe(fd)
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.closed > 0:
		return 0, syscall.EBADF
	case p.interrupted():
		return 0, syscall.EINTR
	case p.writing != nil:
		p.wrong("two writes to the transport at the same time")
	case p.shut:
		p.wrong("%d bytes were written behind the end of that direction", len(b))
	case !p.writeBy.IsZero() && p.deadlineErr == nil:
		p.wrong("a write that does not wait has a deadline")
	}
	switch {
	case p.stalled:
		return 0, syscall.EAGAIN
	case p.writeErr == errFault:
		p.failed |= reasonWriteFault
		return 0, syscall.EPIPE
	}
	p.wrote++
	n = len(b)
	if p.most > 0 {
		n = min(n, p.most)
	}
	p.sent(b[:n])
	return n, 0
}

// errnos are the kernel's for the faults of a pipe that is read.
var errnos = map[error]syscall.Errno{errFault: syscall.ECONNRESET, errEmpty: syscall.ETIMEDOUT}

// A socketPipe is a pipe that counts as a socket.
type socketPipe struct {
	netPipe
	kernel *kernel
	fd     uintptr
}

// Played makes package websocket take it for a socket.
func (s *socketPipe) Played() {}

// SyscallConn implements syscall.Conn.
func (s *socketPipe) SyscallConn() (syscall.RawConn, error) { return rawPipe{s}, nil }

// Close also ends that the socket is watched.
func (s *socketPipe) Close() error {
	err := s.pipe.Close()
	s.kernel.forget(int(s.fd))
	return err
}

// A rawPipe is the syscall.RawConn of a socketPipe.
type rawPipe struct{ s *socketPipe }

// Control calls f with the descriptor.
func (r rawPipe) Control(f func(fd uintptr)) error {
	p := r.s.pipe
	p.mu.Lock()
	closed := p.closed > 0
	p.mu.Unlock()
	if closed {
		return net.ErrClosed
	}
	f(r.s.fd)
	return nil
}

// Read calls f until it says that it is done, whenever the socket may be readable.
func (r rawPipe) Read(f func(fd uintptr) bool) error {
	p := r.s.pipe
	p.mu.Lock()
	defer p.mu.Unlock()
	defer p.beginRead()()
	for {
		switch {
		case p.closed > 0:
			return net.ErrClosed
		case p.readBy.past():
			p.expired = true
			return os.ErrDeadlineExceeded
		}
		p.mu.Unlock()
		done := f(r.s.fd)
		p.mu.Lock()
		if done {
			return nil
		}
		for !p.readable() && p.closed == 0 && !p.readBy.past() {
			p.change.Wait()
			if p.interrupts { // woken for nothing, which happens
				break
			}
		}
	}
}

// Write calls f until it says that it is done.
func (r rawPipe) Write(f func(fd uintptr) bool) error {
	p := r.s.pipe
	p.mu.Lock()
	closed := p.closed > 0
	p.mu.Unlock()
	if closed {
		return net.ErrClosed
	}
	if !f(r.s.fd) {
		p.set(func() { p.wrong("a write that does not wait was not done at once") })
	}
	return nil
}

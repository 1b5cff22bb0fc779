package live

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/wsproof/wsproof/websocket/seamtest"
)

// An epoll is the one of a kernel that is played: a set of sockets that are watched, once
// each, and the file that waits for that.
type epoll struct {
	kernel     *kernel
	mu         sync.Mutex
	change     sync.Cond
	news       int // how often something may have changed
	past       bool
	set        map[int]*watched // by descriptor
	faults     map[epollCall]syscall.Errno
	again      int                  // how often epollWaits fails once more
	gone, late []syscall.EpollEvent // of sockets that were closed; they come when another is watched
	wrong      error                // the first thing that was
}

// A watched is a socket in the set.
type watched struct {
	event syscall.EpollEvent
	armed bool
}

// An epollCall names the calls that may fail, once each, but for epollWaits, which does so
// three times.
type epollCall int

const (
	epollOpens epollCall = iota
	epollAdds
	epollChanges
	epollWaits
	epollCalls
)

// epollDescriptor is that of the set.
const epollDescriptor = leastDescriptor - 1

func (e *epoll) fault(call epollCall) (err error) {
	if errno, ok := e.faults[call]; ok {
		if e.again--; call != epollWaits || e.again <= 0 {
			delete(e.faults, call)
		}
		return errno
	}
	return nil
}

// fail has the next call of a kind fail.
func (e *epoll) fail(call epollCall, errno syscall.Errno) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.faults == nil {
		e.faults = map[epollCall]syscall.Errno{}
	}
	e.faults[call], e.again = errno, 3
}

// EpollOpen is epoll_create(2).
func (e *epoll) EpollOpen() (fd int, file seamtest.EpollFile, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := e.fault(epollOpens); err != nil {
		return 0, nil, err
	}
	if e.set != nil {
		e.wrong = errors.New("a second set of sockets was made")
	}
	e.change.L, e.set = &e.mu, map[int]*watched{}
	return epollDescriptor, epollFile{e}, nil
}

// EpollCtl is epoll_ctl(2).
func (e *epoll) EpollCtl(epoll, op, fd int, event syscall.EpollEvent) error {
	p := e.kernel.pipe(uintptr(fd))
	e.mu.Lock()
	defer e.mu.Unlock()
	w := e.set[fd]
	want := uint32(syscall.EPOLLIN | syscall.EPOLLRDHUP | syscall.EPOLLONESHOT)
	switch {
	case epoll != epollDescriptor || event.Events != want:
		e.wrong = fmt.Errorf("epoll_ctl of %d with the events %#x", epoll, event.Events)
		return syscall.EINVAL
	case p.isClosed():
		return syscall.EBADF
	case op == syscall.EPOLL_CTL_MOD && w == nil:
		return syscall.ENOENT
	case op == syscall.EPOLL_CTL_ADD && w != nil:
		return syscall.EEXIST
	}
	// By the event is found who is woken: as many places as there are sockets are enough.
	e.kernel.mu.Lock()
	sockets := len(e.kernel.sockets)
	e.kernel.mu.Unlock()
	if place := int(event.Fd); place < 1 || place > sockets {
		e.wrong = fmt.Errorf("epoll_ctl says place %d of %d sockets", place, sockets)
	}
	call := epollChanges
	if w == nil {
		call = epollAdds
	}
	if err := e.fault(call); err != nil {
		return err
	}
	e.set[fd] = &watched{event, true}
	e.late, e.gone = append(e.late, e.gone...), nil
	e.tell()
	return nil
}

// EpollWait is epoll_wait(2), which does not wait.
func (e *epoll) EpollWait(epoll int, events []syscall.EpollEvent) (n int, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if epoll != epollDescriptor || len(events) == 0 {
		e.wrong = fmt.Errorf("epoll_wait of %d for %d events", epoll, len(events))
		return -1, syscall.EINVAL
	}
	if err := e.fault(epollWaits); err != nil {
		return -1, err
	}
	n = copy(events, e.late)
	e.late = e.late[n:]
	for _, fd := range sortedDescriptors(e.set) {
		if w := e.set[fd]; n < len(events) && w.armed && e.kernel.pipe(uintptr(fd)).isReadable() {
			events[n] = w.event
			w.armed = false
			n++
		}
	}
	return n, nil
}

func sortedDescriptors(set map[int]*watched) []int {
	var fds []int
	for fd := range set {
		fds = append(fds, fd)
	}
	slices.Sort(fds)
	return fds
}

// tell wakes who waits for the set. The caller holds mu.
func (e *epoll) tell() {
	if e.set != nil {
		e.news++
		e.change.Broadcast()
	}
}

// changed is told that a socket may have become readable.
func (e *epoll) changed() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.tell()
}

// forget is told that a socket was closed.
func (e *epoll) forget(fd int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if w := e.set[fd]; w != nil && w.armed {
		e.gone = append(e.gone, w.event)
	}
	delete(e.set, fd)
}

// An epollFile is the file of a set.
type epollFile struct{ e *epoll }

// SyscallConn implements syscall.Conn.
func (f epollFile) SyscallConn() (syscall.RawConn, error) { return f, nil }

// SetReadDeadline ends waiting, or lifts that.
func (f epollFile) SetReadDeadline(by time.Time) error {
	f.e.mu.Lock()
	defer f.e.mu.Unlock()
	f.e.past = !by.IsZero()
	f.e.tell()
	return nil
}

// Close does nothing: the set lives as long as the kernel.
func (f epollFile) Close() error { return nil }

// Control calls do with the descriptor.
func (f epollFile) Control(do func(fd uintptr)) error {
	do(epollDescriptor)
	return nil
}

// Read calls do whenever there may be events, until it says that it is done.
func (f epollFile) Read(do func(fd uintptr) bool) error {
	f.e.mu.Lock()
	defer f.e.mu.Unlock()
	for {
		if f.e.past {
			return os.ErrDeadlineExceeded
		}
		seen := f.e.news
		f.e.mu.Unlock()
		done := do(epollDescriptor)
		f.e.mu.Lock()
		if done {
			return nil
		}
		for f.e.news == seen {
			f.e.change.Wait()
		}
	}
}

// Write is for no file of this kind.
func (f epollFile) Write(func(fd uintptr) bool) error { return syscall.EINVAL }

// breach returns the first thing that was wrong in how the set is used.
func (e *epoll) breach() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.wrong
}

// canPark reports whether connections are parked here.
const canPark = true

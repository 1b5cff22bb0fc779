package websocket

import (
	"os"
	"syscall"

	"github.com/wsproof/wsproof/websocket/internal/seam"
)

// The calls of epoll, which tests play.

// openEpoll makes an epoll descriptor, and the file that waits for it in the runtime's
// poller.
func openEpoll() (fd int, file seam.EpollFile, err error) {
	if k := seam.Played; k != nil {
		return k.EpollOpen()
	}
	fd, err = syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return 0, nil, err
	}
	if err := syscall.SetNonblock(fd, true); err != nil { // for NewFile to see
		_ = syscall.Close(fd)
		return 0, nil, err
	}
	return fd, os.NewFile(uintptr(fd), "epoll"), nil
}

func epollCtl(epoll, op, fd int, event syscall.EpollEvent) error {
	if k := seam.Played; k != nil {
		return k.EpollCtl(epoll, op, fd, event)
	}
	return syscall.EpollCtl(epoll, op, fd, &event)
}

// epollWait returns what has come: it does not wait.
func epollWait(epoll int, events []syscall.EpollEvent) (n int, err error) {
	if k := seam.Played; k != nil {
		return k.EpollWait(epoll, events)
	}
	return syscall.EpollWait(epoll, events, 0)
}

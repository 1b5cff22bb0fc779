package seam

import (
	"syscall"
	"time"
)

// Epoll has the calls of epoll.
type Epoll interface {
	EpollOpen() (epoll int, file EpollFile, err error)
	EpollCtl(epoll, op, fd int, event syscall.EpollEvent) error
	EpollWait(epoll int, events []syscall.EpollEvent) (n int, err error)
}

// An EpollFile is what waits for an epoll descriptor, as an os.File does.
type EpollFile interface {
	syscall.Conn
	SetReadDeadline(by time.Time) error
	Close() error
}

//go:build unix

package seam

import "syscall"

// A Kernel is what a test plays: system calls on sockets, and those by which they are
// parked.
type Kernel interface {
	Recv(fd uintptr, p []byte) (n int, errno syscall.Errno)
	Send(fd uintptr, p []byte) (n int, errno syscall.Errno)
	Epoll
}

// Played is the kernel that a test plays.
var Played Kernel

// A Socket is a transport that is to be taken for a socket of the kernel; Played is a mark
// that nothing else has.
type Socket interface {
	syscall.Conn
	Played()
}

// Restart, where set, is called when another kernel is played, or none any more.
var Restart func()

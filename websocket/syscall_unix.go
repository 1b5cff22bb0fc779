//go:build unix && (!linux || (!amd64 && !arm64) || race || msan || asan)

package websocket

import "syscall"

// The package's own system calls (syscall_linux.go) are not for everywhere, and the
// race detector wants to see them.

func recv(fd uintptr, p []byte) (n int, errno syscall.Errno) {
	n, err := syscall.Read(int(fd), p)
	return max(n, 0), asErrno(err)
}

func send(fd uintptr, p []byte) (n int, errno syscall.Errno) {
	n, err := syscall.Write(int(fd), p)
	return max(n, 0), asErrno(err)
}

func asErrno(err error) syscall.Errno {
	errno, _ := err.(syscall.Errno)
	return errno
}

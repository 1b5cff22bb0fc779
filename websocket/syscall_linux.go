//go:build (amd64 || arm64) && !race && !msan && !asan

package websocket

import (
	"syscall"
	"unsafe"
)

// recv and send are read and write on a socket that never wait for it, whatever the
// mode of its descriptor.
func recv(fd uintptr, p []byte) (n int, errno syscall.Errno) {
	return socketCall(syscall.SYS_RECVFROM, fd, p, syscall.MSG_DONTWAIT)
}

func send(fd uintptr, p []byte) (n int, errno syscall.Errno) {
	return socketCall(syscall.SYS_SENDTO, fd, p, syscall.MSG_DONTWAIT|syscall.MSG_NOSIGNAL)
}

// quickMost is for how many bytes a call is so quick, 10 µs or so, that the scheduler
// need not hear of it: to tell it takes about as long as all that this package does
// for a short message. Meanwhile the goroutine cannot be stopped for the garbage collector.
const quickMost = 64 << 10

// socketCall is the only use of package unsafe here.
func socketCall(trap, fd uintptr, p []byte, flags uintptr) (n int, errno syscall.Errno) {
	var r uintptr
	if len(p) <= quickMost {
		r, _, errno = syscall.RawSyscall6(trap, fd, uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)), flags, 0, 0)
	} else {
		r, _, errno = syscall.Syscall6(trap, fd, uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)), flags, 0, 0)
	}
	if errno != 0 {
		return 0, errno
	}
	return int(r), 0
}

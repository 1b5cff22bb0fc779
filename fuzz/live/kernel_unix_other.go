//go:build unix && !linux

package live

import "syscall"

// Epoll is Linux's: elsewhere nothing is parked.
type epoll struct{ kernel *kernel }

func (*epoll) changed()      {}
func (*epoll) forget(int)    {}
func (*epoll) breach() error { return nil }

type epollCall int

const epollCalls = 1

func (*epoll) fail(epollCall, syscall.Errno) {}

// canPark reports whether connections are parked here.
const canPark = false

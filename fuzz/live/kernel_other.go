//go:build !unix

package live

import (
	"net"
	"syscall"
)

// There are no sockets to be played here: they are pipes like others.
type kernel struct{}

func playKernel() (k *kernel, stop func()) { return new(kernel), func() {} }

func (*kernel) socket(p *pipe) net.Conn { return netPipe{p} }

func (*kernel) breach() error { return nil }

type epollCall int

const epollCalls = 1

func (*kernel) fail(epollCall, syscall.Errno) {}

// canPark reports whether connections are parked here.
const canPark = false

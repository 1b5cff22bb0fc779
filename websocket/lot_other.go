//go:build !linux

package websocket

import (
	"sync/atomic"
	"syscall"
)

// There is no parking lot here: see lot_linux.go.

const canPark = false

var parked lot

type (
	lot    struct{}
	ticket uint64
)

func (*lot) park(syscall.RawConn, *atomic.Uint64, *served) bool { return false }
func (*lot) wake(ticket)                                        {}

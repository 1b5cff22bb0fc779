//go:build !linux

package websocket

import (
	"sync/atomic"
	"syscall"
	"time"
)

// There is no parking lot here: see lot_linux.go.

const canPark = false

var parked = new(lot)

type (
	sleeper interface{ unpark(slept time.Duration) }
	lot     struct{}
	ticket  uint64
)

func (*lot) park(syscall.RawConn, *atomic.Uint64, sleeper) bool { return false }
func (*lot) wake(ticket)                                        {}

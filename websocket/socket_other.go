//go:build !unix

package websocket

import "syscall"

// A socket is not to be had here: connections go through Read and Write.

func socketOf(any) syscall.RawConn                { return nil }
func (in *inbound) waitSocket(*transport) error   { return nil }
func (in *inbound) waited() bool                  { return false }
func (t *transport) writeNow([]byte) (int, error) { return 0, nil }

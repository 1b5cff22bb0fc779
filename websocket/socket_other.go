//go:build !unix

package websocket

// A socket is not to be had here: connections go through Read and Write.
type socket struct{ idle idleness }

func (s *socket) there() bool { return false }

func (t *transport) findSocket() bool             { return false }
func (t *transport) waitSocket() error            { return nil }
func (t *transport) park(parkIn) bool             { return false }
func (t *transport) awake()                       {}
func (t *transport) writeNow([]byte) (int, error) { return 0, nil }

//go:build !unix

package websocket

// A socket is not to be had here: connections go through Read and Write.
type socket struct{}

func newSocket(*Websocket) *socket { return nil }

func (s *socket) read([]byte) (int, error)     { return 0, nil }
func (s *socket) readNow([]byte) (int, error)  { return 0, nil }
func (s *socket) writeNow([]byte) (int, error) { return 0, nil }

//go:build !unix

package websocket

// A socket is not to be had here: connections go through Read and Write.
type socket struct{}

func (c *Websocket) findSocket() {}

func (s *socket) there() bool { return false }
func (s *socket) wait() error { return nil }

func (c *Websocket) finishRead(err error) (int, error) { return 0, err }
func (c *Websocket) readNow() (int, error)             { return 0, nil }
func (c *Websocket) readSocket([]byte) (int, error)    { return 0, nil }
func (c *Websocket) writeNow([]byte) (int, error)      { return 0, nil }

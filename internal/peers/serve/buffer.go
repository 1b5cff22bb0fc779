package serve

import (
	"io"
	"net"
	"sync"
	"time"
)

// firstRead is the size of a fresh message buffer. A buffer grows by doubling as
// bytes arrive, whatever length the peer declares.
const firstRead = 4 << 10

// buffers are the message buffers of the libraries that read into memory of the
// application. An idle connection holds none.
var buffers = sync.Pool{New: func() any {
	b := make([]byte, 0, firstRead)
	return &b
}}

// grow returns b with room behind its length.
func grow(b []byte) []byte {
	if len(b) < cap(b) {
		return b
	}
	bigger := make([]byte, len(b), max(firstRead, 2*cap(b)))
	copy(bigger, b)
	return bigger
}

// closeTime is how long an answer to the peer's Close may take to leave.
const closeTime = 10 * time.Second

const (
	lingerTime  = time.Second
	lingerBytes = 1 << 20
)

// linger gives a peer the chance to see the Close that was just sent: closing a
// socket with unread input resets it, and the Close may be lost on the way.
func linger(conn net.Conn) {
	if half, ok := conn.(interface{ CloseWrite() error }); ok {
		if half.CloseWrite() == nil && conn.SetDeadline(time.Now().Add(lingerTime)) == nil {
			_, _ = io.CopyN(io.Discard, conn, lingerBytes)
		}
	}
	_ = conn.Close()
}

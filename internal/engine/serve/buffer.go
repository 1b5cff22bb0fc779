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

// Buffers are the message buffers of the libraries that read into memory of the
// application. An idle connection holds none.
var Buffers = sync.Pool{New: func() any {
	b := make([]byte, 0, firstRead)
	return &b
}}

// Grow returns b with room behind its length.
func Grow(b []byte) []byte {
	if len(b) < cap(b) {
		return b
	}
	bigger := make([]byte, len(b), max(firstRead, 2*cap(b)))
	copy(bigger, b)
	return bigger
}

// CloseTime is how long an answer to the peer's Close may take to leave.
const CloseTime = 10 * time.Second

// LingerTime is how long [Linger] waits for the peer.
const LingerTime = time.Second

const lingerBytes = 1 << 20

// Linger gives a peer the chance to see the Close that was just sent: closing a
// socket with unread input resets it, and the Close may be lost on the way.
func Linger(conn net.Conn) {
	if half, ok := conn.(interface{ CloseWrite() error }); ok {
		if half.CloseWrite() == nil && conn.SetDeadline(time.Now().Add(LingerTime)) == nil {
			_, _ = io.CopyN(io.Discard, conn, lingerBytes)
		}
	}
	_ = conn.Close()
}

// ReadAll reads a message into *buf, grown as needed, and checks text as it
// arrives.
func ReadAll(r io.Reader, buf *[]byte, check bool) ([]byte, error) {
	b := (*buf)[:0]
	var text TextCheck
	for {
		b = Grow(b)
		*buf = b
		n, err := r.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		if check && n > 0 {
			if err := text.More(b); err != nil {
				return nil, err
			}
		}
		if err == io.EOF {
			if check {
				return b, text.End(b)
			}
			return b, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

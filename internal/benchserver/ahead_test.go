package benchserver

import (
	"net"
	"strconv"
	"testing"
	"time"

	"github.com/wsproof/wsproof/internal/engine/serve/servetest"
	"github.com/wsproof/wsproof/internal/wire"
)

// TestSentAhead is the async test at its worst: 100,000 messages are written
// before the first answer is read, through socket buffers of some KiB on both
// sides. Only the memory that the core keeps for replies can take them.
func TestSentAhead(t *testing.T) {
	const messages = 100000
	r := start(t, "-socket-buffer", "32768")
	for _, tc := range []struct {
		path   string
		opcode byte
		sent   func(n int) string
		want   func(n int) string
	}{
		{"/plain", wire.Text, func(n int) string { return "number: " + strconv.Itoa(n) }, func(n int) string { return "number: " + strconv.Itoa(n) }},
		{
			"/json", wire.Text,
			func(n int) string { return `{"number": ` + strconv.Itoa(n) + `}` },
			func(n int) string { return `{"number":` + strconv.Itoa(n+2-n%2) + `}` },
		},
	} {
		t.Run("path="+tc.path[1:], func(t *testing.T) {
			c := servetest.Connect(t, r.addr, tc.path)
			if err := c.Conn.(*net.TCPConn).SetReadBuffer(65536); err != nil {
				t.Fatal(err)
			}
			c.Conn.SetDeadline(time.Now().Add(time.Minute))
			var out []byte
			for n := range messages {
				f := wire.Frame{Fin: true, Opcode: tc.opcode, Masked: true, Key: [4]byte{9, 8, 7, 6}, Payload: []byte(tc.sent(n))}
				out = f.Append(out)
			}
			if _, err := c.Conn.Write(out); err != nil {
				t.Fatalf("writing: %v", err)
			}
			for n := range messages {
				f, err := c.Next()
				if err != nil || f.Opcode != tc.opcode || string(f.Payload) != tc.want(n) {
					t.Fatalf("answer %d is %s, %v; want %q", n, servetest.Describe(f), err, tc.want(n))
				}
			}
			c.Send(servetest.CloseFrame(1000, ""))
			c.WantClose(1000)
		})
	}
}

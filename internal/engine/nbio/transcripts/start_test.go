package transcripts

import (
	"net"
	"testing"

	"github.com/lesismal/nbio/nbhttp"
)

// An engine that was started can be stopped at once, with any number of pollers, and
// whichever descriptors are free.
func TestStart(t *testing.T) {
	for i := range 60 {
		e := nbhttp.NewEngine(nbhttp.Config{NPoller: 1 + i%6, ServerExecutor: here, ClientExecutor: here})
		if err := Start(e); err != nil {
			t.Fatalf("%d pollers: %v", 1+i%6, err)
		}
		e.Stop()
		if i%6 == 5 { // all numbers move by one
			taken, err := net.ListenPacket("udp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer taken.Close()
		}
	}
}

package core

import (
	"strconv"
	"testing"

	"github.com/wsproof/wsproof/internal/engine/serve"
	"github.com/wsproof/wsproof/websocket"
)

// BenchmarkStats is what the engine's code does for a message on the core, with
// and without counting.
func BenchmarkStats(b *testing.B) {
	for _, stats := range []bool{false, true} {
		b.Run("stats="+strconv.FormatBool(stats), func(b *testing.B) {
			c := &serverConn{Context: b.Context(), hub: serve.NewHub(serve.Echo, serve.Options{Stats: stats})}
			payload := []byte("number: 1")
			message := new(websocket.Message)
			for b.Loop() {
				message.Payload = payload
				if _, err := answer(c, message); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

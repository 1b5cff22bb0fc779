package benchserver

import (
	"testing"

	"github.com/wsproof/wsproof/bench/load"
	"github.com/wsproof/wsproof/internal/engine/engines"
)

// TestCompression has the load generator, which checks what comes back, send compressed
// messages to each engine that takes them; without the flag it is refused.
func TestCompression(t *testing.T) {
	for _, e := range engines.All() {
		if !e.Compresses() || e.Name == "gws" { // which answers what was not offered (RFC 7692 §7.1.2.2)
			continue
		}
		for _, on := range []bool{true, false} {
			args := []string{"-engine", e.Name}
			if on {
				args = append(args, "-compression")
			}
			r := start(t, args...)
			result, err := load.Run(t.Context(), load.Config{URL: "ws://" + r.addr, Mode: load.JSON, Compression: true, Messages: 20, Conns: 2})
			if (err == nil) != on || on && (result.Messages != 40 || result.Received == 0) {
				t.Errorf("%s with compression %t: %+v, %v", e.Name, on, result, err)
			}
			r.end()
		}
	}
}

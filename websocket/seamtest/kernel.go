//go:build unix

package seamtest

import "github.com/wsproof/wsproof/websocket/internal/seam"

// A Kernel is what a test plays: see [Play].
type Kernel = seam.Kernel

// Play has k do what the kernel does otherwise: nil ends that. Transports with a method
// Played count as sockets. No connection may be open.
func Play(k Kernel) {
	seam.Played = k
	if seam.Restart != nil {
		seam.Restart()
	}
}

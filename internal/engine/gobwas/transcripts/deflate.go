package transcripts

import (
	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsflate"
)

// What is in here versions before v1.1.0 do not have: rediscover leaves it out for them.

const compresses = true

// compressed is a frame that is a message, compressed.
func compressed(f ws.Frame) (ws.Frame, error) { return wsflate.CompressFrame(f) }

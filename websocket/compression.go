package websocket

import (
	"github.com/wsproof/wsproof/websocket/deflate"
	"github.com/wsproof/wsproof/websocket/protocol"
)

// Compression turns permessage-deflate (RFC 7692) on, and says what this side wants of
// it. The zero value is ready to use: context takeover and windows of 4 KiB each way, which
// cost a connection 14 KiB once it compresses and inflates, 8 KiB after some seconds
// without a message, and most of what larger ones save.
//
// Do not compress a secret together with text that an attacker chooses: how long the
// message becomes tells what of the secret the text repeats, and with context takeover
// so does each later message. Such a message can be left out: see Message.Uncompressed.
// One that goes to many connections is compressed once: see [Prepare].
type Compression struct {
	// ServerWindowBits and ClientWindowBits bound the windows of what the server and the
	// client compress with, as base-2 logarithms of bytes, 8 to 15: memory, and what a
	// message may refer back to. Default, and for all else: 12.
	ServerWindowBits, ClientWindowBits int
	// ServerNoContextTakeover and ClientNoContextTakeover have each message of the server,
	// or the client, compressed by itself: a connection then holds nothing between two.
	ServerNoContextTakeover, ClientNoContextTakeover bool
	// Level is how hard this side looks for matches. Default: deflate.Fast.
	Level deflate.Level
	// Threshold is the least size of a message that this side compresses, in bytes.
	// Default: 64 without context takeover of this side, else 1.
	Threshold int
}

// config is what this side wants, for the negotiation.
func (c *Compression) config() deflate.Config {
	return deflate.Config{
		ServerNoContextTakeover: c.ServerNoContextTakeover,
		ClientNoContextTakeover: c.ClientNoContextTakeover,
		ServerMaxWindowBits:     windowBits(c.ServerWindowBits),
		ClientMaxWindowBits:     windowBits(c.ClientWindowBits),
	}
}

func windowBits(bits int) int {
	if bits < deflate.MinWindowBits || bits > deflate.MaxWindowBits {
		return 12
	}
	return bits
}

// agreed returns what a connection of this side works with, when params were agreed on.
func (c *Compression) agreed(mode Mode, params deflate.Params) *protocol.Deflation {
	threshold := c.Threshold
	if threshold <= 0 {
		threshold = 1
		if mode == ServerMode && params.ServerNoContextTakeover || mode == ClientMode && params.ClientNoContextTakeover {
			threshold = 64
		}
	}
	level := c.Level
	if level != deflate.Best {
		level = deflate.Fast
	}
	return protocol.NewDeflation(mode, params, level, threshold)
}

// assumed returns what a connection works with whose handshake was not this package's:
// what Options.Compression says is what was agreed on.
func (c *Compression) assumed(mode Mode) *protocol.Deflation {
	if c == nil {
		return nil
	}
	return c.agreed(mode, deflate.Params(c.config()))
}

// offer is the value of the client's Sec-WebSocket-Extensions.
func (c *Compression) offer() string { return deflate.Offer(c.config()) }

// accept is the server's side of the negotiation. It returns the value of the answer's
// Sec-WebSocket-Extensions, "" for none.
func (c *Compression) accept(offers []string) (answer string, agreed *protocol.Deflation, refusal *HandshakeError) {
	if c == nil || len(offers) == 0 {
		return "", nil, nil
	}
	answer, params, ok, err := deflate.Accept(offers, c.config())
	switch {
	case err != nil:
		return "", nil, &HandshakeError{Status: 400, Reason: "Sec-WebSocket-Extensions is not as RFC 6455 §9.1 has it", Err: err}
	case !ok:
		return "", nil, nil
	}
	return answer, c.agreed(ServerMode, params), nil
}

// check is the client's side of the answer.
func (c *Compression) check(answer []string) (*protocol.Deflation, *HandshakeError) {
	params, ok, err := deflate.Check(answer, c.config())
	switch {
	case err != nil:
		return nil, &HandshakeError{Reason: "the server's Sec-WebSocket-Extensions", Err: err}
	case !ok:
		return nil, nil
	}
	return c.agreed(ClientMode, params), nil
}

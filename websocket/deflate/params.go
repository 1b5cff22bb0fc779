package deflate

// The bounds of an LZ77 sliding window, as the base-2 logarithm of its octets (RFC
// 7692 §7.1.2).
const (
	MinWindowBits = 8
	MaxWindowBits = 15
)

// Params are the parameters of an extension in use (RFC 7692 §7.1): what was agreed
// on.
type Params struct {
	// ServerNoContextTakeover: each message of the server is compressed by itself
	// (§7.1.1.1).
	ServerNoContextTakeover bool
	// ClientNoContextTakeover: each message of the client is compressed by itself
	// (§7.1.1.2).
	ClientNoContextTakeover bool
	// ServerMaxWindowBits bounds the window that the server compresses with, 8 to 15
	// (§7.1.2.1).
	ServerMaxWindowBits int
	// ClientMaxWindowBits bounds the window that the client compresses with, 8 to 15
	// (§7.1.2.2).
	ClientMaxWindowBits int
}

// Server returns what the server of the connection compresses and inflates with.
func (p Params) Server(level Level) (Compressor, Decompressor) {
	return NewCompressor(p.ServerMaxWindowBits, !p.ServerNoContextTakeover, level),
		NewDecompressor(p.ClientMaxWindowBits, !p.ClientNoContextTakeover)
}

// Client returns what the client of the connection compresses and inflates with.
func (p Params) Client(level Level) (Compressor, Decompressor) {
	return NewCompressor(p.ClientMaxWindowBits, !p.ClientNoContextTakeover, level),
		NewDecompressor(p.ServerMaxWindowBits, !p.ServerNoContextTakeover)
}

// A Config is what an endpoint wants of permessage-deflate. The zero Config wants
// context takeover and the largest window for both directions: the best
// compression, for the most memory.
type Config struct {
	// ServerNoContextTakeover keeps the server from using a message for the next.
	ServerNoContextTakeover bool
	// ClientNoContextTakeover keeps the client from using a message for the next.
	ClientNoContextTakeover bool
	// ServerMaxWindowBits, 8 to 15, bounds the window of the server's messages; 0 is 15.
	ServerMaxWindowBits int
	// ClientMaxWindowBits, 8 to 15, bounds the window of the client's messages; 0 is 15.
	// A client cannot be made to use a smaller window than 15 unless it offered that: a
	// server then asks it for no context takeover instead, so that a connection holds
	// no more than it should.
	ClientMaxWindowBits int
}

// windowBits returns both bounds, or panics if there is no such window.
func (c Config) windowBits() (server, client int) {
	server, client = c.ServerMaxWindowBits, c.ClientMaxWindowBits
	if server == 0 {
		server = MaxWindowBits
	}
	if client == 0 {
		client = MaxWindowBits
	}
	checkBits(server)
	checkBits(client)
	return server, client
}

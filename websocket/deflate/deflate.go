package deflate

import "sync"

// A Level says how hard a [Compressor] looks for matches.
type Level uint8

const (
	// Fast looks at one place where the octets were seen before, or at two.
	Fast Level = iota
	// Best looks at up to 128. That takes a twentieth to a fifth off the size and two to
	// eight times as long, and with takeover up to twice the memory.
	Best
)

// A Compressor compresses the messages that one peer of a connection sends (RFC
// 7692 §7.2.1). Make it with [NewCompressor]; do not copy it once it was used. One
// goroutine at a time may call its methods.
type Compressor struct {
	window   *window // with context takeover, since the first message
	bits     uint8
	takeover bool
	level    Level
}

// NewCompressor returns a Compressor for an LZ77 sliding window of 1<<windowBits
// octets, 8 to 15, that is kept from message to message if takeover is true. It
// takes no memory before the first message.
func NewCompressor(windowBits int, takeover bool, level Level) Compressor {
	checkBits(windowBits)
	return Compressor{bits: uint8(windowBits), takeover: takeover, level: level}
}

// Window returns the window that c was made for.
func (c *Compressor) Window() (bits int, takeover bool) { return int(c.bits), c.takeover }

// Level returns the level that c was made for.
func (c *Compressor) Level() Level { return c.level }

// Append appends message, compressed, to dst: the payload of a message with RSV1,
// to go out in one frame or in several (RFC 7692 §6.1). With context takeover the
// peer needs it for the messages behind. It is at most [MaxLen] octets long.
func (c *Compressor) Append(dst, message []byte) []byte {
	dst, _ = c.append(dst, message, MaxLen(len(message)))
	return dst
}

// AppendSmaller is Append if that makes message smaller. If it does not, it returns
// dst as it was, and false: message should go as it is, without RSV1, and is then no
// part of the context, which is as if the call had not been.
func (c *Compressor) AppendSmaller(dst, message []byte) ([]byte, bool) {
	return c.append(dst, message, len(message)-1)
}

// MaxLen returns how many octets a message of n octets may be long once compressed:
// 5 more for each begun 64 KiB, and 6.
func MaxLen(n int) int { return n + 5*((n+65535)/65536) + 6 }

// Note takes message into the context as if Append had compressed it: somebody else
// did, for a window no larger than this one and without a context, and it goes out
// with RSV1. So one compressed message serves many connections. It costs a copy of the
// message: finding matches in it is paid for by the next that is compressed.
func (c *Compressor) Note(message []byte) {
	if c.takeover {
		w := c.open()
		w.add(message, 1<<c.bits)
		w.work.fresh = min(w.work.fresh+len(message), len(w.buf))
	}
}

// Idle gives back what can be made again from the last octets of the messages,
// 1<<windowBits at most, which remain. The next message makes it.
func (c *Compressor) Idle() {
	if c.window != nil {
		c.window.shut(c.bits, c.level, true)
	}
}

// Release gives back everything, and with it the context. A connection that ends
// calls it.
func (c *Compressor) Release() {
	if c.window != nil {
		c.window.shut(c.bits, c.level, false)
		c.window = nil
	}
}

// open returns the window, ready for a message.
func (c *Compressor) open() *window {
	if c.window == nil {
		c.window = new(window)
	}
	c.window.open(c.bits, c.level)
	return c.window
}

// append appends message to dst if it takes no more than most octets.
func (c *Compressor) append(dst, message []byte, most int) ([]byte, bool) {
	e := encoders.Get().(*encoder)
	defer encoders.Put(e)
	e.begin(dst, message, c.level)
	if !c.takeover {
		e.alone(1 << c.bits)
	} else {
		e.within(c.open(), 1<<c.bits)
	}
	dst = e.end()
	if len(dst) > most+e.start {
		return dst[:e.start], false
	}
	if c.takeover {
		c.window.add(message, 1<<c.bits)
	}
	return dst, true
}

// encoders are shared by all connections: what a message needs while it is
// compressed.
var encoders = sync.Pool{New: func() any { return new(encoder) }}

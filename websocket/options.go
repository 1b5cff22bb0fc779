package websocket

import (
	"context"
	"net/http"
	"time"

	"github.com/wsproof/wsproof/websocket/protocol"
)

// The sizes that Options take where they are not set, in bytes.
const (
	DefaultMaxFrameSize   int = 16 << 10
	DefaultMaxMessageSize int = 256 << 10
)

const (
	defaultCloseTimeout = 5 * time.Second
	defaultLingerBytes  = 1 << 20
	defaultMaxPending   = 4 << 20
	defaultParkAfter    = 160 * time.Millisecond
)

// Options set the limits, timeouts and hooks of a connection. The zero value
// is ready to use: a field at zero or below takes the default it names.
type Options struct {
	// Hooks see what passes on the connection.
	Hooks Hooks

	// ReadTimeout bounds the time from the moment the reader waits for a frame
	// until that frame is complete. Default: none.
	ReadTimeout time.Duration
	// WriteTimeout bounds each write on the transport. Default: none.
	WriteTimeout time.Duration
	// MessageTimeout bounds the time from the first byte of a message's first
	// frame until the message is complete. Default: none.
	MessageTimeout time.Duration
	// PingInterval is how often an idle peer is pinged; a peer that sends
	// nothing at all for the interval after a ping is given up, if a read was
	// under way for that long. A ping waits behind the message that is being written,
	// so the interval must be longer than a peer takes for that. One that takes
	// nothing, so that reading has stopped (see MaxPending), is left to WriteTimeout.
	// The connections of a NewHandler share one timer for it.
	// Default: no pings.
	PingInterval time.Duration
	// CloseTimeout bounds the closing handshake and the draining of a failed
	// connection. Default: 5 s.
	CloseTimeout time.Duration

	// MaxFrameSize is the longest payload of a frame, in bytes: longer ones are
	// refused with ErrFrameTooLarge, longer messages are written in fragments of
	// this size. Default: DefaultMaxFrameSize, which is less than that of MaxMessageSize:
	// peers that send large messages in one frame need both to be set.
	MaxFrameSize int
	// MaxMessageSize is the longest message that is read, in bytes; a longer
	// one is refused with ErrMessageTooLarge. Default: DefaultMaxMessageSize.
	MaxMessageSize int
	// MaxPending is how many bytes of replies and pongs may wait for a peer that
	// does not read; then Serve and ReadMessage stop reading. Default: 4 MiB.
	MaxPending int
	// LingerBytes is how many bytes are read and dropped at the end of a connection,
	// so that the peer gets to see what this side has sent last. Default: 1 MiB.
	LingerBytes int

	// ReuseBuffers lets Serve use the memory again that it hands to the handler: a
	// message and its payload are then valid only until the handler returns, and
	// later belong to other messages, also of other connections. Default: each
	// message has memory of its own.
	ReuseBuffers bool

	// Compression, where set, has permessage-deflate (RFC 7692) negotiated: accepted by a
	// server if the client offers it, offered by a client. With New it says what the
	// handshake has agreed on. Default: none; RSV1 is then refused.
	Compression *Compression

	// ParkAfter is how long a connection of a NewHandler that was busy has to be idle to be
	// parked, at least: it then holds nothing but itself and its socket, and has a goroutine
	// again when something comes. One of which nothing is known yet, or that was idle for
	// long before, is parked after a sixteenth of that, or less. Nothing else of a connection changes.
	// Connections are parked on Linux, where net/http has them from a plain socket, without
	// TLS. Default: 160 ms; they never are, if it is negative.
	ParkAfter time.Duration

	// Subprotocols are those that a server speaks, or that a client offers, the
	// preferred ones first (RFC 6455 §4.1, §4.2.2). Not for New.
	Subprotocols []string
	// OriginPatterns are hosts (with port, if not the scheme's own) whose pages
	// may connect besides those of the same origin; * matches any run of
	// characters other than dot and colon, the pattern * alone any origin. Other
	// schemes than http and https, or one of them alone, are matched by a pattern
	// with a scheme: https://*.example.com. Accept and NewHandler only.
	OriginPatterns []string
	// CheckOrigin, where set, decides alone whether a request may connect, also
	// if it has no Origin. Accept and NewHandler only.
	CheckOrigin func(r *http.Request) bool

	// OnOpen is called with each connection of a NewHandler once it is open, before
	// anything is read, and with the request that opened it, which is valid during the
	// call: here an application keeps a connection to write to it, or gives it a state
	// of its own (see Context). A panic in it ends the connection, and goes on up to
	// net/http. NewHandler only.
	OnOpen func(*Websocket, *http.Request)
	// OnEnd is called once with each connection of a NewHandler, when it has ended, the
	// last hook has returned, and no handler of it is at work any more: with the context
	// that its handler had, where an application finds its own state. It is not called
	// where OnOpen has panicked. [Websocket.Err] tells why it has ended. Shutdown waits for
	// it. A panic in it ends the process. NewHandler only.
	OnEnd func(context.Context, *Websocket)
	// Context returns the context whose values the handler of a connection is to see,
	// as http.Server has ConnContext; its end and its deadline count for nothing. It is
	// called before the connection is open, with the request that opens it. Default: a
	// context that all connections of the server share, which has the values of
	// http.ServerContextKey and http.LocalAddrContextKey. What is kept for a connection
	// takes memory as long as that is open: the request's own context some 650 bytes.
	// NewHandler only.
	Context func(*http.Request) context.Context
}

// Hooks are called synchronously, with memory that is valid only during the
// call; a nil hook costs nothing. The read hooks are called by the reading
// goroutine, the write hooks by whichever goroutine writes or closes: by several
// at the same time, if several do. ClientKey is chosen by the client: a label for
// logs, no identity.
//
// A hook that panics while its connection is read or closed ends the connection,
// and the panic goes on up: on a goroutine of this package, as that of a timeout
// or of Shutdown, it ends the process. A write hook must not write or close itself, nor
// wait for what does. Behind a panic of the handler no hook is told what is still read.
type Hooks struct {
	// OnClose is called once, when the connection has ended: with the peer's
	// Close status, or the one that this side failed it with, be it for an error of the
	// handler, or else StatusAbnormalClose; and the error, nil after a clean close.
	// Serve returns after it.
	OnClose func(ClientKey, StatusCode, error)
	// OnReadError is called when reading fails, be it the transport or a rule:
	// before the Close that then follows, so that a hook that closes decides its
	// status.
	OnReadError func(ClientKey, error)
	// OnReadFrame is called for each frame that passed, control frames included.
	OnReadFrame func(ClientKey, *Frame)
	// OnReadMessage is called for each complete message, before it is delivered.
	OnReadMessage func(ClientKey, *Message)
	// OnWriteError is called when writing fails.
	OnWriteError func(ClientKey, error)
	// OnWriteFrame is called for each frame queued for the transport, control
	// frames included, with its payload unmasked.
	OnWriteFrame func(ClientKey, *Frame)
	// OnWriteMessage is called for each message queued for the transport.
	OnWriteMessage func(ClientKey, *Message)
}

func (o *Options) setDefaults() {
	orDefault(&o.MaxFrameSize, DefaultMaxFrameSize)
	orDefault(&o.MaxMessageSize, DefaultMaxMessageSize)
	orDefault(&o.MaxPending, defaultMaxPending)
	orDefault(&o.LingerBytes, defaultLingerBytes)
	orDefault(&o.CloseTimeout, defaultCloseTimeout)
	// The other times have none: who uses them asks whether they are above zero.
	if o.ParkAfter == 0 {
		o.ParkAfter = defaultParkAfter
	}
}

// settings are options with their defaults, as connections share them.
type settings struct {
	Options
	limits protocol.Limits
	quiet  bool // no hook wants to know of messages
	rota   rota
}

func newSettings(o Options) *settings {
	o.setDefaults()
	h := &o.Hooks
	return &settings{
		rota:    rota{interval: o.PingInterval},
		Options: o,
		limits:  protocol.Limits{MaxFrameSize: o.MaxFrameSize, MaxMessageSize: o.MaxMessageSize},
		quiet:   h.OnReadMessage == nil && h.OnWriteFrame == nil && h.OnWriteMessage == nil,
	}
}

// reader and writer are those of a connection.
func (s *settings) reader(mode Mode, d *protocol.Deflation) protocol.Reader {
	r := protocol.NewReader(mode, &s.limits)
	r.Deflate(d)
	r.EachFrame = s.timesReads() || s.Hooks.OnReadFrame != nil
	return r
}

func (s *settings) writer(mode Mode, d *protocol.Deflation) protocol.Writer {
	w := protocol.NewWriter(mode, &s.limits)
	w.Deflate(d)
	return w
}

// pingRota is of the connections that are to be pinged.
func (s *settings) pingRota() *rota { return &s.rota }

// timesReads reports whether reading is bounded in time.
func (s *settings) timesReads() bool { return s.ReadTimeout > 0 || s.MessageTimeout > 0 }

// defaultSettings are those of the zero Options.
var defaultSettings = newSettings(Options{})

// shared returns the settings for the options. Connections without options of their own
// share one copy.
func (o *Options) shared() *settings {
	if o.isZero() {
		return defaultSettings
	}
	return newSettings(*o)
}

func (o *Options) isZero() bool {
	return o.Hooks.none() &&
		o.ReadTimeout == 0 && o.WriteTimeout == 0 && o.MessageTimeout == 0 && o.PingInterval == 0 && o.CloseTimeout == 0 &&
		o.MaxFrameSize == 0 && o.MaxMessageSize == 0 && o.MaxPending == 0 && o.LingerBytes == 0 &&
		!o.ReuseBuffers && o.Subprotocols == nil && o.OriginPatterns == nil && o.CheckOrigin == nil &&
		o.OnOpen == nil && o.OnEnd == nil && o.Context == nil && o.Compression == nil && o.ParkAfter == 0
}

func (h *Hooks) none() bool {
	return h.OnClose == nil && h.OnReadError == nil && h.OnReadFrame == nil && h.OnReadMessage == nil &&
		h.OnWriteError == nil && h.OnWriteFrame == nil && h.OnWriteMessage == nil
}

func orDefault[T int | time.Duration](field *T, def T) {
	if *field <= 0 {
		*field = def
	}
}

package live

import (
	"fmt"
	"strings"
	"time"

	"github.com/wsproof/wsproof/fuzz/input"
	"github.com/wsproof/wsproof/internal/model"
	"github.com/wsproof/wsproof/websocket"
	"github.com/wsproof/wsproof/websocket/deflate"
)

// connHead is how many bytes of an input choose the options.
const connHead = 4

// The bits of those bytes.
const (
	bitClient = 1 << iota
	bitReuse
	bitSmallPending
	bitMost // two bits
	_
	bitSlow // writes and hooks take a moment
	bitUser // two bits
	_
	bitReadTimeout
	bitMessageTimeout
	bitWriteTimeout
	bitPings
	bitCloseTimeout
	bitLinger
	bitLimits // two bits
	_
	bitFewHooks // none that see frames or messages
	bitBare
	bitEnding // two bits
	_
	bitAnswers
	bitHook // three bits: the one hook that there is, or 0
	_
	_
	bitSocket     // the transport is a socket
	bitInterrupts // whose system calls are interrupted
	bitNegative   // options that are not set are negative
	bitContexts   // each call of ReadMessage has a context of its own
	bitDeflate    // permessage-deflate was agreed on
	bitTerms      // how: three bits
	_
	_
)

// The times of the options, where they are set.
const (
	connReadTimeout    = 10 * time.Second
	connMessageTimeout = 15 * time.Second
	connWriteTimeout   = 4 * time.Second
	connPingInterval   = 7 * time.Second
	connCloseTimeout   = 3 * time.Second
)

const (
	smallPending = 300
	smallLinger  = 64
)

// Who reads on the connection.
const (
	userServe    = iota // Serve
	userServeToo        // Serve, as well
	userReads           // a loop of ReadMessage
	userNobody          // nobody, until it is closed
)

// How a conversation ends, when the ops are over.
const (
	endsByPeer    = iota // the peer ends its direction
	endsByPeerToo        // as well
	endsBySilence        // the peer says nothing any more, then that
	endsByContext        // the context ends
	silence       = 40 * time.Second
)

var (
	connMost   = [4]int{0, 1, 7, 64}
	connLimits = [4]model.Limits{{Frame: 200, Message: 600}, {Frame: 125, Message: 125}, {Frame: 16 << 10, Message: 64 << 10}, {Frame: 1000, Message: 5000}}
)

// connOptions are what the first bytes of an input choose.
type connOptions struct {
	bits   int
	limits model.Limits
}

func newConnOptions(src *input.Source) connOptions {
	o := connOptions{}
	for i := range connHead {
		o.bits |= int(src.Next()) << (8 * i)
	}
	o.limits = connLimits[o.two(bitLimits)]
	return o
}

func (o *connOptions) has(bit int) bool { return o.bits&bit != 0 }

// two returns the number in two bits.
func (o *connOptions) two(bit int) int { return o.bits / bit & 3 }

// timed tells whether there is a timeout that needs a transport with deadlines.
func (o *connOptions) timed() bool {
	return o.has(bitReadTimeout) || o.has(bitMessageTimeout) || o.has(bitWriteTimeout)
}

// The hooks.
const (
	onClose = iota + 1
	onReadError
	onReadFrame
	onReadMessage
	onWriteError
	onWriteFrame
	onWriteMessage
)

// hooked tells whether there is a hook: one alone, or all, or none that sees frames or
// messages, or none at all.
func (o *connOptions) hooked(hook int) bool {
	if only := o.bits / bitHook & 7; only != 0 {
		return hook == only
	}
	return !o.has(bitFewHooks) || o.two(bitUser) != userServeToo && (hook == onClose || hook == onReadError || hook == onWriteError)
}

// hooks tells which there are.
func (o *connOptions) hooks() string {
	var list []string
	for i, name := range [...]string{"OnClose", "OnReadError", "OnReadFrame", "OnReadMessage", "OnWriteError", "OnWriteFrame", "OnWriteMessage"} {
		if o.hooked(i + 1) {
			list = append(list, name)
		}
	}
	return strings.Join(list, " ")
}

// bare tells whether the transport can only read, write and close.
func (o *connOptions) bare() bool { return o.has(bitBare) && !o.timed() && !o.socket() }

// socket tells whether it counts as a socket of the kernel.
func (o *connOptions) socket() bool { return o.has(bitSocket) }

// connTerms are what may be agreed on of permessage-deflate.
var connTerms = [8]model.Deflate{
	{ServerMaxWindowBits: 15, ClientMaxWindowBits: 15},
	{ServerMaxWindowBits: 12, ClientMaxWindowBits: 12},
	{ServerMaxWindowBits: 8, ClientMaxWindowBits: 15},
	{ServerMaxWindowBits: 15, ClientMaxWindowBits: 8},
	{ServerMaxWindowBits: 15, ClientMaxWindowBits: 15, ServerNoContextTakeover: true},
	{ServerMaxWindowBits: 15, ClientMaxWindowBits: 15, ClientNoContextTakeover: true},
	{ServerMaxWindowBits: 15, ClientMaxWindowBits: 15, ServerNoContextTakeover: true, ClientNoContextTakeover: true},
	{ServerMaxWindowBits: 8, ClientMaxWindowBits: 8},
}

// deflate is what was agreed on of permessage-deflate, nil if nothing was.
func (o *connOptions) deflate() *model.Deflate {
	if !o.has(bitDeflate) {
		return nil
	}
	return &connTerms[o.bits/bitTerms&7]
}

// threshold is from how many bytes on this side compresses a message.
func (o *connOptions) threshold() int { return [4]int{1, 2, 20, 300}[o.two(bitMost)] }

func (o *connOptions) role() model.Role { return model.Role(o.has(bitClient)) }

func (o *connOptions) mode() websocket.Mode {
	if o.has(bitClient) {
		return websocket.ClientMode
	}
	return websocket.ServerMode
}

// closeTimeout returns the bound of the closing handshake.
func (o *connOptions) closeTimeout() time.Duration {
	if o.has(bitCloseTimeout) {
		return connCloseTimeout
	}
	return 5 * time.Second // the default
}

// options returns the options of the connection, without hooks.
func (o *connOptions) options() websocket.Options {
	opts := websocket.Options{}
	if o.has(bitNegative) {
		opts = websocket.Options{MaxPending: -1, ReadTimeout: -1, MessageTimeout: -1, WriteTimeout: -1, PingInterval: -1, CloseTimeout: -1, LingerBytes: -1, ParkAfter: -1}
	}
	opts.MaxFrameSize, opts.MaxMessageSize, opts.ReuseBuffers = o.limits.Frame, o.limits.Message, o.has(bitReuse)
	if o.has(bitSmallPending) {
		opts.MaxPending = smallPending
	}
	if o.has(bitReadTimeout) {
		opts.ReadTimeout = connReadTimeout
	}
	if o.has(bitMessageTimeout) {
		opts.MessageTimeout = connMessageTimeout
	}
	if o.has(bitWriteTimeout) {
		opts.WriteTimeout = connWriteTimeout
	}
	if o.has(bitPings) {
		opts.PingInterval = connPingInterval
	}
	if o.has(bitCloseTimeout) {
		opts.CloseTimeout = connCloseTimeout
	}
	if o.has(bitLinger) {
		opts.LingerBytes = smallLinger
	}
	if d := o.deflate(); d != nil {
		opts.Compression = &websocket.Compression{
			ServerWindowBits: d.ServerMaxWindowBits, ClientWindowBits: d.ClientMaxWindowBits,
			ServerNoContextTakeover: d.ServerNoContextTakeover, ClientNoContextTakeover: d.ClientNoContextTakeover,
			Level: deflate.Level(o.bits / bitTerms & 1), Threshold: o.threshold(),
		}
	}
	return opts
}

func (o *connOptions) String() string {
	user := [4]string{"Serve", "Serve", "ReadMessage", "nobody reads"}[o.two(bitUser)]
	ending := [4]string{"the peer ends", "the peer ends", "silence", "the context ends"}[o.two(bitEnding)]
	terms := "nothing"
	if d := o.deflate(); d != nil {
		terms = fmt.Sprintf("%+v from %d bytes on", *d, o.threshold())
	}
	return fmt.Sprintf("%s by a %v with limits %+v, ReuseBuffers %t, MaxPending %t, ReadTimeout %t, MessageTimeout %t, WriteTimeout %t, PingInterval %t, CloseTimeout %v, LingerBytes %t, hooks %s; a transport of reads of %d bytes (0: as asked for), slow writes and hooks %t, bare %t, a socket %t whose calls are interrupted %t; options negative where not set %t; contexts of each read %t; pings are answered %t; compressed %s; in the end %s",
		user, o.role(), o.limits, o.has(bitReuse), o.has(bitSmallPending), o.has(bitReadTimeout), o.has(bitMessageTimeout), o.has(bitWriteTimeout),
		o.has(bitPings), o.closeTimeout(), o.has(bitLinger), o.hooks(), connMost[o.two(bitMost)], o.has(bitSlow), o.bare(), o.socket(), o.has(bitInterrupts), o.has(bitNegative), o.has(bitContexts), o.has(bitAnswers), terms, ending)
}

// connOptionBits are options of which each has its turn, alone and with others.
func connOptionBits(n int) []byte {
	bits := n*0x9E3779B1>>3 | 1<<(n%20)
	if n%3 == 0 {
		bits &= bitClient | bitReuse | bitUser*3 | bitReadTimeout | bitMessageTimeout | bitEnding*3 | bitFewHooks
	}
	if n%7 != 5 { // all hooks, or few
		bits &^= bitHook * 7
	}
	return []byte{byte(bits), byte(bits >> 8), byte(bits >> 16), byte(n >> 1 & 15)}
}

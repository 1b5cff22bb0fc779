package protocol

import (
	"bytes"
	"math/bits"
	"sync"

	"github.com/wsproof/wsproof/websocket/deflate"
)

// A Prepared is a message that goes to many connections: it is checked once, and
// compressed and framed once for all that send it on the same [Terms]. It does not
// change, and its methods may be called from any goroutine. Make it with [Prepare].
type Prepared struct {
	message Message
	mu      sync.Mutex
	made    []*Rendering
}

// Terms are what the bytes of a Prepared depend on: who sends it, in frames of which
// size, and how it is compressed.
type Terms struct {
	mode   Mode
	most   int   // bytes of payload in a frame
	window uint8 // the message is compressed for one of so many bits; 0: it is not
	level  deflate.Level
}

// A Rendering is a Prepared as it is sent on some terms.
type Rendering struct {
	terms     Terms
	fragments Fragments
	whole     []byte   // a server's frames: a client masks each with a key of its own (RFC 6455 §5.3)
	noted     *Message // if it is compressed
}

// Prepare returns msg, which it copies, for many connections; or ErrInvalidFramePayload
// for a text that is not UTF-8.
func Prepare(msg *Message) (*Prepared, error) {
	if !msg.Binary && !ValidUTF8(msg.Payload) {
		return nil, ErrInvalidFramePayload
	}
	p := &Prepared{message: *msg}
	p.message.Payload = bytes.Clone(msg.Payload)
	return p, nil
}

// Message returns the message, which must not be changed.
func (p *Prepared) Message() *Message { return &p.message }

// Terms returns those on which the Writer sends p. It may be called from any goroutine.
func (w *Writer) Terms(p *Prepared) Terms {
	t := Terms{mode: w.mode, most: int(w.most)}
	if n := len(p.message.Payload); w.deflate.wants(n) && !p.message.Uncompressed {
		window, level := w.deflate.renders()
		// None needs to be larger than the message.
		t.window = uint8(min(window, max(deflate.MinWindowBits, bits.Len(uint(n-1)))))
		t.level = level
	}
	return t
}

// Render returns what is sent on t. It makes it if nobody has asked for it before; who
// asks at the same time waits.
func (p *Prepared) Render(t Terms) *Rendering {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, r := range p.made {
		if r.terms == t {
			return r
		}
	}
	r := &Rendering{terms: t, fragments: fragmentsOf(p.message.Binary, p.message.Payload, t.mode, t.most)}
	if t.window > 0 {
		// Without a context: each connection has another one.
		c := deflate.NewCompressor(int(t.window), false, t.level)
		if small, ok := c.AppendSmaller(nil, p.message.Payload); ok {
			r.fragments.compressTo(small)
			r.noted = &p.message
		}
	}
	if t.mode == ServerMode {
		f := r.fragments
		r.whole = make([]byte, 0, f.Size())
		for more := true; more; {
			r.whole, more = f.Append(r.whole)
		}
	}
	p.made = append(p.made, r)
	return r
}

// Whole returns all bytes of r, or nil where each connection has others.
func (r *Rendering) Whole() []byte { return r.whole }

// Send returns the frames of r, which was rendered on the terms of the Writer. They go
// out before anything that is queued or cut later, as those of [Writer.Fragments] do.
func (w *Writer) Send(r *Rendering) Fragments {
	if r.noted != nil && !w.closed {
		w.deflate.note(r.noted.Payload)
	}
	return r.fragments
}

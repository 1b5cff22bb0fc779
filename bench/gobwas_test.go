package bench

import (
	"bufio"
	"errors"
	"io"
	"unicode/utf8"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
)

func gobwasState(t *task) ws.State {
	if t.client {
		return ws.StateClientSide
	}
	return ws.StateServerSide
}

var errTooLarge = errors.New("bench: too large")

// gobwasFrame reads a frame into buf, with the checks that the core's frame
// reader makes: masked as the role asks, and not longer than the limit.
func gobwasFrame(r io.Reader, t *task, header, buf []byte) (ws.Header, []byte, error) {
	h, err := ws.ReadHeaderBuffer(r, header)
	if err != nil {
		return h, nil, err
	}
	if h.Masked == t.client {
		return h, nil, ws.ErrProtocolMaskRequired
	}
	if h.Length > most {
		return h, nil, errTooLarge
	}
	have := len(buf)
	need := have + int(h.Length)
	if cap(buf) < need {
		buf = append(make([]byte, 0, max(need, 2*cap(buf))), buf...)
	}
	buf = buf[:need]
	if _, err := io.ReadFull(r, buf[have:]); err != nil {
		return h, nil, err
	}
	if h.Masked {
		ws.Cipher(buf[have:], h.Mask, 0)
	}
	return h, buf, nil
}

var gobwasReads = []variant{
	{lib: "gobwas", api: "best", open: func(t *task) (*op, error) {
		s := t.stream()
		br := bufio.NewReaderSize(s, readBuffer)
		header := make([]byte, ws.MaxHeaderSize)
		var last []byte
		return &op{s: s, last: func() []byte { return last }, loop: func(next func() bool) error {
			for next() {
				var err error
				if _, last, err = gobwasFrame(br, t, header, last[:0]); err != nil {
					return err
				}
			}
			return nil
		}}, nil
	}},
	{lib: "gobwas", api: "readme", open: func(t *task) (*op, error) { // the lower-level example
		s := t.stream()
		var last []byte
		return &op{s: s, last: func() []byte { return last }, loop: func(next func() bool) error {
			for next() {
				h, err := ws.ReadHeader(s)
				if err != nil {
					return err
				}
				last = make([]byte, h.Length)
				if _, err = io.ReadFull(s, last); err != nil {
					return err
				}
				if h.Masked {
					ws.Cipher(last, h.Mask, 0)
				}
			}
			return nil
		}}, nil
	}},
	{lib: "gobwas", api: "conn", open: gobwasMessages[1].open}, // wsutil.Reader, with the state of a connection
	{lib: "gobwas", api: "readframe", open: func(t *task) (*op, error) { // deprecated, but the direct counterpart of ReadFrame
		s := t.stream()
		var last []byte
		return &op{s: s, last: func() []byte { return last }, loop: func(next func() bool) error {
			for next() {
				f, err := ws.ReadFrame(s) //lint:ignore SA1019 it is measured, not relied on
				if err != nil {
					return err
				}
				last = ws.UnmaskFrameInPlace(f).Payload
			}
			return nil
		}}, nil
	}},
}

var gobwasMessages = []variant{
	{lib: "gobwas", api: "best", open: func(t *task) (*op, error) { // by hand: frames into one buffer, text checked there
		s := t.stream()
		br := bufio.NewReaderSize(s, readBuffer)
		header := make([]byte, ws.MaxHeaderSize)
		var last []byte
		return &op{s: s, last: func() []byte { return last }, loop: func(next func() bool) error {
			for next() {
				state := gobwasState(t)
				last = last[:0]
				for {
					h, buf, err := gobwasFrame(br, t, header, last)
					if err == nil {
						err = ws.CheckHeader(h, state)
					}
					if err != nil {
						return err
					}
					if last = buf; len(buf) > most {
						return errTooLarge
					}
					if h.Fin {
						break
					}
					state = state.Set(ws.StateFragmented)
				}
				if t.text != "" && !utf8.Valid(last) {
					return errUTF8
				}
			}
			return nil
		}}, nil
	}},
	{lib: "gobwas", api: "wsutil", open: func(t *task) (*op, error) { // wsutil.Reader into an own buffer
		s := t.stream()
		r := &wsutil.Reader{
			Source: bufio.NewReaderSize(s, readBuffer), State: gobwasState(t),
			CheckUTF8: t.text != "", MaxFrameSize: most, MaxMessageSize: most,
		}
		var last []byte
		return &op{s: s, last: func() []byte { return last }, loop: func(next func() bool) error {
			for next() {
				if _, err := r.NextFrame(); err != nil {
					return err
				}
				var err error
				if last, err = readInto(r, last[:0]); err != nil {
					return err
				}
			}
			return nil
		}}, nil
	}},
	{lib: "gobwas", api: "readme", open: func(t *task) (*op, error) { // wsutil.ReadClientData; UTF-8 is checked by default
		s := t.stream()
		read := wsutil.ReadClientData
		if t.client {
			read = wsutil.ReadServerData
		}
		var last []byte
		return &op{s: s, last: func() []byte { return last }, loop: func(next func() bool) error {
			for next() {
				var err error
				if last, _, err = read(s); err != nil {
					return err
				}
			}
			return nil
		}}, nil
	}},
}

// readInto appends all of r to buf, which grows by doubling.
func readInto(r io.Reader, buf []byte) ([]byte, error) {
	for {
		if len(buf) == cap(buf) {
			buf = append(make([]byte, 0, max(512, 2*cap(buf))), buf...)
		}
		n, err := r.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if err == io.EOF {
			return buf, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

var gobwasWrites = []variant{
	{lib: "gobwas", api: "best", open: func(t *task) (*op, error) { // header and payload into an own buffer, one Write
		s, payload := t.stream(), t.payloads[0]
		out := &appender{buf: make([]byte, 0, len(payload)+ws.MaxHeaderSize)}
		header := make([]byte, ws.MaxHeaderSize)
		h := ws.Header{Fin: true, OpCode: ws.OpBinary, Length: int64(len(payload)), Masked: t.client}
		return &op{s: s, loop: func(next func() bool) error {
			for next() {
				if t.client {
					h.Mask = ws.NewMask()
				}
				out.buf = out.buf[:0]
				if err := ws.WriteHeaderBuffer(out, h, header); err != nil {
					return err
				}
				out.buf = appendMasked(out.buf, payload, h)
				if _, err := s.Write(out.buf); err != nil {
					return err
				}
			}
			return nil
		}}, nil
	}},
	{lib: "gobwas", api: "readme", open: func(t *task) (*op, error) { // wsutil.WriteServerMessage
		s, payload := t.stream(), t.payloads[0]
		write := wsutil.WriteServerMessage
		if t.client {
			write = wsutil.WriteClientMessage
		}
		return &op{s: s, loop: func(next func() bool) error {
			for next() {
				if err := write(s, ws.OpBinary, payload); err != nil {
					return err
				}
			}
			return nil
		}}, nil
	}},
	{lib: "gobwas", api: "compile", open: func(t *task) (*op, error) { // the counterpart of MarshalFrame
		s, payload := t.stream(), t.payloads[0]
		return &op{s: s, loop: func(next func() bool) error {
			for next() {
				f := ws.NewBinaryFrame(payload)
				if t.client {
					f = ws.MaskFrame(f)
				}
				b, err := ws.CompileFrame(f)
				if err != nil {
					return err
				}
				if _, err := s.Write(b); err != nil {
					return err
				}
			}
			return nil
		}}, nil
	}},
}

// appendMasked copies the payload, masked where the header says so, in pieces
// that are still in the cache when they are masked.
func appendMasked(dst, payload []byte, h ws.Header) []byte {
	if !h.Masked {
		return append(dst, payload...)
	}
	const piece = 8 << 10
	for off := 0; off < len(payload); off += piece {
		n := len(dst)
		dst = append(dst, payload[off:min(off+piece, len(payload))]...)
		ws.Cipher(dst[n:], h.Mask, off)
	}
	return dst
}

type appender struct{ buf []byte }

func (a *appender) Write(p []byte) (int, error) {
	a.buf = append(a.buf, p...)
	return len(p), nil
}

package gobwas

import (
	"bufio"
	"errors"
	"io"
	"net/http"
	"unicode/utf8"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"

	"github.com/wsproof/wsproof/internal/engine/task"
)

// tasks are what the benchmarks measure.
var tasks = task.Set{
	Reads:    benchReads,
	Messages: benchMessages,
	Writes:   benchWrites,
	Upgrades: benchUpgrades,
	Maskers:  benchMaskers,
	Assembly: true,
	Echo: []task.Echo{
		{API: "best", Serve: task.OnHTTP(echoBest)},
		{API: "flush", Serve: task.OnHTTP(echoFlush)},
		{API: "flushtuned", Serve: task.OnHTTP(echoFlushTuned)},
		{API: "readme", Serve: task.OnHTTP(echoReadme)},
		{API: "listener", Serve: echoListener},
	},
}

func benchState(t *task.Task) ws.State {
	if t.Client {
		return ws.StateClientSide
	}
	return ws.StateServerSide
}

var errTooLarge = errors.New("bench: too large")

// benchFrame reads a frame into buf, with the checks that the core's frame
// reader makes: masked as the role asks, and not longer than the limit.
func benchFrame(r io.Reader, t *task.Task, header, buf []byte) (ws.Header, []byte, error) {
	h, err := ws.ReadHeaderBuffer(r, header)
	if err != nil {
		return h, nil, err
	}
	if h.Masked == t.Client {
		return h, nil, ws.ErrProtocolMaskRequired
	}
	if h.Length > task.Most {
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

var benchReads = []task.Variant{
	{API: "best", Open: func(t *task.Task) (*task.Op, error) {
		s := t.Stream()
		br := bufio.NewReaderSize(s, task.ReadBuffer)
		header := make([]byte, ws.MaxHeaderSize)
		var last []byte
		return &task.Op{Stream: s, Last: func() []byte { return last }, Loop: func(next func() bool) error {
			for next() {
				var err error
				if _, last, err = benchFrame(br, t, header, last[:0]); err != nil {
					return err
				}
			}
			return nil
		}}, nil
	}},
	{API: "readme", Open: func(t *task.Task) (*task.Op, error) { // the lower-level example
		s := t.Stream()
		var last []byte
		return &task.Op{Stream: s, Last: func() []byte { return last }, Loop: func(next func() bool) error {
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
	{API: "conn", Open: benchMessages[1].Open}, // wsutil.Reader, with the state of a connection
	{API: "readframe", Open: func(t *task.Task) (*task.Op, error) { // deprecated, but the direct counterpart of ReadFrame
		s := t.Stream()
		var last []byte
		return &task.Op{Stream: s, Last: func() []byte { return last }, Loop: func(next func() bool) error {
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

var benchMessages = []task.Variant{
	{API: "best", Open: func(t *task.Task) (*task.Op, error) { // by hand: frames into one buffer, text checked there
		s := t.Stream()
		br := bufio.NewReaderSize(s, task.ReadBuffer)
		header := make([]byte, ws.MaxHeaderSize)
		var last []byte
		return &task.Op{Stream: s, Last: func() []byte { return last }, Loop: func(next func() bool) error {
			for next() {
				state := benchState(t)
				last = last[:0]
				for {
					h, buf, err := benchFrame(br, t, header, last)
					if err == nil {
						err = ws.CheckHeader(h, state)
					}
					if err != nil {
						return err
					}
					if last = buf; len(buf) > task.Most {
						return errTooLarge
					}
					if h.Fin {
						break
					}
					state = state.Set(ws.StateFragmented)
				}
				if t.Text != "" && !utf8.Valid(last) {
					return task.ErrUTF8
				}
			}
			return nil
		}}, nil
	}},
	{API: "wsutil", Open: func(t *task.Task) (*task.Op, error) { // wsutil.Reader into an own buffer
		s := t.Stream()
		r := &wsutil.Reader{
			Source: bufio.NewReaderSize(s, task.ReadBuffer), State: benchState(t),
			CheckUTF8: t.Text != "", MaxFrameSize: task.Most, MaxMessageSize: task.Most,
		}
		var last []byte
		return &task.Op{Stream: s, Last: func() []byte { return last }, Loop: func(next func() bool) error {
			for next() {
				if _, err := r.NextFrame(); err != nil {
					return err
				}
				var err error
				if last, err = task.ReadInto(r, last[:0]); err != nil {
					return err
				}
			}
			return nil
		}}, nil
	}},
	{API: "readme", Open: func(t *task.Task) (*task.Op, error) { // wsutil.ReadClientData; UTF-8 is checked by default
		s := t.Stream()
		read := wsutil.ReadClientData
		if t.Client {
			read = wsutil.ReadServerData
		}
		var last []byte
		return &task.Op{Stream: s, Last: func() []byte { return last }, Loop: func(next func() bool) error {
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

var benchWrites = []task.Variant{
	{API: "best", Open: func(t *task.Task) (*task.Op, error) { // header and payload into an own buffer, one Write
		s, payload := t.Stream(), t.Payloads[0]
		out := &appender{buf: make([]byte, 0, len(payload)+ws.MaxHeaderSize)}
		header := make([]byte, ws.MaxHeaderSize)
		h := ws.Header{Fin: true, OpCode: ws.OpBinary, Length: int64(len(payload)), Masked: t.Client}
		return &task.Op{Stream: s, Loop: func(next func() bool) error {
			for next() {
				if t.Client {
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
	{API: "readme", Open: func(t *task.Task) (*task.Op, error) { // wsutil.WriteServerMessage
		s, payload := t.Stream(), t.Payloads[0]
		write := wsutil.WriteServerMessage
		if t.Client {
			write = wsutil.WriteClientMessage
		}
		return &task.Op{Stream: s, Loop: func(next func() bool) error {
			for next() {
				if err := write(s, ws.OpBinary, payload); err != nil {
					return err
				}
			}
			return nil
		}}, nil
	}},
	{API: "compile", Open: func(t *task.Task) (*task.Op, error) { // the counterpart of MarshalFrame
		s, payload := t.Stream(), t.Payloads[0]
		return &task.Op{Stream: s, Loop: func(next func() bool) error {
			for next() {
				f := ws.NewBinaryFrame(payload)
				if t.Client {
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

var benchUpgrades = []task.Upgrade{
	{API: "best", Prepare: func() func(w *task.Response, r *http.Request, s *task.Stream) error {
		return func(w *task.Response, r *http.Request, _ *task.Stream) error {
			_, _, _, err := ws.UpgradeHTTP(r, w)
			return err
		}
	}},
	{API: "zerocopy", Raw: true, Prepare: func() func(w *task.Response, r *http.Request, s *task.Stream) error {
		return func(_ *task.Response, _ *http.Request, s *task.Stream) error {
			_, err := ws.Upgrade(s)
			return err
		}
	}},
}

var benchMaskers = []task.Masker{
	{Via: "cipher", Mask: func(b []byte) func() []byte { // in place
		return func() []byte { ws.Cipher(b, task.MaskKey, 0); return b }
	}},
	{Via: "copycipher", Mask: func(b []byte) func() []byte { // what AppendFrame does, without the header
		buf := make([]byte, 0, len(b))
		return func() []byte {
			buf = append(buf[:0], b...)
			ws.Cipher(buf, task.MaskKey, 0)
			return buf
		}
	}},
}

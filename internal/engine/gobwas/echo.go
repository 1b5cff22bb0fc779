package gobwas

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"unicode/utf8"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"

	"github.com/wsproof/wsproof/internal/engine/task"
)

// echoLoop upgrades each request and serves it on a goroutine of its own, so
// that net/http's can go, with a larger reader than net/http's. What waits in
// that is not lost.
func echoLoop(loop func(net.Conn, *bufio.Reader)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, rw, _, err := ws.UpgradeHTTP(r, w)
		if err != nil {
			return
		}
		go func() {
			defer conn.Close()
			var source io.Reader = conn
			if waiting, _ := rw.Reader.Peek(rw.Reader.Buffered()); len(waiting) > 0 {
				source = io.MultiReader(bytes.NewReader(waiting), conn)
			}
			loop(conn, bufio.NewReaderSize(source, task.EchoReadBuffer))
		}()
	})
}

var errGobwas = errors.New("echo: a message that this server does not take")

// echoFrame reads one frame, unfragmented as the load sends them, into buf
// behind room for the answer's header. It answers a Close and then fails.
func echoFrame(conn net.Conn, br *bufio.Reader, header, buf []byte) (ws.Header, []byte, error) {
	h, err := ws.ReadHeaderBuffer(br, header)
	if err != nil {
		return h, buf, err
	}
	if err := ws.CheckHeader(h, ws.StateServerSide); err != nil {
		return h, buf, err
	}
	if h.Length > task.Most || !h.Fin {
		return h, buf, errGobwas
	}
	need := ws.MaxHeaderSize + int(h.Length)
	if cap(buf) < need {
		buf = make([]byte, max(need, 2*cap(buf)))
	}
	buf = buf[:need]
	if _, err := io.ReadFull(br, buf[ws.MaxHeaderSize:]); err != nil {
		return h, buf, err
	}
	ws.Cipher(buf[ws.MaxHeaderSize:], h.Mask, 0)
	switch h.OpCode {
	case ws.OpText:
		if !utf8.Valid(buf[ws.MaxHeaderSize:]) {
			return h, buf, task.ErrUTF8
		}
		return h, buf, nil
	case ws.OpBinary:
		return h, buf, nil
	case ws.OpClose:
		_ = ws.WriteFrame(conn, ws.NewCloseFrame(buf[ws.MaxHeaderSize:]))
		return h, buf, io.EOF
	}
	return h, buf, errGobwas
}

// answerHeader writes the header of the answer right before the payload and
// returns where it begins.
func answerHeader(buf []byte, h ws.Header, scratch *fixed) int {
	h.Masked = false
	scratch.n = 0
	_ = ws.WriteHeaderBuffer(scratch, h, scratch.header[:])
	begin := ws.MaxHeaderSize - scratch.n
	copy(buf[begin:], scratch.b[:scratch.n])
	return begin
}

type fixed struct {
	b, header [ws.MaxHeaderSize]byte
	n         int
}

func (f *fixed) Write(p []byte) (int, error) {
	f.n += copy(f.b[f.n:], p)
	return len(p), nil
}

// echoBest: frames read into an own buffer, unmasked there, and answered
// with one write each.
func echoBest() http.Handler { return echoLoop(echoFrames) }

func echoFrames(conn net.Conn, br *bufio.Reader) {
	var header, buf []byte = make([]byte, ws.MaxHeaderSize), nil
	scratch := &fixed{}
	for {
		h, b, err := echoFrame(conn, br, header, buf)
		if buf = b; err != nil {
			return
		}
		if _, err := conn.Write(buf[answerHeader(buf, h, scratch):]); err != nil {
			return
		}
	}
}

// echoListener is echoBest on the listener itself: the second example of its
// README, whose upgrade parses the request without net/http.
func echoListener(l net.Listener) error {
	for {
		conn, err := l.Accept()
		if err != nil {
			return err
		}
		go func() {
			defer conn.Close()
			if _, err := ws.Upgrade(conn); err != nil {
				return
			}
			echoFrames(conn, bufio.NewReaderSize(conn, task.EchoReadBuffer))
		}()
	}
}

// echoFlush: headers and payloads by the frame functions, as the README shows
// them, and a buffered writer, flushed by a rule that the user has to write: when
// no more input is buffered.
func echoFlush() http.Handler {
	return echoLoop(func(conn net.Conn, br *bufio.Reader) {
		var payload []byte
		bw := bufio.NewWriterSize(conn, task.EchoReadBuffer)
		for {
			h, err := ws.ReadHeader(br)
			if err != nil {
				return
			}
			if err := ws.CheckHeader(h, ws.StateServerSide); err != nil || h.Length > task.Most || !h.Fin {
				return
			}
			if int64(cap(payload)) < h.Length {
				payload = make([]byte, h.Length)
			}
			payload = payload[:h.Length]
			if _, err := io.ReadFull(br, payload); err != nil {
				return
			}
			ws.Cipher(payload, h.Mask, 0)
			if h.OpCode == ws.OpText && !utf8.Valid(payload) {
				return
			}
			if h.OpCode != ws.OpText && h.OpCode != ws.OpBinary {
				if h.OpCode == ws.OpClose {
					_ = ws.WriteFrame(conn, ws.NewCloseFrame(payload))
				}
				return
			}
			h.Masked = false
			if ws.WriteHeader(bw, h) != nil {
				return
			}
			if _, err := bw.Write(payload); err != nil {
				return
			}
			if br.Buffered() == 0 && bw.Flush() != nil {
				return
			}
		}
	})
}

// echoFlushTuned: echoBest with that writer and rule: as far as it can be
// driven by hand.
func echoFlushTuned() http.Handler {
	return echoLoop(func(conn net.Conn, br *bufio.Reader) {
		var header, buf []byte = make([]byte, ws.MaxHeaderSize), nil
		scratch := &fixed{}
		bw := bufio.NewWriterSize(conn, task.EchoReadBuffer)
		for {
			h, b, err := echoFrame(conn, br, header, buf)
			if buf = b; err != nil {
				return
			}
			if _, err := bw.Write(buf[answerHeader(buf, h, scratch):]); err != nil {
				return
			}
			if br.Buffered() == 0 {
				if bw.Flush() != nil {
					return
				}
			}
		}
	})
}

// echoReadme: the first example of its README, with its limit raised.
func echoReadme() http.Handler {
	wsutil.SetMaxMessageSize(task.Most)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, _, _, err := ws.UpgradeHTTP(r, w)
		if err != nil {
			return
		}
		go func() {
			defer conn.Close()
			for {
				msg, op, err := wsutil.ReadClientData(conn)
				if err != nil {
					return
				}
				if err = wsutil.WriteServerMessage(conn, op, msg); err != nil {
					return
				}
			}
		}()
	})
}

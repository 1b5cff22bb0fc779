package wirefuzz

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/wsproof/wsproof/internal/model"
	"github.com/wsproof/wsproof/internal/opening"
	"github.com/wsproof/wsproof/internal/wire"
	"github.com/wsproof/wsproof/websocket"
)

// A rogue is an echo server by the model, with some rules turned off and some manners
// of its own.
type rogue struct {
	off       []model.Rule
	frame     func(f *wire.Frame)                     // changes what it sends
	message   func(m *model.Message) bool             // changes an echo, and says whether it is sent
	pong      func(list [][]byte) [][]byte            // of those that came together
	closing   func(conn net.Conn, want model.Outcome) // instead of its Close and the end of TCP
	handshake func(w http.ResponseWriter, r *http.Request)
	read      func(b []byte) // what came, before it is answered
	deflate   bool           // it agrees on permessage-deflate
}

func (g *rogue) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if g.handshake != nil {
		g.handshake(w, r)
		return
	}
	if g.deflate {
		w.Header().Set("Upgrade", "websocket")
		w.Header().Set("Connection", "Upgrade")
		w.Header().Set("Sec-WebSocket-Accept", opening.AcceptKey(r.Header.Get("Sec-WebSocket-Key")))
		w.Header().Set("Sec-WebSocket-Extensions", "permessage-deflate")
		w.WriteHeader(http.StatusSwitchingProtocols)
	} else if _, err := websocket.Handshake(w, r); err != nil {
		if refused := new(websocket.HandshakeError); errors.As(err, &refused) {
			w.Header().Set("Sec-WebSocket-Version", "13")
			http.Error(w, err.Error(), refused.Status)
		}
		return
	}
	conn, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer conn.Close()
	early, _ := rw.Reader.Peek(rw.Reader.Buffered())
	g.serve(conn, bytes.Clone(early))
}

func (g *rogue) send(conn net.Conn, f wire.Frame) {
	f.Fin = true
	if g.frame != nil {
		g.frame(&f)
	}
	_, _ = conn.Write(f.Append(nil))
}

func (g *rogue) serve(conn net.Conn, in []byte) {
	messages, pongs := 0, 0
	room := make([]byte, 32<<10)
	for {
		limits := model.Limits{Frame: 1 << 20, Message: 1 << 20}
		want := model.ReadWithout(model.Server, limits, in, g.off...)
		if g.deflate {
			want = model.ReadCompressed(model.Server, limits, model.Deflate{}, in, g.off...)
		}
		if g.read != nil {
			g.read(in)
		}
		for ; messages < len(want.Messages); messages++ {
			m := want.Messages[messages]
			m.Payload = bytes.Clone(m.Payload)
			if g.message != nil && !g.message(&m) {
				continue
			}
			opcode := wire.Text
			if m.Binary {
				opcode = wire.Binary
			}
			g.send(conn, wire.Frame{Opcode: opcode, Payload: m.Payload})
		}
		owed := want.Pongs[pongs:]
		pongs = len(want.Pongs)
		if g.pong != nil {
			owed = g.pong(owed)
		}
		for _, p := range owed {
			g.send(conn, wire.Frame{Opcode: wire.Pong, Payload: p})
		}
		if want.End != model.Open {
			if g.closing != nil {
				g.closing(conn, want)
				return
			}
			var payload []byte
			if code := want.Codes[0]; code != 1005 {
				payload = []byte{byte(code >> 8), byte(code)}
			}
			g.send(conn, wire.Frame{Opcode: wire.Close, Payload: payload})
			if tcp, ok := conn.(*net.TCPConn); ok {
				_ = tcp.CloseWrite()
				_, _ = io.Copy(io.Discard, conn)
			}
			return
		}
		n, err := conn.Read(room)
		in = append(in, room[:n]...)
		if err != nil {
			return
		}
	}
}

// clientOf returns a client of a server in this process.
func clientOf(t *testing.T, h http.Handler) *opening.Client {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	u, err := opening.ParseURL(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	return &opening.Client{URL: u}
}

// keys runs, for so many inputs, and returns the keys of what was seen.
func keys(t *testing.T, h http.Handler, c Config) (findings, notes map[string]*Group, report *Report) {
	t.Helper()
	c.Client = clientOf(t, h)
	report, err := Run(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	findings, notes = map[string]*Group{}, map[string]*Group{}
	for _, g := range report.Groups {
		if g.Sentence == "" || g.Place == "" || g.Why == "" || g.Count == 0 {
			t.Errorf("group %s is not told in full: %+v", g.Key(), g)
		}
		if g.Level == Finding {
			findings[g.Key()] = g
		} else {
			notes[g.Key()] = g
		}
	}
	return findings, notes, report
}

// runUntil is Run until stop is closed.
func runUntil(t *testing.T, c Config, stop <-chan struct{}) (*Report, error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		select {
		case <-stop:
			cancel()
		case <-ctx.Done():
		}
	}()
	return Run(ctx, c)
}

package websocket

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wsproof/wsproof/websocket/protocol"
)

// A writeLog is a transport that keeps what each Write call was given.
type writeLog struct {
	net.Conn
	mu     sync.Mutex
	writes [][]byte
}

func (l *writeLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	l.writes = append(l.writes, bytes.Clone(p))
	l.mu.Unlock()
	return len(p), nil
}

// take returns what was written since the last call, a slice for each Write.
func (l *writeLog) take() [][]byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	w := l.writes
	l.writes = nil
	return w
}

// newLogged returns a connection on a pipe of which only reading is real.
func newLogged(t *testing.T, opts Options) (*Websocket, *peer, *writeLog) {
	src, other := net.Pipe()
	log := &writeLog{Conn: src}
	ws, p := newPeerOn(t, log, other, ServerMode, opts)
	return ws, p, log
}

func echoes(texts ...string) []byte {
	var wire []byte
	for _, s := range texts {
		wire = append(wire, MarshalFrame(NewFrame(OpcodeText, true, []byte(s)), Unmasked)...)
	}
	return wire
}

func (l *writeLog) want(t *testing.T, when string, want ...[]byte) {
	t.Helper()
	got := l.take()
	if len(got) != len(want) {
		t.Errorf("%s: %d writes %q, want %d", when, len(got), got, len(want))
		return
	}
	for i := range got {
		if !bytes.Equal(got[i], want[i]) {
			t.Errorf("%s: write %d is %.80q, want %.80q", when, i, got[i], want[i])
		}
	}
}

func TestRepliesThatCameTogetherLeaveTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ws, p, log := newLogged(t, Options{})
		served := serving(t.Context(), ws, EchoHandler)
		p.send(p.text("a"), p.ping("b"), p.text("c"), p.text("d"))
		synctest.Wait()
		log.want(t, "after four frames at once", bytes.Join([][]byte{echoes("a"), []byte("\x8a\x01b"), echoes("c", "d")}, nil))
		p.send(p.text("e"))
		synctest.Wait()
		p.send(p.text("f"))
		synctest.Wait()
		log.want(t, "after one frame at a time", echoes("e"), echoes("f"))
		// The rest of a frame is not there: what is answered must not wait for it.
		g, h := p.text("g"), p.text("h")
		p.send(g, h[:5])
		synctest.Wait()
		log.want(t, "with a part of a frame behind", echoes("g"))
		p.send(h[5:])
		synctest.Wait()
		log.want(t, "after the rest of it", echoes("h"))
		p.conn.Close()
		<-served
	})
}

// Gathering ends at gatherMost: the rest must not wait for a buffer to be empty.
func TestGatheringIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ws, p, log := newLogged(t, Options{})
		big := &Message{Binary: true, Payload: make([]byte, 10<<10)}
		served := serving(t.Context(), ws, func(context.Context, *Message) (*Message, error) { return big, nil })
		const n = 20
		p.send(bytes.Repeat(p.text(""), n))
		synctest.Wait()
		total := 0
		for i, w := range log.take() {
			total += len(w)
			if most := gatherMost + len(big.Payload) + 14; len(w) > 4*most {
				t.Errorf("write %d has %d bytes, want at most about %d at once", i, len(w), most)
			}
		}
		if want := n * len(MarshalFrame(NewFrame(OpcodeBinary, true, big.Payload), Unmasked)); total != want {
			t.Errorf("%d bytes written, want %d", total, want)
		}
		p.conn.Close()
		<-served
	})
}

// Each reply leaves within a millisecond, however long the handlers behind it
// take, also where the timer has run for a reply before it.
func TestGatheredRepliesLeaveInTime(t *testing.T) {
	for _, reuse := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			ws, p, log := newLogged(t, Options{ReuseBuffers: reuse})
			served := serving(t.Context(), ws, func(_ context.Context, msg *Message) (*Message, error) {
				if d, err := time.ParseDuration(string(msg.Payload)); err == nil {
					time.Sleep(d)
				}
				return msg, nil
			})
			p.send(p.text("quick"), p.text("1h"), p.text("500us"), p.text("400us"), p.text("2h"), p.text("3h"), p.text("end"))
			synctest.Wait()
			log.want(t, "at once")
			time.Sleep(gatherDelay)
			synctest.Wait()
			log.want(t, "a millisecond later", echoes("quick"))
			time.Sleep(time.Hour - gatherDelay)
			synctest.Wait()
			log.want(t, "when the second is done")
			time.Sleep(gatherDelay)
			synctest.Wait()
			log.want(t, "a millisecond behind the second", echoes("1h", "500us", "400us"))
			time.Sleep(2*time.Hour - 100*time.Microsecond) // the third hour has begun for 2h
			synctest.Wait()
			log.want(t, "when 2h is done")
			time.Sleep(gatherDelay)
			synctest.Wait()
			log.want(t, "a millisecond behind 2h", echoes("2h"))
			time.Sleep(3 * time.Hour)
			synctest.Wait()
			log.want(t, "at the end", echoes("3h", "end"))
			p.conn.Close()
			<-served
		})
	}
}

// A handler that writes for itself: what was answered before goes out first.
func TestHandlerWritesInOrder(t *testing.T) {
	for name, pair := range transports {
		t.Run(name, func(t *testing.T) {
			server, client := pair(t)
			guard(t, server)
			guard(t, client)
			ws, p := newPeerOn(t, server, client, ServerMode, Options{})
			served := serving(context.Background(), ws, func(ctx context.Context, msg *Message) (*Message, error) {
				if err := ws.WriteMessage(ctx, &Message{Payload: append([]byte("before "), msg.Payload...)}); err != nil {
					return nil, err
				}
				return msg, nil
			})
			const n = 50
			go func() {
				for i := range n {
					p.send(p.text(fmt.Sprint(i)), p.text(fmt.Sprint(i, "b")))
				}
			}()
			for i := range n {
				for _, s := range []string{fmt.Sprint(i), fmt.Sprint(i, "b")} {
					p.wantText("before " + s)
					p.wantText(s)
				}
			}
			client.Close()
			<-served
		})
	}
}

// A handler that closes: what was answered before goes out first, and nothing
// that is answered from then on does, its own reply included.
func TestHandlerClosesBehindGatheredReplies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ws, p, log := newLogged(t, Options{})
		served := serving(t.Context(), ws, func(_ context.Context, msg *Message) (*Message, error) {
			if string(msg.Payload) == "close" {
				if err := ws.CloseWithStatus(StatusGoingAway, "now"); err != nil {
					t.Error(err)
				}
			}
			return msg, nil
		})
		p.send(p.text("a"), p.text("b"), p.text("close"), p.text("c"), p.ping("d"))
		synctest.Wait()
		if got, want := bytes.Join(log.take(), nil), append(echoes("a", "b"), "\x88\x05\x03\xe9now"...); !bytes.Equal(got, want) {
			t.Errorf("written: %q, want %q", got, want)
		}
		p.conn.Close()
		<-served
	})
}

// A Close from elsewhere comes between a reply and the next handler: what was queued
// before it goes out, and no data may follow it.
func TestReplyBehindACloseIsDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ws, p, log := newLogged(t, Options{})
		handled := 0
		served := serving(t.Context(), ws, func(_ context.Context, msg *Message) (*Message, error) {
			if handled++; handled == 2 {
				if err := ws.CloseWithStatus(0, ""); err != nil {
					t.Errorf("CloseWithStatus: %v", err)
				}
			}
			return msg, nil
		})
		p.send(p.text("a"), p.text("b"), p.text("c"))
		synctest.Wait()
		if got, want := bytes.Join(log.take(), nil), append(echoes("a"), "\x88\x00"...); !bytes.Equal(got, want) {
			t.Errorf("written: %q, want %q", got, want)
		}
		if handled != 2 {
			t.Errorf("the handler was called %d times, want 2: not behind the Close", handled)
		}
		p.conn.Close()
		<-served
	})
}

func TestNilReplyIsNoAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ws, p, log := newLogged(t, Options{})
		var got []string
		served := serving(t.Context(), ws, func(_ context.Context, msg *Message) (*Message, error) {
			got = append(got, msg.String())
			if msg.Binary {
				return msg, nil
			}
			return nil, nil
		})
		p.send(p.text("a"), p.frame(OpcodeBinary, true, "b"), p.text("c"))
		synctest.Wait()
		log.want(t, "one answer of three", []byte("\x82\x01b"))
		p.conn.Close()
		<-served
		if want := []string{`Text len=1 "a"`, "Binary len=1 62", `Text len=1 "c"`}; fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("the handler got %q, want %q", got, want)
		}
	})
}

// countedConn counts the calls of Write on a transport that is no plain socket.
func TestServeOverTLSLikeTransport(t *testing.T) {
	server, client := socketPair(t)
	guard(t, server)
	guard(t, client)
	// Embedding hides the socket: what counts is the type's own Write.
	counted := &countingConn{TCPConn: server}
	ws, p := newPeerOn(t, counted, client, ServerMode, Options{})
	if ws.transport.isSocket() {
		t.Fatal("a type that embeds a socket was taken for one")
	}
	served := serving(context.Background(), ws, EchoHandler)
	const n = 100
	p.send(bytes.Repeat(p.text("x"), n))
	for range n {
		p.wantText("x")
	}
	client.Close()
	<-served
	if counted.n == 0 || counted.n > n/10 {
		t.Errorf("%d replies took %d writes", n, counted.n)
	}
}

type countingConn struct {
	*net.TCPConn
	n int
}

func (c *countingConn) Write(p []byte) (int, error) {
	c.n++
	return c.TCPConn.Write(p)
}

var _ io.Writer = (*countingConn)(nil)

// A writer that fails gives the turn up once, whoever ends the connection meanwhile.
func TestFailedWriteGivesTheTurnUpOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &oneByOne{fail: make(chan struct{}), gone: make(chan struct{})}
		ws := New(w, "", ServerMode, Options{})
		go ws.Ping(context.Background())
		synctest.Wait()
		for range 2 {
			go ws.WriteMessage(context.Background(), &Message{Payload: []byte("x")})
		}
		synctest.Wait()
		ws.end.on(protocol.Lost, StatusAbnormalClose, errDead, nil) // by another goroutine, which goes on with drop
		close(w.fail)
		synctest.Wait()
		if n := w.most.Load(); n > 1 {
			t.Errorf("%d writers at the same time", n)
		}
		ws.drop(true)
		time.Sleep(time.Minute)
	})
}

// oneByOne is a transport that counts who writes at the same time. Its first write fails
// when it is told to, all others take a second.
type oneByOne struct {
	fail, gone       chan struct{}
	now, most, calls atomic.Int32
	once             sync.Once
}

func (w *oneByOne) Read([]byte) (int, error) { <-w.gone; return 0, io.EOF }
func (w *oneByOne) Close() error             { w.once.Do(func() { close(w.gone) }); return nil }
func (w *oneByOne) Write(p []byte) (int, error) {
	w.most.Store(max(w.most.Load(), w.now.Add(1)))
	defer w.now.Add(-1)
	if w.calls.Add(1) == 1 {
		<-w.fail
		return 0, io.ErrClosedPipe
	}
	time.Sleep(time.Second)
	return len(p), nil
}

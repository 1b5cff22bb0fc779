package websocket

import (
	"bytes"
	"context"
	"io"
	"net"
	"testing"
	"time"
)

// A server closes TCP as soon as the closing handshake is done, also where the
// client sent something behind its Close (RFC 6455 §7.1.1).
func TestCloseWithFramesBehindIt(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	client, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	server, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		New(server, "", ServerMode, Options{CloseTimeout: time.Hour}).Serve(context.Background(), EchoHandler)
	}()
	key := MaskingKey{1, 2, 3, 4}
	sent := AppendFrame(nil, NewCloseFrame(StatusNormalClosure, ""), key)
	sent = AppendFrame(sent, NewFrame(OpcodePing, true, nil), key)
	if _, err := client.Write(sent); err != nil {
		t.Fatal(err)
	}
	client.SetReadDeadline(time.Now().Add(30 * time.Second)) // only where it fails
	got, err := io.ReadAll(client)
	want := MarshalFrame(NewCloseFrame(StatusNormalClosure, ""), Unmasked)
	if err != nil || string(got) != string(want) {
		t.Errorf("after a Close and a Ping: got %x, %v; want %x and the end of TCP", got, err, want)
	}
	client.Close()
	<-done
}

// So it is where the read deadline has passed while a handler was at work, so that
// looking for what came behind the Close must not go by it.
func TestCloseWithFramesBehindItAndADeadline(t *testing.T) {
	ws, p := newSocketPeer(t, ServerMode, Options{ReadTimeout: time.Hour})
	handling, goOn := make(chan struct{}), make(chan struct{})
	served := serving(context.Background(), ws, func(context.Context, *Message) (*Message, error) {
		close(handling)
		<-goOn
		return nil, nil
	})
	p.send(p.text("x"), p.close(StatusNormalClosure, ""))
	<-handling
	p.send(bytes.Repeat(p.text("late"), 100))
	if err := ws.transport.src.(net.Conn).SetReadDeadline(time.Unix(1, 0)); err != nil {
		t.Fatal(err)
	}
	close(goOn)
	p.wantClose(StatusNormalClosure, "")
	p.wantEnd()
	p.conn.Close()
	<-served
}

package websocket

import (
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

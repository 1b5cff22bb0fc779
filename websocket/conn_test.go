package websocket

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"path/filepath"
	"testing"
)

// socketPair returns both ends of a TCP connection over loopback.
func socketPair(tb testing.TB) (a, b *net.TCPConn) {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	defer l.Close()
	accepted := make(chan net.Conn)
	go func() {
		c, _ := l.Accept()
		accepted <- c
	}()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		tb.Fatal(err)
	}
	return (<-accepted).(*net.TCPConn), c.(*net.TCPConn)
}

// transports are the kinds of connections that differ inside.
var transports = map[string]func(testing.TB) (server, client net.Conn){
	"socket": func(tb testing.TB) (net.Conn, net.Conn) { return socketPair(tb) },
	"unix":   unixPair,
	"pipe":   func(testing.TB) (net.Conn, net.Conn) { return net.Pipe() },
}

func TestServeEchoes(t *testing.T) {
	for name, pair := range transports {
		for _, reuse := range []bool{false, true} {
			server, client := pair(t)
			ws := New(server, "key", ServerMode, Options{ReuseBuffers: reuse, MaxFrameSize: 2 << 20, MaxMessageSize: 2 << 20})
			served := make(chan struct{})
			go func() {
				defer close(served)
				ws.Serve(context.Background(), EchoHandler)
			}()
			sent := make(chan error, 1)
			go func() {
				var wire []byte
				for _, n := range lengths {
					wire = AppendFrame(wire, NewFrame(OpcodeBinary, true, pattern(n)), NewMaskingKey())
					wire = AppendFrame(wire, NewFrame(OpcodeBinary, false, pattern(n/2)), NewMaskingKey())
					wire = AppendFrame(wire, NewFrame(OpcodePing, true, []byte("ping")), NewMaskingKey())
					wire = AppendFrame(wire, NewFrame(OpcodeContinuation, true, pattern(n)[n/2:]), NewMaskingKey())
				}
				wire = AppendFrame(wire, NewCloseFrame(1000, "bye"), NewMaskingKey())
				_, err := client.Write(wire)
				sent <- err
			}()
			r := NewFrameReader(client, ClientMode, 2<<20)
			next := func() *Frame {
				for {
					f, err := r.Next()
					if err != nil {
						t.Fatalf("%s: %v", name, err)
					}
					if f.Opcode() != OpcodePong {
						return f
					}
				}
			}
			for _, n := range lengths {
				for range 2 {
					if f := next(); f.Opcode() != OpcodeBinary || !bytes.Equal(f.Payload, pattern(n)) {
						t.Fatalf("%s: echo of %d bytes is %v", name, n, f)
					}
				}
			}
			if f := next(); f.Opcode() != OpcodeClose || string(f.Payload) != "\x03\xe8" {
				t.Fatalf("%s: %v %q instead of a Close", name, f, f.Payload)
			}
			if _, err := r.Next(); !errors.Is(err, io.EOF) {
				t.Errorf("%s: after the Close: %v", name, err)
			}
			if err := <-sent; err != nil {
				t.Errorf("%s: sending: %v", name, err)
			}
			client.Close()
			<-served
		}
	}
}

// unixPair returns both ends of a connection over a Unix domain socket.
func unixPair(tb testing.TB) (a, b net.Conn) {
	tb.Helper()
	l, err := net.Listen("unix", filepath.Join(tb.TempDir(), "s"))
	if err != nil {
		tb.Skip("no Unix domain sockets here: ", err)
	}
	defer l.Close()
	accepted := make(chan net.Conn)
	go func() {
		c, _ := l.Accept()
		accepted <- c
	}()
	b, err = net.Dial("unix", l.Addr().String())
	if err != nil {
		tb.Fatal(err)
	}
	return <-accepted, b
}

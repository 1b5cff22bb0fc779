package protocol_test

import (
	"bytes"
	"fmt"
	"io"
	"net"

	"github.com/wsproof/wsproof/websocket/protocol"
)

var limits = &protocol.Limits{MaxFrameSize: 16 << 10, MaxMessageSize: 256 << 10}

// A Reader and a Writer driven by hand over an in-memory pipe: a server that answers
// messages in capitals, and pings.
func Example() {
	server, client := net.Pipe()
	go func() {
		defer server.Close()
		r, w := protocol.NewReader(protocol.ServerMode, limits), protocol.NewWriter(protocol.ServerMode, limits)
		for {
			event, payload, err := r.Next()
			switch event {
			case protocol.NeedMore:
				if out := w.Take(); out != nil { // before waiting, what is owed goes out
					_, _ = server.Write(out.Bytes)
					out.Free()
				}
				if err != nil || w.Closed() {
					return
				}
				n, err := server.Read(r.Space())
				if err != nil {
					return
				}
				r.Came(n)
			case protocol.MessageComes:
				w.Message(r.Binary(), bytes.ToUpper(payload))
			case protocol.PingComes:
				w.Control(protocol.OpcodePong, payload)
			case protocol.CloseComes:
				w.Control(protocol.OpcodeClose, payload)
			}
		}
	}()

	go func() {
		for _, frame := range []*protocol.Frame{
			protocol.NewFrame(protocol.OpcodeText, false, []byte("hello, ")),
			protocol.NewFrame(protocol.OpcodePing, true, []byte("?")),
			protocol.NewFrame(protocol.OpcodeContinuation, true, []byte("frames")),
			protocol.NewCloseFrame(protocol.StatusNormalClosure, ""),
		} {
			_ = protocol.WriteFrame(client, protocol.NewMaskingKey(), frame)
		}
	}()
	for {
		frame, err := protocol.ReadFrame(client, protocol.ClientMode, 1<<10)
		if err != nil {
			break
		}
		fmt.Printf("%v %q\n", frame, frame.Payload)
	}
	// Output:
	// Pong fin len=1 "?"
	// Text fin len=13 "HELLO, FRAMES"
	// Close fin len=2 "\x03\xe8"
}

// A proxy reads messages as a server and writes them on as a client: it masks anew, and
// passes on no frame that breaks a rule.
func Example_proxy() {
	pass := func(in []byte) (out []byte, err error) {
		from, to := protocol.NewReader(protocol.ServerMode, limits), protocol.NewWriter(protocol.ClientMode, limits)
		src := bytes.NewReader(in)
		for {
			event, payload, err := from.Next()
			switch event {
			case protocol.MessageComes:
				to.Message(from.Binary(), payload)
			case protocol.PingComes:
				to.Control(protocol.OpcodePing, payload)
			case protocol.PongComes:
				to.Control(protocol.OpcodePong, payload)
			case protocol.CloseComes:
				to.Control(protocol.OpcodeClose, payload)
			case protocol.NeedMore:
				if err == nil {
					var n int
					if n, err = src.Read(from.Space()); err == nil {
						from.Came(n)
						continue
					}
					if err == io.EOF && from.Buffered() == 0 && !from.InMessage() {
						err = nil // between two frames
					} else {
						err = from.Cut(err)
					}
				}
				if b := to.Take(); b != nil {
					out = b.Bytes
				}
				return out, err
			}
		}
	}
	in := protocol.MarshalFrame(protocol.NewFrame(protocol.OpcodeText, true, []byte("hello")), protocol.NewMaskingKey())
	in = append(in, 0xC1, 0x80) // an RSV bit that nobody has agreed on
	out, err := pass(in)
	frame, _ := protocol.ReadFrame(bytes.NewReader(out), protocol.ServerMode, 1<<10)
	fmt.Printf("%v %q, then: %v\n", frame, frame.Payload, err)
	// Output:
	// Text fin len=5 "hello", then: unsupported RSV bits set
}

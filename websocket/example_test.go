package websocket_test

import (
	"bytes"
	"context"
	"fmt"
	"net"

	"github.com/wsproof/wsproof/websocket"
)

// A frame on the wire and back: the text "Hello" of RFC 6455 §5.7.
func ExampleReadFrame() {
	key := websocket.MaskingKey{0x37, 0xfa, 0x21, 0x3d} // in earnest: websocket.NewMaskingKey()
	wire := websocket.MarshalFrame(websocket.NewFrame(websocket.OpcodeText, true, []byte("Hello")), key)
	fmt.Printf("% x\n", wire)

	frame, err := websocket.ReadFrame(bytes.NewReader(wire), websocket.ServerMode, websocket.DefaultMaxFrameSize)
	fmt.Printf("%v %s %v\n", frame, frame.Payload, err)
	// Output:
	// 81 85 37 fa 21 3d 7f 9f 4d 51 58
	// Text fin len=5 Hello <nil>
}

// Frames one after the other, in memory that is used again.
func ExampleFrameReader() {
	var wire []byte
	for _, frame := range websocket.FrameMessage(&websocket.Message{Payload: []byte("in three parts")}, 5) {
		wire = websocket.AppendFrame(wire, frame, websocket.Unmasked)
	}
	r := websocket.NewFrameReader(bytes.NewReader(wire), websocket.ClientMode, websocket.DefaultMaxFrameSize)
	for {
		frame, err := r.Next()
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("%v %q\n", frame, frame.Payload)
	}
	// Output:
	// Text len=5 "in th"
	// Cont len=5 "ree p"
	// Cont fin len=4 "arts"
	// error reading frame header: EOF
}

// Both ends of a connection over a transport of one's own, on which the opening
// handshake is done, or which needs none.
func ExampleNew() {
	a, b := net.Pipe()
	server := websocket.New(a, "", websocket.ServerMode, websocket.Options{})
	client := websocket.New(b, "", websocket.ClientMode, websocket.Options{})

	ctx := context.Background()
	served := make(chan struct{})
	go func() {
		defer close(served)
		server.Serve(ctx, websocket.EchoHandler)
	}()
	if err := client.WriteMessage(ctx, &websocket.Message{Payload: []byte("hello")}); err != nil {
		fmt.Println(err)
	}
	fmt.Println(client.ReadMessage(ctx))
	fmt.Println(client.Close())
	<-served
	// Output:
	// Text len=5 "hello" <nil>
	// <nil>
}

// Hooks see what passes, control frames too.
func ExampleHooks() {
	a, b := net.Pipe()
	server := websocket.New(a, "client-1", websocket.ServerMode, websocket.Options{Hooks: websocket.Hooks{
		OnReadFrame: func(key websocket.ClientKey, frame *websocket.Frame) { fmt.Println(key, "sent", frame) },
		OnClose: func(key websocket.ClientKey, code websocket.StatusCode, err error) {
			fmt.Println(key, "closed with", code, err)
		},
	}})
	client := websocket.New(b, "", websocket.ClientMode, websocket.Options{MaxFrameSize: 4})

	ctx := context.Background()
	served := make(chan struct{})
	go func() {
		defer close(served)
		server.Serve(ctx, func(context.Context, *websocket.Message) (*websocket.Message, error) { return nil, nil })
	}()
	if err := client.WriteMessage(ctx, &websocket.Message{Payload: []byte("hello")}); err != nil {
		fmt.Println(err)
	}
	if err := client.CloseWithStatus(websocket.StatusGoingAway, "done"); err != nil {
		fmt.Println(err)
	}
	<-served
	// Output:
	// client-1 sent Text len=4
	// client-1 sent Cont fin len=1
	// client-1 sent Close fin len=6
	// client-1 closed with 1001 <nil>
}

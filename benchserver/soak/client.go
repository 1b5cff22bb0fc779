package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/wsproof/wsproof/internal/opening"
	"github.com/wsproof/wsproof/internal/wire"
)

// patience bounds every wait of a client.
const patience = 20 * time.Second

// connect opens a WebSocket connection and returns it with nothing buffered: the
// server sends nothing of its own accord.
func connect(addr, path string) (net.Conn, error) {
	url, err := opening.ParseURL("ws://" + addr + path)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	o, err := (&opening.Client{URL: url}).Open(ctx, "")
	if err != nil {
		return nil, err
	}
	if o.Early != nil {
		o.Conn.Close()
		return nil, fmt.Errorf("the server sends unasked: %x", o.Early)
	}
	return o.Conn, nil
}

// masked appends a frame of a client.
func masked(dst []byte, opcode byte, payload string) []byte {
	f := wire.Frame{Fin: true, Opcode: opcode, Masked: true, Key: [4]byte{0x12, 0x34, 0x56, 0x78}, Payload: []byte(payload)}
	return f.Append(dst)
}

// answer reads a frame with a short payload.
func answer(r *bufio.Reader) (opcode byte, payload string, err error) {
	head, err := r.Peek(2)
	if err != nil {
		return 0, "", err
	}
	if head[1] > 125 {
		return 0, "", fmt.Errorf("unexpected frame %x", head)
	}
	b := make([]byte, 2+int(head[1]))
	if _, err := io.ReadFull(r, b); err != nil {
		return 0, "", err
	}
	return b[0] & 15, string(b[2:]), nil
}

// exchange sends text on /plain and checks the answer.
func exchange(conn net.Conn, r *bufio.Reader, text string) error {
	_ = conn.SetDeadline(time.Now().Add(patience))
	if _, err := conn.Write(masked(nil, wire.Text, text)); err != nil {
		return err
	}
	opcode, got, err := answer(r)
	if err != nil {
		return err
	}
	if opcode != wire.Text || got != text {
		return fmt.Errorf("answer %d %q, want %q", opcode, got, text)
	}
	return nil
}

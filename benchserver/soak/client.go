package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"github.com/wsproof/wsproof/internal/wire"
)

// patience bounds every wait of a client.
const patience = 20 * time.Second

// connect opens a WebSocket connection and returns it with nothing buffered: the
// server sends nothing of its own accord.
func connect(addr, path string) (net.Conn, error) {
	conn, err := net.DialTimeout("tcp", addr, patience)
	if err != nil {
		return nil, err
	}
	_ = conn.SetDeadline(time.Now().Add(patience))
	request := "GET " + path + " HTTP/1.1\r\nHost: " + addr + "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
	if _, err := io.WriteString(conn, request); err != nil {
		conn.Close()
		return nil, err
	}
	var response []byte
	chunk := make([]byte, 512)
	for !bytes.HasSuffix(response, []byte("\r\n\r\n")) {
		n, err := conn.Read(chunk)
		response = append(response, chunk[:n]...)
		if err != nil {
			conn.Close()
			return nil, fmt.Errorf("handshake: %w", err)
		}
	}
	if !bytes.HasPrefix(response, []byte("HTTP/1.1 101 ")) {
		conn.Close()
		line, _, _ := strings.Cut(string(response), "\r\n")
		return nil, fmt.Errorf("handshake answered %s", line)
	}
	return conn, nil
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

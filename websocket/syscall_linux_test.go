//go:build (amd64 || arm64) && !race && !msan && !asan

package websocket

import (
	"bytes"
	"context"
	"net"
	"syscall"
	"testing"
)

// blockingPair is socketPair, with a server's side that waits in system calls.
func blockingPair(t *testing.T) (server, client *net.TCPConn, raw syscall.RawConn) {
	server, client = socketPair(t)
	raw, err := server.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var set error
	if err := raw.Control(func(fd uintptr) { set = syscall.SetNonblock(int(fd), false) }); err != nil || set != nil {
		t.Fatal(err, set)
	}
	return server, client, raw
}

// The package's own system calls never wait for the socket, not even where somebody has set the
// descriptor to blocking: a thread that the scheduler does not know of would hold up
// the whole process.
func TestBlockingDescriptor(t *testing.T) {
	server, client, raw := blockingPair(t)
	defer server.Close()
	defer client.Close()
	if err := raw.Control(func(fd uintptr) {
		if n, errno := recv(fd, make([]byte, 1)); errno != syscall.EAGAIN || n != 0 {
			t.Errorf("reading where there is nothing: %d bytes, %v; want EAGAIN", n, errno)
		}
		full := make([]byte, 1<<20)
		for {
			n, errno := send(fd, full)
			if errno == syscall.EAGAIN && n == 0 {
				return
			}
			if errno != 0 || n <= 0 {
				t.Errorf("writing to a peer that does not read: %d bytes, %v; want EAGAIN in the end", n, errno)
				return
			}
		}
	}); err != nil {
		t.Fatal(err)
	}
}

// And a connection works on such a descriptor; what waits is woken by the end.
func TestServeOnABlockingDescriptor(t *testing.T) {
	server, client, _ := blockingPair(t)
	defer client.Close()
	served := make(chan struct{})
	go func() {
		New(server, "", ServerMode, Options{}).Serve(context.Background(), EchoHandler)
		close(served)
	}()
	if _, err := client.Write(AppendFrame(nil, NewFrame(OpcodeText, true, []byte("a")), testKey)); err != nil {
		t.Fatal(err)
	}
	answer := make([]byte, 3)
	if _, err := client.Read(answer); err != nil || !bytes.Equal(answer, []byte("\x81\x01a")) {
		t.Errorf("the answer is % x, %v", answer, err)
	}
	if err := server.Close(); err != nil {
		t.Error(err)
	}
	<-served
}

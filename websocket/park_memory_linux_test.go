package websocket

import (
	"net"
	"net/http"
	"runtime"
	"runtime/metrics"
	"syscall"
	"testing"
	"time"

	"github.com/wsproof/wsproof/internal/wire"
)

// How many bytes of heap and stack a parked connection may hold, the some 300 of packages net
// and internal/poll among them, and how many more one that is pinged.
const (
	mostParked = 640
	mostPinged = 120
)

// TestParkedMemory holds connections of net/http that have each echoed a message and are
// parked. The clients are bare sockets, which hold nothing in this process.
func TestParkedMemory(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector has memory of its own")
	}
	for _, c := range []struct {
		name string
		opts Options
		most uint64
	}{
		{"plain", Options{}, mostParked},
		{"pinged", Options{PingInterval: time.Hour}, mostParked + mostPinged},
	} {
		t.Run(c.name, func(t *testing.T) { holdParked(t, c.opts, c.most) })
	}
}

func holdParked(t *testing.T, opts Options, most uint64) {
	const conns = 2000
	opts.ReuseBuffers = true
	h := NewHandler(EchoHandler, parkSoon(opts))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: h}
	defer server.Close()
	go server.Serve(l)
	var fds []int
	defer func() {
		for _, fd := range fds {
			_ = syscall.Close(fd)
		}
		if err := h.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
	}()
	open := func(n int) {
		for range n {
			fds = append(fds, bareClient(t, l.Addr().(*net.TCPAddr).Port))
		}
		eventually(t, "all are parked", func() bool { return h.Parked() == len(fds) })
	}
	open(100) // what the first ones make is for all
	before := liveMemory()
	open(conns)
	if got := (liveMemory() - before) / conns; got > most {
		t.Errorf("a parked connection holds %d bytes, want at most %d", got, most)
	} else {
		t.Logf("a parked connection holds %d bytes", got)
	}
}

// bareClient returns a socket on which a connection is open that has echoed a message.
func bareClient(t *testing.T, port int) int {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err == nil {
		err = syscall.Connect(fd, &syscall.SockaddrInet4{Port: port, Addr: [4]byte{127, 0, 0, 1}})
	}
	if err != nil {
		t.Fatal(err)
	}
	hello := wire.Frame{Fin: true, Opcode: wire.Text, Masked: true, Key: [4]byte{1, 2, 3, 4}, Payload: []byte("hello")}
	bareExchange(t, fd, []byte("GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: "+rfcKey+"\r\n\r\n"))
	bareExchange(t, fd, hello.Append(nil))
	return fd
}

func bareExchange(t *testing.T, fd int, request []byte) {
	t.Helper()
	var answer [1024]byte
	n, err := syscall.Write(fd, request)
	if err == nil {
		n, err = syscall.Read(fd, answer[:])
	}
	if err != nil || n == 0 {
		t.Fatalf("%d bytes, %v", n, err)
	}
}

// liveMemory returns the bytes of heap and stack that are in use: not those of stacks that
// are kept for later, of which there are as many as there happened to be goroutines at a time.
func liveMemory() uint64 {
	runtime.GC()
	runtime.GC() // pools drop what they hold by the second one
	samples := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/gc/scan/stack:bytes"}}
	metrics.Read(samples)
	return samples[0].Value.Uint64() + samples[1].Value.Uint64()
}

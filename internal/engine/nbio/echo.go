package nbio

import (
	"net"
	"net/http"
	"sync"

	"github.com/lesismal/nbio/nbhttp"
	"github.com/lesismal/nbio/nbhttp/websocket"

	"github.com/wsproof/wsproof/internal/engine/nbio/transcripts"
	"github.com/wsproof/wsproof/internal/engine/task"
)

// echoUpgrader answers each message with itself; the library checks UTF-8.
func echoUpgrader() *websocket.Upgrader {
	u := websocket.NewUpgrader()
	u.MessageLengthLimit = task.Most
	u.OnMessage(func(c *websocket.Conn, kind websocket.MessageType, payload []byte) {
		_ = c.WriteMessage(kind, payload)
	})
	return u
}

// echoBest: its own HTTP server in its blocking mode, a goroutine a connection,
// which its documentation calls the fastest for few of them, and writes from there.
func echoBest(l net.Listener) error {
	u := echoUpgrader()
	u.BlockingModAsyncWrite = false
	u.BlockingModReadBufferSize = task.EchoReadBuffer
	return echoServe(l, u, nbhttp.Config{
		IOMod:                        nbhttp.IOModBlocking,
		BlockingReadBufferSize:       task.EchoReadBuffer,
		ReleaseWebsocketPayload:      true,
		MaxWebsocketFramePayloadSize: task.Most,
	})
}

// echoReadme: the server example to which its README points: all connections on
// its poller.
func echoReadme(l net.Listener) error {
	return echoServe(l, echoUpgrader(), nbhttp.Config{ReleaseWebsocketPayload: true, MaxLoad: 1000000})
}

// echoServe runs the library's HTTP server on the listener.
func echoServe(l net.Listener, u *websocket.Upgrader, config nbhttp.Config) error {
	ended := make(chan error, 1)
	config.Network = "tcp"
	config.Addrs = []string{l.Addr().String()}
	config.Listen = func(string, string) (net.Listener, error) { return &endingListener{Listener: l, ended: ended}, nil }
	config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = u.Upgrade(w, r, nil) // it has answered
	})
	engine := nbhttp.NewEngine(config)
	u.Engine = engine
	if err := transcripts.Start(engine); err != nil {
		return err
	}
	err := <-ended
	engine.Stop()
	return err
}

// An endingListener tells of the end of Accept, and then waits for its Close: the
// library would ask again and again.
type endingListener struct {
	net.Listener
	ended chan error
	once  sync.Once
	done  chan struct{}
	mu    sync.Mutex
}

func (l *endingListener) closed() chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.done == nil {
		l.done = make(chan struct{})
	}
	return l.done
}

// Accept waits for a connection.
func (l *endingListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		l.once.Do(func() { l.ended <- err })
		<-l.closed()
	}
	return conn, err
}

// Close ends Accept.
func (l *endingListener) Close() error {
	done := l.closed()
	select {
	case <-done:
	default:
		close(done)
	}
	return l.Listener.Close()
}

// echoStd: its README's example with the HTTP server of the standard library.
func echoStd() http.Handler {
	u := echoUpgrader()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = u.Upgrade(w, r, nil) // it has answered
	})
}

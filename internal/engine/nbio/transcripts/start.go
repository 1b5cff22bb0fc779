package transcripts

import (
	"errors"
	"net"
	"time"

	"github.com/lesismal/nbio"
	"github.com/lesismal/nbio/nbhttp"
)

// Start starts an engine, and returns when each of its pollers has worked. One that is
// told to stop before it does forgets that when it begins (in v1.6.8), and Stop waits for
// it for ever.
func Start(engine *nbhttp.Engine) error {
	if err := engine.Start(); err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer l.Close()
	pollers := engine.Engine.NPoller
	idle := make(map[int]bool)
	for i := range pollers {
		idle[i] = true
	}
	// A connection goes to a poller by the number of its descriptor, and a probe frees its
	// own: one more that stays open has the next probe's go to the next poller.
	for range 64 * pollers {
		worked, err := probe(engine, l)
		if err != nil {
			return err
		}
		if delete(idle, worked%pollers); len(idle) == 0 {
			return nil
		}
		stays, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		defer stays.Close()
	}
	return errors.New("nbio: a poller gets no connection")
}

// probe has a poller read a byte, and returns the number by which it was chosen.
func probe(engine *nbhttp.Engine, l net.Listener) (number int, err error) {
	client, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		return 0, err
	}
	defer client.Close()
	accepted, err := l.Accept()
	if err != nil {
		return 0, err
	}
	conn, err := nbio.NBConn(accepted)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	read := make(chan struct{}, 1)
	conn.OnData(func(*nbio.Conn, []byte) { read <- struct{}{} })
	if _, err = engine.AddConn(conn); err != nil {
		return 0, err
	}
	if _, err = client.Write([]byte{0}); err != nil {
		return 0, err
	}
	select {
	case <-read:
		return conn.Hash(), nil
	case <-time.After(10 * time.Second):
		return 0, errors.New("nbio: a poller does not read")
	}
}

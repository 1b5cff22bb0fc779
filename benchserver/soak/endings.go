package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	crand "crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/wsproof/wsproof/internal/opening"
	"github.com/wsproof/wsproof/internal/wire"
)

// checkEndings ends connections in all ways that TCP and TLS have, with answers
// on their way to a client that reads late: what was owed must come, all of it, in
// order, and the server must end each connection. Only the core is held to that.
func (s *soak) checkEndings() error {
	cert, key, roots, err := certificate(s.dir)
	if err != nil {
		return err
	}
	duration := max(s.duration/5, time.Second)
	for _, secure := range []bool{true, false} {
		scheme, args := "ws", []string{}
		if secure {
			scheme, args = "wss", []string{"-tls-cert", cert, "-tls-key", key}
		}
		err := s.endConnections(scheme, duration, roots, args)
		switch {
		case err == nil:
		case s.engine == "core":
			return fmt.Errorf("%s: %w", scheme, err)
		default: // it is the library that ends connections
			fmt.Fprintf(s.out, "endings: %s, %s: told, not judged: %v\n", s.engine, scheme, err)
		}
	}
	return nil
}

func (s *soak) endConnections(scheme string, duration time.Duration, roots *x509.CertPool, args []string) error {
	server, err := s.start(args...)
	if err != nil {
		return err
	}
	defer server.Stop()
	before, err := server.Metric("go_goroutines", "")
	if err != nil {
		return err
	}
	url, err := opening.ParseURL(scheme + "://" + server.Addr() + "/echo")
	if err != nil {
		return err
	}
	client := &opening.Client{URL: url, TLS: &tls.Config{RootCAs: roots}, Dial: dialSlow}
	counts := make([]atomic.Int64, len(endings))
	var messages atomic.Int64
	failed := make(chan error, s.workers)
	until := time.Now().Add(duration)
	var work sync.WaitGroup
	for i := range s.workers {
		work.Go(func() {
			random := rand.New(rand.NewPCG(s.seed, uint64(i)))
			// Each worker has each ending, whatever the time.
			for turn := i; turn < i+len(endings) || time.Now().Before(until) && s.ctx.Err() == nil && len(failed) == 0; turn++ {
				n := turn % len(endings)
				owed, err := endOne(client, n, random)
				if err != nil {
					failed <- fmt.Errorf("%s: %w", endings[n].name, err)
					return
				}
				counts[n].Add(1)
				messages.Add(int64(owed))
			}
		})
	}
	work.Wait()
	select {
	case err := <-failed:
		return err
	default:
	}
	took, err := s.settled(10*time.Second, server, before)
	if err != nil {
		return err
	}
	fmt.Fprintf(s.out, "endings: %s, %s, %v: %d answers owed and come;", s.engine, scheme, duration, messages.Load())
	for i, e := range endings {
		fmt.Fprintf(s.out, " %d %s,", counts[i].Load(), e.name)
	}
	fmt.Fprintf(s.out, " nothing left after %v\n", took.Round(100*time.Millisecond))
	return s.stop(server)
}

// slowBuffer is the receive buffer of the clients, in bytes: smaller than what
// they are owed, so that answers are still with the server when they end.
const slowBuffer = 64 << 10

func dialSlow(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, network, address)
	if err == nil {
		err = conn.(*net.TCPConn).SetReadBuffer(slowBuffer)
	}
	return conn, err
}

// An ending is how a client leaves that has sent messages and read no answer.
type ending struct {
	name string
	// closes: the client sends a Close behind its messages, and is owed one.
	closes bool
	// leave does what the client does before it reads; nil: nothing.
	leave func(c *leaver) error
	// lost: what is on its way may be lost, by what the client did.
	lost bool
}

var endings = []ending{
	{name: "with a Close alone", closes: true},
	{name: "with close_notify at once", closes: true, leave: (*leaver).halfClose},
	{name: "with close_notify later", closes: true, leave: func(c *leaver) error {
		time.Sleep(50 * time.Millisecond) // the server has answered the Close by then, or is about to
		return c.halfClose()
	}},
	{name: "with more behind the Close", closes: true, leave: func(c *leaver) error {
		// Nobody has to read it: that it is not taken is no harm.
		_ = c.conn.SetWriteDeadline(time.Now().Add(time.Second))
		_, _ = c.conn.Write(bytes.Repeat(masked(nil, wire.Text, "too late"), slowBuffer/14))
		return nil
	}},
	{name: "with more behind the Close and close_notify", closes: true, leave: func(c *leaver) error {
		_ = c.conn.SetWriteDeadline(time.Now().Add(time.Second))
		if _, err := c.conn.Write(bytes.Repeat(masked(nil, wire.Text, "too late"), slowBuffer/14)); err == nil {
			_ = c.halfClose()
		}
		return nil
	}},
	{name: "with close_notify and no Close", leave: (*leaver).halfClose},
	{name: "with the end of TCP alone", leave: func(c *leaver) error { return c.tcp.CloseWrite() }},
	{name: "with a reset", closes: true, lost: true, leave: func(c *leaver) error { return c.tcp.SetLinger(0) }},
	{name: "without a word", lost: true},
}

// A leaver is a client that is about to leave.
type leaver struct {
	conn net.Conn
	tcp  *net.TCPConn // below conn, or conn
}

// halfClose ends this side's direction: by close_notify over TLS, else by TCP's
// FIN.
func (c *leaver) halfClose() error { return c.conn.(interface{ CloseWrite() error }).CloseWrite() }

// endOne has one connection ended, and returns how many answers it was owed, all
// of which have come.
func endOne(client *opening.Client, n int, random *rand.Rand) (owed int, err error) {
	e := endings[n]
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	o, err := client.Open(ctx, "")
	if err != nil {
		return 0, err
	}
	c := &leaver{conn: o.Conn}
	defer c.conn.Close()
	if secure, ok := c.conn.(*tls.Conn); ok {
		c.tcp = secure.NetConn().(*net.TCPConn)
	} else {
		c.tcp = c.conn.(*net.TCPConn)
	}
	_ = c.conn.SetDeadline(time.Now().Add(patience))

	// Up to 400 KB, which no buffer on the way back takes while nobody reads.
	messages := make([][]byte, 1+random.IntN(50))
	var out []byte
	for i := range messages {
		messages[i] = bytes.Repeat([]byte{byte(random.Uint32())}, random.IntN(8000))
		f := wire.Frame{Fin: true, Opcode: wire.Binary, Masked: true, Key: [4]byte{1, 2, 3, 4}, Payload: messages[i]}
		out = f.Append(out)
	}
	if e.closes {
		out = masked(out, wire.Close, "\x03\xe8")
	}
	if _, err := c.conn.Write(out); err != nil {
		return 0, fmt.Errorf("sending: %w", err)
	}
	if e.leave != nil {
		if err := e.leave(c); err != nil {
			return 0, err
		}
	}
	if e.lost {
		return 0, nil
	}
	time.Sleep(time.Duration(random.IntN(20)) * time.Millisecond)
	return len(messages), c.wantAll(messages, e.closes)
}

// wantAll reads the answers to messages, a Close if one was sent, and the end.
func (c *leaver) wantAll(messages [][]byte, closes bool) error {
	_ = c.conn.SetDeadline(time.Now().Add(patience))
	r := bufio.NewReader(c.conn)
	for i, want := range messages {
		f, err := readFrame(r)
		if err != nil {
			return fmt.Errorf("%d of %d answers came: %w", i, len(messages), err)
		}
		if f.Opcode != wire.Binary || !bytes.Equal(f.Payload, want) {
			return fmt.Errorf("answer %d of %d is not the message: opcode %d, %d bytes, want %d", i+1, len(messages), f.Opcode, len(f.Payload), len(want))
		}
	}
	if closes {
		f, err := readFrame(r)
		if err != nil || f.Opcode != wire.Close || !bytes.HasPrefix(f.Payload, []byte("\x03\xe8")) {
			return fmt.Errorf("behind %d answers came opcode %d, %x, %w; want a Close with 1000", len(messages), f.Opcode, f.Payload, err)
		}
	}
	// Then the end, whatever it is: nothing is lost any more.
	_, err := io.Copy(io.Discard, r)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return errors.New("the server leaves the connection open behind its Close")
	}
	return nil
}

// readFrame reads a frame of the server.
func readFrame(r *bufio.Reader) (wire.Frame, error) {
	b, err := r.Peek(2)
	if err != nil {
		return wire.Frame{}, err
	}
	size, head := int(b[1]), 2
	switch {
	case size == 126:
		if b, err = r.Peek(4); err != nil {
			return wire.Frame{}, err
		}
		size, head = int(b[2])<<8|int(b[3]), 4
	case size > 126:
		return wire.Frame{}, fmt.Errorf("unexpected frame %x", b)
	}
	whole := make([]byte, head+size)
	if _, err := io.ReadFull(r, whole); err != nil {
		return wire.Frame{}, err
	}
	f, _, err := wire.Split(whole)
	return f, err
}

// certificate makes one for 127.0.0.1 and writes it, with its key, to files.
func certificate(dir string) (cert, key string, roots *x509.CertPool, err error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), crand.Reader)
	if err != nil {
		return "", "", nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(crand.Reader, template, template, private.Public(), private)
	if err != nil {
		return "", "", nil, err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return "", "", nil, err
	}
	write := func(name, kind string, b []byte) string {
		path := filepath.Join(dir, name)
		if writeErr := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: b}), 0o600); writeErr != nil {
			err = writeErr
		}
		return path
	}
	cert, key = write("cert.pem", "CERTIFICATE", der), write("key.pem", "PRIVATE KEY", secret)
	parsed, parseErr := x509.ParseCertificate(der)
	if parseErr != nil {
		return "", "", nil, parseErr
	}
	roots = x509.NewCertPool()
	roots.AddCert(parsed)
	return cert, key, roots, err
}

package main

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/wsproof/wsproof/internal/wire"
)

// maxIdleRSS is what the idle connections may take, in bytes.
const maxIdleRSS = 42e6

// open opens n connections, a few at a time, each of which has exchanged one
// message.
func open(addr string, n int) (conns []net.Conn, err error) {
	conns = make([]net.Conn, n)
	errs := make(chan error, n)
	gate := make(chan struct{}, 32)
	for i := range conns {
		gate <- struct{}{}
		go func() {
			defer func() { <-gate }()
			conn, err := connect(addr, "/plain")
			if err == nil {
				conns[i] = conn
				err = exchange(conn, bufio.NewReaderSize(conn, 16), "number: 1")
			}
			errs <- err
		}()
	}
	for range conns {
		err = errors.Join(err, <-errs)
	}
	return conns, err
}

func closeAll(conns []net.Conn) {
	for _, c := range conns {
		if c != nil {
			_ = c.Close()
		}
	}
}

// checkIdle opens the connections, leaves them for 10 s, and looks at what the
// server holds; then each of some must still answer.
func (s *soak) checkIdle() error {
	server, err := s.start()
	if err != nil {
		return err
	}
	defer server.Stop()
	before, err := server.RSS()
	if err != nil {
		return err
	}
	conns, err := open(server.Addr(), s.idle)
	defer closeAll(conns)
	if err != nil {
		return err
	}
	s.sleep(10 * time.Second)
	rss, err := server.RSS()
	if err != nil {
		return err
	}
	peak, err := server.PeakRSS()
	if err != nil {
		return err
	}
	goroutines, err := server.Metric("go_goroutines", "")
	if err != nil {
		return err
	}
	parked, err := server.Metric("benchserver_connections_parked", "")
	if err != nil {
		return err
	}
	fmt.Fprintf(s.out, "idle: %s holds %d connections in %.1f MB RSS, at most %.1f MB; %.0f bytes each, %.0f goroutines, %.0f parked\n",
		s.engine, s.idle, float64(rss)/1e6, float64(peak)/1e6, float64(rss-before)/float64(s.idle), goroutines, parked)
	for i := 0; i < len(conns); i += max(1, len(conns)/100) {
		if err := exchange(conns[i], bufio.NewReaderSize(conns[i], 16), "number: 2"); err != nil {
			return fmt.Errorf("connection %d after the wait: %w", i, err)
		}
	}
	if rss >= maxIdleRSS {
		return fmt.Errorf("%.1f MB RSS, want less than %.0f", float64(rss)/1e6, maxIdleRSS/1e6)
	}
	return s.stop(server)
}

// checkDrip has connections that send a byte a second, and others that send
// messages: the ones must be dropped, the others not notice.
func (s *soak) checkDrip() error {
	const timeout = 3 * time.Second
	server, err := s.start("-read-timeout", timeout.String())
	if err != nil {
		return err
	}
	defer server.Stop()
	conns, err := open(server.Addr(), s.drip)
	defer closeAll(conns)
	if err != nil {
		return err
	}
	var stop atomic.Bool
	var work sync.WaitGroup
	defer func() { stop.Store(true); work.Wait() }()

	work.Go(func() { // the drip
		frame := masked(nil, wire.Text, string(make([]byte, 120)))
		for i := 0; !stop.Load() && i < len(frame); i++ {
			for _, c := range conns {
				_ = c.SetWriteDeadline(time.Now().Add(time.Second))
				_, _ = c.Write(frame[i : i+1])
			}
			s.sleep(time.Second)
		}
	})
	const good = 16
	var served atomic.Int64
	var worst atomic.Int64
	failed := make(chan error, good)
	for range good {
		work.Go(func() {
			conn, err := connect(server.Addr(), "/plain")
			if err != nil {
				failed <- err
				return
			}
			defer conn.Close()
			r := bufio.NewReader(conn)
			for !stop.Load() {
				begin := time.Now()
				if err := exchange(conn, r, "number: 3"); err != nil {
					failed <- err
					return
				}
				served.Add(1)
				took := int64(time.Since(begin))
				for before := worst.Load(); took > before && !worst.CompareAndSwap(before, took); before = worst.Load() {
				}
				s.sleep(10 * time.Millisecond)
			}
		})
	}
	// The timeout, the closing handshake, and some for the machine.
	took, err := s.within(timeout+10*time.Second, "dropping all that drip", func() (bool, error) {
		n, err := server.Metric("benchserver_errors_total", `kind="timeout"`)
		left, err2 := server.Metric("benchserver_connections", "")
		return n == float64(s.drip) && left == good, errors.Join(err, err2)
	})
	stop.Store(true)
	work.Wait()
	if err != nil {
		return err
	}
	select {
	case err := <-failed:
		return fmt.Errorf("a good connection: %w", err)
	default:
	}
	fmt.Fprintf(s.out, "drip: %s drops %d connections %v after they were open (read timeout %v); %d others got %d answers, the slowest after %v\n",
		s.engine, s.drip, took.Round(100*time.Millisecond), timeout, good, served.Load(), time.Duration(worst.Load()).Round(time.Millisecond))
	return s.stop(server)
}

// checkKill kills a load with messages on their way: nothing of it may be left
// after 5 s.
func (s *soak) checkKill() error {
	generator := filepath.Join(s.dir, "wsload")
	if out, err := exec.Command("go", "build", "-o", generator, "github.com/wsproof/wsproof/bench/wsload").CombinedOutput(); err != nil {
		return fmt.Errorf("go build: %w\n%s", err, out)
	}
	server, err := s.start()
	if err != nil {
		return err
	}
	defer server.Stop()
	before, err := server.Metric("go_goroutines", "")
	if err != nil {
		return err
	}
	for _, args := range [][]string{
		{"-url", server.URL, "-mode", "json", "-async"},
		{"-url", server.URL + "/echo", "-mode", "echo", "-size", "65536", "-inflight", "64"},
		{"-url", server.URL, "-mode", "connect"},
	} {
		opened, err := server.Metric("benchserver_connections_total", "")
		if err != nil {
			return err
		}
		load := exec.Command(generator, append([]string{"-conns", strconv.Itoa(s.kill), "-duration", "30s"}, args...)...)
		if err := load.Start(); err != nil {
			return err
		}
		if _, err := s.within(time.Minute, "load", func() (bool, error) {
			n, err := server.Metric("benchserver_connections_total", "")
			return n-opened >= float64(s.kill)/2, err
		}); err != nil {
			_ = load.Process.Kill()
			_ = load.Wait()
			return fmt.Errorf("%v: %w", args, err)
		}
		s.sleep(time.Second)
		_ = load.Process.Kill()
		_ = load.Wait()
		if load.ProcessState.Exited() {
			return fmt.Errorf("%v ended before it was killed: %v", args, load.ProcessState)
		}
		took, err := s.settled(5*time.Second, server, before)
		if err != nil {
			return fmt.Errorf("%v killed: %w", args, err)
		}
		fmt.Fprintf(s.out, "kill: %s has nothing left %v after %v was killed\n", s.engine, took.Round(100*time.Millisecond), args[2:])
	}
	return s.stop(server)
}

package field

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// startTime is how long a server may take until it listens.
const startTime = time.Minute

// A process is a program that runs, with all that it has started.
type process struct {
	cmd  *exec.Cmd
	said *tail         // written until it has ended
	done chan struct{} // closed when it has ended
}

// launch starts a command of words in a folder. It ends by stop, or with this
// process, whatever ends that.
func launch(words, env []string, dir string) (*process, error) {
	if len(words) == 0 {
		return nil, errors.New("no command")
	}
	p := &process{cmd: exec.Command(words[0], words[1:]...), said: &tail{}, done: make(chan struct{})}
	p.cmd.Dir, p.cmd.Env = dir, env
	p.cmd.Stdout, p.cmd.Stderr = p.said, p.said
	contain(p.cmd)
	started := make(chan error)
	go func() {
		// The kernel ends the child with the thread that started it, so that
		// thread must live as long.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer close(p.done)
		err := p.cmd.Start()
		started <- err
		if err == nil {
			_ = p.cmd.Wait() // it is killed, or what it said tells why it ended
		}
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	return p, nil
}

// ended says whether the process is over.
func (p *process) ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// stop kills the process and all of its group.
func (p *process) stop() {
	killGroup(p.cmd)
	<-p.done
}

// cpu is the processor time that the process and those of its group have used.
func (p *process) cpu() (time.Duration, error) { return groupCPU(p.cmd.Process.Pid) }

// A server is an implementation that listens.
type server struct {
	*process
	address string // host:port
	dir     string
}

func (s *server) url() string { return "ws://" + s.address + "/" }

// serve starts a server or a proxy and waits until it listens.
func (p place) serve(ctx context.Context, im *Implementation, upstream string) (*server, error) {
	dir, err := os.MkdirTemp("", "field-")
	if err != nil {
		return nil, err
	}
	s := &server{dir: dir}
	if s.address, err = freeAddress(); err != nil {
		return nil, err
	}
	_, port, _ := net.SplitHostPort(s.address)
	pairs := []string{"{port}", port, "{dir}", dir, "{upstream}", upstream, "{config}", ""}
	if im.Config != "" {
		b, err := os.ReadFile(filepath.Join(p.field, im.Config))
		if err != nil {
			return nil, err
		}
		file := filepath.Join(dir, filepath.Base(im.Config))
		if err := os.WriteFile(file, []byte(p.expand(string(b), pairs...)), 0o666); err != nil {
			return nil, err
		}
		pairs[len(pairs)-1] = file
	}
	if s.process, err = launch(strings.Fields(p.expand(im.Start, pairs...)), p.env(), dir); err != nil {
		_ = os.RemoveAll(dir)
		return nil, err
	}
	if err := s.awaitListener(ctx); err != nil {
		s.stop()
		return nil, err
	}
	return s, nil
}

func (s *server) stop() {
	s.process.stop()
	_ = os.RemoveAll(s.dir)
}

// freeAddress is one that nothing listens on.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return "127.0.0.1:" + strconv.Itoa(l.Addr().(*net.TCPAddr).Port), nil
}

// awaitListener waits until something listens.
func (s *server) awaitListener(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for {
		conn, err := net.DialTimeout("tcp", s.address, time.Second)
		if err == nil {
			return conn.Close()
		}
		select {
		case <-s.done:
			return fmt.Errorf("it has ended: %v: %s", s.cmd.ProcessState, s.said.reason())
		case <-ctx.Done():
			return fmt.Errorf("it does not listen within %v", startTime)
		case <-again.C:
		}
	}
}

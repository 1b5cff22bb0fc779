package wirefuzz

import (
	"os/exec"
	"strings"
	"sync"
	"time"
)

// A process is a command of the shell, with all that it has started.
type process struct {
	cmd  *exec.Cmd
	out  tail
	done chan struct{}
}

// launch starts a command of the shell.
func launch(command string) (*process, error) {
	p := &process{cmd: shell(command), done: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = &p.out, &p.out
	p.cmd.WaitDelay = time.Second
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		defer close(p.done)
		_ = p.cmd.Wait()
	}()
	return p, nil
}

// stop ends it, and all of its group.
func (p *process) stop() {
	kill(p.cmd)
	<-p.done
}

// wait waits until it has ended, for d at most.
func (p *process) wait(d time.Duration) {
	select {
	case <-p.done:
	case <-time.After(d):
	}
}

// said is what it wrote last, the first lines of a panic if there is one.
func (p *process) said() string {
	s := p.out.text()
	for _, word := range []string{"panic:", "fatal error:", "Traceback", "Exception", "Error"} {
		if i := strings.Index(s, word); i >= 0 {
			s = s[i:]
			break
		}
	}
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return strings.Join(lines[:min(len(lines), 12)], "\n")
}

// A tail keeps the last of what is written to it.
type tail struct {
	mu sync.Mutex
	b  []byte
}

const tailSize = 32 << 10

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.b = append(t.b, p...)
	if len(t.b) > 2*tailSize {
		t.b = append([]byte(nil), t.b[len(t.b)-tailSize:]...)
	}
	return len(p), nil
}

func (t *tail) text() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.b)
}

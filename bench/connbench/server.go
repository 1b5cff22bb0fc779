package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"

	"github.com/wsproof/wsproof/bench/echo"
)

// A server is an echo server in a process of its own.
type server struct {
	engine echo.Engine
	addr   string
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    *bufio.Reader
}

// start starts the engine's server; procs is its GOMAXPROCS, 0 for the default.
func start(e echo.Engine, procs int, pinned bool, stderr io.Writer) (*server, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self, "serve", e.Name())
	cmd.Stderr = stderr
	cmd.Env = os.Environ()
	if procs > 0 {
		cmd.Env = append(cmd.Env, fmt.Sprintf("GOMAXPROCS=%d", procs))
	}
	s := &server{engine: e, cmd: cmd}
	if s.in, err = cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	s.out = bufio.NewReader(out)
	startChild := cmd.Start
	if pinned {
		startChild = func() error { return startPinned(cmd) }
	}
	if err := startChild(); err != nil {
		return nil, err
	}
	line, err := s.out.ReadString('\n')
	if err != nil {
		s.stop()
		return nil, fmt.Errorf("server %s did not start: %w", e.Name(), err)
	}
	s.addr = strings.TrimSpace(line)
	return s, nil
}

func (s *server) url() string {
	if s.engine.WebSocket() {
		return "ws://" + s.addr
	}
	return "tcp://" + s.addr
}

// stats asks what the server has used; with gc after a garbage collection.
func (s *server) stats(gc bool) (echo.Stats, error) {
	command := "stats\n"
	if gc {
		command = "gc\n"
	}
	var st echo.Stats
	if _, err := io.WriteString(s.in, command); err != nil {
		return st, fmt.Errorf("server %s: %w", s.engine.Name(), err)
	}
	line, err := s.out.ReadBytes('\n')
	if err != nil {
		return st, fmt.Errorf("server %s: %w", s.engine.Name(), err)
	}
	return st, json.Unmarshal(line, &st)
}

// stop ends the process by closing its input.
func (s *server) stop() {
	s.in.Close()
	_ = s.cmd.Wait()
}

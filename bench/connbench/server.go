package main

import (
	"io"

	"github.com/wsproof/wsproof/bench/echo"
)

// A server is an echo server in a process of its own.
type server struct {
	*child
	engine echo.Engine
	addr   string
}

// start starts the engine's server; procs is its GOMAXPROCS, 0 for the default.
func start(e echo.Engine, procs int, pinned bool, stderr io.Writer) (*server, error) {
	child, addr, err := spawn([]string{"serve", e.Name()}, procs, pinned, stderr)
	if err != nil {
		return nil, err
	}
	return &server{child, e, addr}, nil
}

func (s *server) url() string {
	if s.engine.WebSocket() {
		return "ws://" + s.addr
	}
	return "tcp://" + s.addr
}

// stats asks what the server has used; with gc after a garbage collection.
func (s *server) stats(gc bool) (st echo.Stats, err error) {
	command := "stats"
	if gc {
		command = "gc"
	}
	err = s.ask(command, &st)
	return st, err
}

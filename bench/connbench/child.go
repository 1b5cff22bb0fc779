package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
)

// A child is this program, in a process of its own, which is asked line by line.
type child struct {
	name string
	cmd  *exec.Cmd
	in   io.WriteCloser
	out  *bufio.Reader
}

// spawn starts a child and returns the first line that it prints. procs is its GOMAXPROCS, 0 for the default.
func spawn(args []string, procs int, pinned bool, stderr io.Writer) (*child, string, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, "", err
	}
	c := &child{name: strings.Join(args[:2], " "), cmd: exec.Command(self, args...)}
	c.cmd.Stderr = stderr
	c.cmd.Env = os.Environ()
	if procs > 0 {
		c.cmd.Env = append(c.cmd.Env, fmt.Sprintf("GOMAXPROCS=%d", procs))
	}
	if c.in, err = c.cmd.StdinPipe(); err != nil {
		return nil, "", err
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, "", err
	}
	c.out = bufio.NewReader(out)
	start := c.cmd.Start
	if pinned {
		start = func() error { return startPinned(c.cmd) }
	}
	if err := start(); err != nil {
		return nil, "", err
	}
	line, err := c.out.ReadString('\n')
	if err != nil {
		c.stop()
		return nil, "", fmt.Errorf("%s did not start: %w", c.name, err)
	}
	return c, strings.TrimSpace(line), nil
}

// ask sends a command and puts what comes back, in JSON, into answer.
func (c *child) ask(command string, answer any) error {
	if _, err := io.WriteString(c.in, command+"\n"); err != nil {
		return fmt.Errorf("%s: %w", c.name, err)
	}
	line, err := c.out.ReadBytes('\n')
	if err != nil {
		return fmt.Errorf("%s: %w", c.name, err)
	}
	return json.Unmarshal(line, answer)
}

// stop ends the process by closing its input.
func (c *child) stop() {
	c.in.Close()
	_ = c.cmd.Wait()
}

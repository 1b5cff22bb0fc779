//go:build !linux

package main

import "os/exec"

// pinSelf does nothing: this system cannot pin a process to a processor.
func pinSelf() (bool, error) { return false, nil }

func startPinned(cmd *exec.Cmd) error { return cmd.Start() }

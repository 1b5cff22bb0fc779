//go:build !unix

package wirefuzz

import "os/exec"

func shell(command string) *exec.Cmd { return exec.Command("cmd", "/C", command) }

func kill(cmd *exec.Cmd) { _ = cmd.Process.Kill() }

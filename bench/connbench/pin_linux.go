package main

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// pinnedMark tells a process that it was started again on one processor.
const pinnedMark = "CONNBENCH_PINNED"

// allowed are the processors that this process may use.
func allowed() []int {
	var set unix.CPUSet
	if unix.SchedGetaffinity(0, &set) != nil {
		return nil
	}
	var all []int
	for i := range 1024 {
		if set.IsSet(i) {
			all = append(all, i)
		}
	}
	return all
}

// pinSelf starts this program again, on the second of its processors and with
// GOMAXPROCS=1; all its threads are then born there. It reports false where
// there is only one processor.
func pinSelf() (bool, error) {
	if os.Getenv(pinnedMark) != "" {
		return true, nil
	}
	cpus := allowed()
	if len(cpus) < 2 {
		return false, nil
	}
	self, err := os.Executable()
	if err != nil {
		return false, err
	}
	runtime.LockOSThread()
	if err := affinity(cpus[1]); err != nil {
		return false, nil //nolint:nilerr // not allowed here: run without
	}
	// Set, not appended: of a name that is there twice the runtime takes the first.
	for name, value := range map[string]string{pinnedMark: strconv.Itoa(cpus[0]), "GOMAXPROCS": "1"} {
		if err := os.Setenv(name, value); err != nil {
			return false, err
		}
	}
	return false, syscall.Exec(self, os.Args, os.Environ())
}

func affinity(cpu int) error {
	var set unix.CPUSet
	set.Set(cpu)
	return unix.SchedSetaffinity(0, &set)
}

// startPinned starts a child on the other processor: it inherits the affinity
// of the thread that starts it.
func startPinned(cmd *exec.Cmd) error {
	var cpu int
	if _, err := fmt.Sscan(os.Getenv(pinnedMark), &cpu); err != nil {
		return fmt.Errorf("the environment variable %s: %w", pinnedMark, err)
	}
	var own unix.CPUSet
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := unix.SchedGetaffinity(0, &own); err != nil {
		return err
	}
	if err := affinity(cpu); err != nil {
		return err
	}
	defer func() { _ = unix.SchedSetaffinity(0, &own) }()
	return cmd.Start()
}

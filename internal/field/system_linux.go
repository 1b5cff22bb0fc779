package field

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// contain makes a command the head of a group of its own, and has the kernel end
// it with the thread that starts it.
func contain(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	cmd.WaitDelay = time.Second // for a pipe that one outside the group holds
}

// killGroup kills a command and its group.
func killGroup(cmd *exec.Cmd) { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }

// tick is the unit of times in /proc/PID/stat: USER_HZ, which is 100 on every
// architecture that Go knows.
const tick = time.Second / 100

// groupCPU adds up what the processes of a group have used (user and system), and
// what those that ended under them had.
func groupCPU(group int) (time.Duration, error) {
	files, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return 0, err
	}
	var sum time.Duration
	found := false
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			continue // it has ended meanwhile
		}
		used, in, err := parseStat(string(b), group)
		if err != nil {
			return 0, fmt.Errorf("%s: %w", file, err)
		}
		sum += used
		found = found || in
	}
	if !found {
		return 0, fmt.Errorf("no process of group %d", group)
	}
	return sum, nil
}

// parseStat reads a line of /proc/PID/stat: the time used if it is of the group.
func parseStat(line string, group int) (used time.Duration, in bool, err error) {
	// The name, in parentheses, may have anything in it.
	fields := strings.Fields(line[strings.LastIndexByte(line, ')')+1:])
	if len(fields) < 15 {
		return 0, false, fmt.Errorf("only %d fields", len(fields))
	}
	if fields[2] != strconv.Itoa(group) { // state, parent, group
		return 0, false, nil
	}
	for _, field := range fields[11:15] { // utime, stime, cutime, cstime
		ticks, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return 0, false, err
		}
		used += time.Duration(ticks) * tick
	}
	return used, true, nil
}

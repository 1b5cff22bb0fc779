package wirefuzz

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// processMemory is what a process has in memory, in bytes.
func processMemory(pid int) (int64, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		return 0, err
	}
	fields := strings.Fields(string(b))
	if len(fields) < 2 {
		return 0, fmt.Errorf("/proc/%d/statm has %d fields", pid, len(fields))
	}
	pages, err := strconv.ParseInt(fields[1], 10, 64)
	return pages * int64(os.Getpagesize()), err
}

// groupMemory is what the processes of a group have, in bytes.
func groupMemory(group int) (int64, error) {
	files, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return 0, err
	}
	var sum int64
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			continue // it has ended meanwhile
		}
		// The name, in parentheses, may have anything in it.
		fields := strings.Fields(string(b)[strings.LastIndexByte(string(b), ')')+1:])
		if len(fields) < 3 || fields[2] != strconv.Itoa(group) { // state, parent, group
			continue
		}
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file))); err == nil {
			if n, err := processMemory(pid); err == nil {
				sum += n
			}
		}
	}
	if sum == 0 {
		return 0, fmt.Errorf("no process of group %d", group)
	}
	return sum, nil
}

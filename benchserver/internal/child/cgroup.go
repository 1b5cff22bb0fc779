package child

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// cgroups is where Linux has them.
const cgroups = "/sys/fs/cgroup"

// period is that of the processor quota, in microseconds.
const period = 100000

// limit puts the process into a cgroup with the limits, of version 2 or 1, where
// there is one and it is allowed. It says what it did; cleanup is to be called
// when the process has ended.
func limit(pid int, l Limits) (cleanup func(), how string) {
	if l == (Limits{}) {
		return func() {}, "no limits"
	}
	quota := strconv.Itoa(period * l.Processors)
	memory := strconv.FormatInt(l.Memory, 10)
	name := fmt.Sprintf("benchserver-%d", pid)
	var groups []group
	if _, err := os.Stat(filepath.Join(cgroups, "cgroup.controllers")); err == nil {
		g := group{dir: filepath.Join(cgroups, name)}
		if l.Processors > 0 {
			g.settings = append(g.settings, [2]string{"cpu.max", quota + " " + strconv.Itoa(period)})
		}
		if l.Memory > 0 {
			g.settings = append(g.settings, [2]string{"memory.max", memory}, [2]string{"memory.swap.max", "0"})
		}
		groups = []group{g}
	} else {
		if l.Processors > 0 {
			groups = append(groups, group{filepath.Join(cgroups, "cpu", name), [][2]string{{"cpu.cfs_period_us", strconv.Itoa(period)}, {"cpu.cfs_quota_us", quota}}})
		}
		if l.Memory > 0 {
			groups = append(groups, group{filepath.Join(cgroups, "memory", name), [][2]string{{"memory.limit_in_bytes", memory}}})
		}
	}
	var made []string
	cleanup = func() {
		for _, dir := range made {
			_ = os.Remove(dir)
		}
	}
	for _, g := range groups {
		if err := g.make(pid); err != nil {
			cleanup()
			_ = os.Remove(g.dir)
			return func() {}, "no cgroup: " + err.Error()
		}
		made = append(made, g.dir)
	}
	return cleanup, "cgroup " + strings.Join(made, ", ")
}

// A group is a cgroup to be made.
type group struct {
	dir      string
	settings [][2]string // file, value
}

func (g group) make(pid int) error {
	if err := os.Mkdir(g.dir, 0o755); err != nil {
		return err
	}
	// The kernel fills the folder of a cgroup; one that stays empty is none.
	if _, err := os.Stat(filepath.Join(g.dir, "cgroup.procs")); err != nil {
		return errors.New(filepath.Dir(g.dir) + " holds no cgroups")
	}
	for _, s := range append(g.settings, [2]string{"cgroup.procs", strconv.Itoa(pid)}) {
		f, err := os.OpenFile(filepath.Join(g.dir, s[0]), os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		_, err = f.WriteString(s[1])
		if err := errors.Join(err, f.Close()); err != nil {
			return err
		}
	}
	return nil
}

//go:build unix

package bench

import (
	"syscall"
	"time"
)

// cpuTime is the CPU time that all threads of the process have used, in user
// and kernel mode, garbage collection included (getrusage, RUSAGE_SELF).
func cpuTime() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

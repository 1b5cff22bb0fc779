package main

import (
	"context"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/wsproof/wsproof/internal/engine/engines"
)

// facts are what a reader of the results has to know about machine and code.
func facts(ctx context.Context, top string) ([]fact, error) {
	all := []fact{
		{"date", time.Now().UTC().Format("2006-01-02T15:04:05.000Z07:00")}, // runs are in the order of their dates
		{"go", runtime.Version()},
		{"cpus", strconv.Itoa(runtime.NumCPU())},
		{"gomaxprocs", "1"}, // of what is measured, both in memory and over loopback
	}
	if kernel, err := command(ctx, top, "uname", "-sr"); err == nil {
		all = append(all, fact{"kernel", kernel})
	}
	if b, err := os.ReadFile("/proc/loadavg"); err == nil {
		all = append(all, fact{"load-before", strings.Join(strings.Fields(string(b))[:3], " ")})
	}
	if b, err := os.ReadFile("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"); err == nil {
		all = append(all, fact{"governor", strings.TrimSpace(string(b))})
	}
	list := []string{"list", "-m", "-f", "{{.Path}} {{.Version}}"}
	names := map[string]string{}
	for _, e := range engines.Libraries() {
		list = append(list, e.Module)
		names[e.Module] = e.Name
	}
	versions, err := command(ctx, top, "go", list...)
	if err != nil {
		return nil, err
	}
	for line := range strings.Lines(versions) {
		path, version, _ := strings.Cut(strings.TrimSpace(line), " ")
		all = append(all, fact{names[path], version})
	}
	return all, nil
}

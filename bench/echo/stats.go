package echo

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"strconv"
	"strings"

	"github.com/wsproof/wsproof/internal/engine/engines"
)

// Stats are what a server process has used since it began.
type Stats struct {
	CPU        int64 // nanoseconds, user and kernel, all threads
	Mallocs    uint64
	Allocated  uint64 // bytes, in all
	RSS        int64  // bytes resident; -1 where the system does not tell
	Goroutines int
}

// Control serves e on a loopback port of its own. It prints the address as the
// first line of out; then each line of in asks for a line of out: "stats" for
// Stats in JSON, "gc" for the same after one garbage collection. It ends when
// in does.
func Control(e Engine, in io.Reader, out io.Writer) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	for _, other := range engines.All() {
		if other.Name != e.Lib && other.Leave != nil {
			other.Leave()
		}
	}
	failed := make(chan error, 1)
	go func() { failed <- e.Serve(l) }()
	if _, err := fmt.Fprintln(out, l.Addr()); err != nil {
		return err
	}
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		select {
		case err := <-failed:
			return fmt.Errorf("echo: the server ended: %w", err)
		default:
		}
		switch command := lines.Text(); command {
		case "gc":
			runtime.GC()
			fallthrough
		case "stats":
			if err := json.NewEncoder(out).Encode(read()); err != nil {
				return err
			}
		default:
			return fmt.Errorf("echo: no command %q: use stats or gc", command)
		}
	}
	return lines.Err()
}

func read() Stats {
	s := Stats{CPU: cpuTime(), RSS: -1, Goroutines: runtime.NumGoroutine()}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	s.Mallocs, s.Allocated = m.Mallocs, m.TotalAlloc
	if b, err := os.ReadFile("/proc/self/status"); err == nil {
		if kb := field(b, "VmRSS:"); kb >= 0 {
			s.RSS = kb << 10
		}
	}
	return s
}

// field is the number behind name in a file of /proc.
func field(b []byte, name string) int64 {
	_, rest, found := strings.Cut(string(b), name)
	if !found {
		return -1
	}
	words := strings.Fields(rest)
	if len(words) == 0 {
		return -1
	}
	n, err := strconv.ParseInt(words[0], 10, 64)
	if err != nil {
		return -1
	}
	return n
}

package child

import (
	"net"
	"os"
	"strings"
	"testing"
)

// TestServer starts a limited server, reads its costs, and stops it.
func TestServer(t *testing.T) {
	if _, err := os.Stat("/proc/self/status"); err != nil {
		t.Skip("no /proc: ", err)
	}
	file, err := Build(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	s, err := Start(file, Limits{Processors: 1, Memory: 1 << 30}, "-engine", "gws")
	if err != nil {
		t.Fatal(err)
	}
	t.Log(s.Cgroup)
	conn, err := net.Dial("tcp", s.Addr())
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
	rss, err := s.RSS()
	peak, err2 := s.PeakRSS()
	if err != nil || err2 != nil || rss < 1<<20 || rss > peak {
		t.Errorf("RSS %d, at most %d: %v, %v", rss, peak, err, err2)
	}
	if _, err := s.CPU(); err != nil {
		t.Error(err)
	}
	for name, want := range map[string]float64{"benchserver_info": 1, "go_sched_gomaxprocs_threads": 1} {
		if got, err := s.Metric(name, ""); err != nil || got != want {
			t.Errorf("%s is %v, want %v: %v", name, got, want, err)
		}
	}
	if _, err := s.Stop(); err != nil {
		t.Errorf("Stop: %v", err)
	}
	if log := s.Log(); !strings.Contains(log[len(log)-1], "msg=stopped") {
		t.Errorf("the log ends with %q", log[len(log)-1])
	}
}

func TestStartFails(t *testing.T) {
	file, err := Build(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	_, err = Start(file, Limits{}, "-engine", "nginx")
	if err == nil || !strings.Contains(err.Error(), "want one of core") {
		t.Errorf("got %v", err)
	}
}

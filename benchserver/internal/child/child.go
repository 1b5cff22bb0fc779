// Package child runs benchserver as a process of its own, limited as load tests
// limit it, and reads from outside what it costs. It needs Linux: /proc and,
// where the user may make one, a cgroup.
package child

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Limits are what the server may use; zero is no limit.
type Limits struct {
	Processors int
	Memory     int64 // bytes
}

// env passes the limits to the Go runtime.
func (l Limits) env() []string {
	env := os.Environ()
	if l.Processors > 0 {
		env = append(env, "GOMAXPROCS="+strconv.Itoa(l.Processors))
	}
	if l.Memory > 0 {
		env = append(env, "GOMEMLIMIT="+strconv.FormatInt(l.Memory, 10))
	}
	return env
}

// A Server is a running benchserver.
type Server struct {
	// URL is where it listens, without a path; Admin is its admin address.
	URL, Admin string
	// Cgroup tells how the limits are enforced besides the Go runtime's settings.
	Cgroup string

	cmd     *exec.Cmd
	cleanup func()
	ended   chan struct{} // closed when the log has ended

	mu  sync.Mutex
	log []string
}

// Build builds benchserver into dir, and returns the file.
func Build(dir string) (string, error) {
	file := filepath.Join(dir, "benchserver")
	out, err := exec.Command("go", "build", "-o", file, "github.com/wsproof/wsproof/benchserver").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return file, nil
}

// startTime is how long a server may take until it listens.
const startTime = time.Minute

// Start starts the server that Build made, on ports of the kernel's choice.
func Start(file string, l Limits, args ...string) (*Server, error) {
	s := &Server{
		cmd:   exec.Command(file, append([]string{"-addr", "127.0.0.1:0", "-admin-addr", "127.0.0.1:0"}, args...)...),
		ended: make(chan struct{}),
	}
	s.cmd.Env = l.env()
	stderr, err := s.cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	s.cleanup, s.Cgroup = limit(s.cmd.Process.Pid, l)
	listening := make(chan struct{})
	go s.readLog(stderr, listening)
	select {
	case <-listening:
		return s, nil
	case <-s.ended:
		err = errors.New("it has ended")
	case <-time.After(startTime):
		err = errors.New("it does not listen")
	}
	_ = s.cmd.Process.Kill()
	<-s.ended
	_ = s.cmd.Wait()
	s.cleanup()
	return nil, fmt.Errorf("starting benchserver %s: %w: %s", strings.Join(args, " "), err, strings.Join(s.Log(), "; "))
}

func (s *Server) readLog(r io.Reader, listening chan struct{}) {
	defer close(s.ended)
	for lines := bufio.NewScanner(r); lines.Scan(); {
		line := lines.Text()
		s.mu.Lock()
		s.log = append(s.log, line)
		s.mu.Unlock()
		if strings.Contains(line, " msg=listening ") {
			s.URL, s.Admin = field(line, "url"), field(line, "admin")
			close(listening)
		}
	}
}

// field returns the value of key=value in a line of the log.
func field(line, key string) string {
	_, rest, _ := strings.Cut(line, " "+key+"=")
	value, _, _ := strings.Cut(rest, " ")
	return value
}

// Addr is host:port.
func (s *Server) Addr() string {
	_, addr, _ := strings.Cut(s.URL, "://")
	return addr
}

// Log returns what the server has logged so far.
func (s *Server) Log() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string{}, s.log...)
}

// Stop sends SIGTERM, waits, and returns how long it took.
func (s *Server) Stop() (time.Duration, error) {
	begin := time.Now()
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return 0, err
	}
	late := time.AfterFunc(20*time.Second, func() { _ = s.cmd.Process.Kill() })
	defer late.Stop()
	<-s.ended
	err := s.cmd.Wait()
	s.cleanup()
	return time.Since(begin), err
}

// CPU is the processor time that the server's threads have used. Go ends threads
// so rarely that what they took with them does not count.
func (s *Server) CPU() (time.Duration, error) {
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", s.cmd.Process.Pid))
	if err != nil || len(threads) == 0 {
		return 0, fmt.Errorf("no schedstat of process %d: its CPU time is not known", s.cmd.Process.Pid)
	}
	var sum time.Duration
	for _, file := range threads {
		b, err := os.ReadFile(file)
		if err != nil {
			continue // the thread has ended meanwhile
		}
		running, _, _ := strings.Cut(string(b), " ") // in nanoseconds
		ns, err := strconv.ParseInt(running, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("%s: %w", file, err)
		}
		sum += time.Duration(ns)
	}
	return sum, nil
}

// RSS is the memory that the server holds, PeakRSS the most it has held, in
// bytes.
func (s *Server) RSS() (int64, error) { return s.status("VmRSS:") }

// PeakRSS is the most that RSS has been.
func (s *Server) PeakRSS() (int64, error) { return s.status("VmHWM:") }

func (s *Server) status(key string) (int64, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	_, rest, ok := strings.Cut(string(b), key)
	fields := strings.Fields(rest)
	if !ok || len(fields) == 0 {
		return 0, fmt.Errorf("no %s in /proc/%d/status", key, s.cmd.Process.Pid)
	}
	kib, err := strconv.ParseInt(fields[0], 10, 64)
	return kib << 10, err
}

// Metric returns the sum of a metric's samples at /metrics whose labels contain
// the given text.
func (s *Server) Metric(name, labels string) (float64, error) {
	response, err := http.Get("http://" + s.Admin + "/metrics")
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	var sum float64
	lines := bufio.NewScanner(response.Body)
	for lines.Scan() {
		sample, value, ok := strings.Cut(lines.Text(), " ")
		if base, has, _ := strings.Cut(sample, "{"); !ok || base != name || !strings.Contains(has, labels) {
			continue
		}
		v, err := strconv.ParseFloat(value, 64)
		if err != nil {
			return 0, err
		}
		sum += v
	}
	return sum, lines.Err()
}

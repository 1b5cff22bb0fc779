// Command benchengines compares the engines of benchserver: a server process an
// engine, a test and a number of users, limited to 2 processors and 1 GiB, under
// load from bench/wsload; engines interleaved, their order rotated.
//
//	make bench-engines
//
// It prints a benchstat table by engine. The server's costs stand beside the
// rates: CPU time a message (or connection) and the most memory it held.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/perf/benchfmt"

	"github.com/wsproof/wsproof/benchserver/internal/child"
	"github.com/wsproof/wsproof/internal/cli"
	"github.com/wsproof/wsproof/internal/engine/engines"
)

func main() {
	cli.Main("benchengines", run)
}

// A test is one of the seven.
type test struct {
	name string
	mode string
	args []string
}

var tests = []test{
	{"connection", "connect", nil},
	{"plain_sync", "plain", nil},
	{"plain_async", "plain", []string{"-async"}},
	{"json_sync", "json", nil},
	{"json_async", "json", []string{"-async"}},
	{"binary_sync", "binary", nil},
	{"binary_async", "binary", []string{"-async"}},
}

// gather is no library as it comes: it runs only when asked for.
const gather = "gobwas_gather"

// flagsOf returns the server's flags for a name of -engines, nil if there is none.
func flagsOf(name string) []string {
	if name == gather {
		return []string{"-engine", "gobwas", "-gather"}
	}
	if _, err := engines.Find(name); err != nil {
		return nil
	}
	return []string{"-engine", name}
}

type config struct {
	engines, tests, users []string
	count, messages       int
	duration, patience    time.Duration
	processors            int
	memory                int64
	socketBuffer          int
	out                   string
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	c, err := parse(args, stdout)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "benchengines-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	server, err := child.Build(dir)
	if err != nil {
		return err
	}
	generator := filepath.Join(dir, "wsload")
	if out, err := exec.Command("go", "build", "-o", generator, "github.com/wsproof/wsproof/bench/wsload").CombinedOutput(); err != nil {
		return fmt.Errorf("go build: %w\n%s", err, out)
	}
	if err := os.MkdirAll(filepath.Dir(c.out), 0o755); err != nil {
		return err
	}
	file, err := os.Create(c.out)
	if err != nil {
		return err
	}
	defer file.Close()
	fmt.Fprintf(file, "goos: %s\ngoarch: %s\ngo: %s\ncpus: %d\nlimit-processors: %d\nlimit-memory: %d\n",
		runtime.GOOS, runtime.GOARCH, runtime.Version(), runtime.NumCPU(), c.processors, c.memory)

	var failures []string
	how := ""
	for round := range c.count {
		for _, users := range c.users {
			for _, t := range tests {
				if !slices.Contains(c.tests, t.name) {
					continue
				}
				for i := range c.engines {
					engine := c.engines[(i+round)%len(c.engines)]
					if ctx.Err() != nil {
						return ctx.Err()
					}
					m, err := measure(ctx, server, generator, engine, t, users, c)
					if err != nil {
						failures = append(failures, fmt.Sprintf("%s %s %s: %v", engine, t.name, users, err))
						fmt.Fprintf(stderr, "%s %s, %s users: FAILED: %v\n", engine, t.name, users, err)
						continue
					}
					if how == "" {
						how = m.cgroup
						fmt.Fprintln(stderr, "limits: GOMAXPROCS, GOMEMLIMIT,", how)
					}
					fmt.Fprintf(stderr, "%d/%d %s %s, %s users: %.0f/s, %.0f ns of CPU, %.1f MiB\n",
						round+1, c.count, engine, t.name, users, m.rate, m.cpu, m.peak)
					if m.stalls > 0 {
						fmt.Fprintf(stderr, "%.0f of its sessions had to read before all was sent, after a second in which nothing moved\n", m.stalls)
					}
					fmt.Fprintln(file, m.line(engine, t.name, users))
				}
			}
		}
	}
	if err := benchstat(c.out, stdout); err != nil {
		return err
	}
	if failures != nil {
		return cli.Finding(fmt.Errorf("%d runs failed:\n%s", len(failures), strings.Join(failures, "\n")))
	}
	return nil
}

func parse(args []string, stdout io.Writer) (*config, error) {
	c := new(config)
	fs := flag.NewFlagSet("benchengines", flag.ContinueOnError)
	var names []string
	for _, t := range tests {
		names = append(names, t.name)
	}
	list := func(s string) []string {
		return strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == ' ' })
	}
	enginesFlag := fs.String("engines", strings.Join(engines.Names(), ","), "`names`; gobwas_gather is gobwas with replies gathered by the application")
	testsFlag := fs.String("tests", strings.Join(names, ","), "`names` of tests")
	usersFlag := fs.String("users", "16,64,128", "`numbers` of connections")
	fs.IntVar(&c.count, "count", 6, "runs of each")
	fs.DurationVar(&c.duration, "duration", time.Second, "of the connection and sync tests")
	fs.IntVar(&c.messages, "messages", 10000, "that a connection sends ahead in the async tests; the suite it is compatible with sends 100000")
	fs.DurationVar(&c.patience, "patience", 30*time.Second, "how long to wait for the last answers")
	fs.IntVar(&c.processors, "processors", 2, "limit of the server")
	fs.Int64Var(&c.memory, "memory", 1<<30, "limit of the server, `bytes`")
	fs.IntVar(&c.socketBuffer, "socket-buffer", 0, "`bytes` of the server's socket buffers; 0: the kernel's choice")
	fs.StringVar(&c.out, "out", "bench/results/engines.txt", "`file` for the raw results")
	if err := cli.Parse(fs, args, stdout); err != nil {
		return nil, err
	}
	if err := cli.Check(fs, cli.Range{Flag: "count", Least: 1}, cli.Range{Flag: "messages", Least: 1, Most: 1 << 30},
		cli.Range{Flag: "duration", Least: 1}, cli.Range{Flag: "patience", Least: 1}, cli.Range{Flag: "processors", Least: 1, Most: 1 << 16},
		cli.Range{Flag: "memory", Least: 1 << 20}, cli.Range{Flag: "socket-buffer", Most: math.MaxInt32}); err != nil {
		return nil, err
	}
	c.engines, c.tests, c.users = list(*enginesFlag), list(*testsFlag), list(*usersFlag)
	for _, e := range c.engines {
		if flagsOf(e) == nil {
			return nil, cli.Usagef("no engine %q: benchengines -h lists them", e)
		}
	}
	for _, t := range c.tests {
		if !slices.Contains(names, t) {
			return nil, cli.Usagef("no test %q: want some of %s", t, strings.Join(names, ", "))
		}
	}
	for _, u := range c.users {
		if n, err := strconv.Atoi(u); err != nil || n < 1 {
			return nil, cli.Usagef("-users: %q is no number of users", u)
		}
	}
	if len(c.engines) == 0 || len(c.tests) == 0 || len(c.users) == 0 {
		return nil, cli.Usagef("nothing to measure: -engines, -tests and -users must not be empty")
	}
	return c, nil
}

// A measurement is one run.
type measurement struct {
	n          int
	rate       float64 // a second
	wall, cpu  float64 // ns a message or connection
	peak       float64 // MiB
	generator  float64 // ns a message
	stalls     float64 // sessions that could not send all ahead
	cgroup     string
	connecting bool
}

func (m measurement) line(engine, test, users string) string {
	unit := "msgs/s"
	if m.connecting {
		unit = "sessions/s"
	}
	return fmt.Sprintf("BenchmarkEngine/test=%s/users=%s/engine=%s %d %.1f ns/op %.1f server-cpu-ns/op %.1f %s %.2f peak-RSS-MiB %.1f loadgen-cpu-ns/op %.0f stalls",
		test, users, engine, m.n, m.wall, m.cpu, m.rate, unit, m.peak, m.generator, m.stalls)
}

// measure runs one test against one fresh server.
func measure(ctx context.Context, server, generator, engine string, t test, users string, c *config) (m measurement, err error) {
	args := flagsOf(engine)
	if c.socketBuffer > 0 {
		args = append(slices.Clone(args), "-socket-buffer", strconv.Itoa(c.socketBuffer))
	}
	s, err := child.Start(server, child.Limits{Processors: c.processors, Memory: c.memory}, args...)
	if err != nil {
		return m, err
	}
	defer func() {
		if _, stopErr := s.Stop(); err == nil && stopErr != nil {
			err = fmt.Errorf("the server: %w", stopErr)
		}
	}()
	m.cgroup = s.Cgroup
	m.connecting = t.mode == "connect"
	before, err := s.CPU()
	if err != nil {
		return m, err
	}
	load := append([]string{
		"-url", s.URL, "-mode", t.mode, "-conns", users, "-duration", c.duration.String(),
		"-patience", c.patience.String(), "-format", "bench",
	}, t.args...)
	if slices.Contains(t.args, "-async") {
		load = append(load, "-messages", strconv.Itoa(c.messages), "-duration", "1ms") // one session a user
	}
	cmd := exec.CommandContext(ctx, generator, load...)
	var out, complaints bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaints
	if err := cmd.Run(); err != nil {
		return m, fmt.Errorf("wsload: %w: %s", err, lastLine(complaints.String()))
	}
	after, err := s.CPU()
	if err != nil {
		return m, err
	}
	peak, err := s.PeakRSS()
	if err != nil {
		return m, err
	}
	result, err := parseResult(&out)
	if err != nil {
		return m, err
	}
	m.n = result.Iters
	seconds, _ := result.Value("sec/op")
	m.generator, _ = result.Value("loadgen-cpu-sec/op")
	m.stalls, _ = result.Value("stalls")
	m.wall, m.generator = 1e9*seconds, 1e9*m.generator
	m.rate = 1 / seconds
	m.cpu = float64((after - before).Nanoseconds()) / float64(m.n)
	m.peak = float64(peak) / (1 << 20)
	return m, nil
}

// parseResult reads the one benchmark line of wsload.
func parseResult(r io.Reader) (*benchfmt.Result, error) {
	reader := benchfmt.NewReader(r, "wsload")
	for reader.Scan() {
		if result, ok := reader.Result().(*benchfmt.Result); ok && result.Iters > 0 {
			if failures, ok := result.Value("failures"); ok && failures != 0 {
				return nil, fmt.Errorf("%v failures", failures)
			}
			return result.Clone(), nil
		}
	}
	return nil, errors.Join(errors.New("wsload printed no result"), reader.Err())
}

func lastLine(s string) string {
	s = strings.TrimSpace(s)
	return s[strings.LastIndexAny(s, "\r\n")+1:]
}

// benchstat prints the tables. It exits with 0 on errors of its own: what it
// says on standard error is one.
func benchstat(file string, stdout io.Writer) error {
	cmd := exec.Command("go", "tool", "benchstat", "-col", "/engine", "-row", "/test,/users",
		"-filter", ".unit:(server-cpu-sec/op OR msgs/s OR sessions/s OR peak-RSS-MiB)", file)
	var complaints bytes.Buffer
	cmd.Stdout, cmd.Stderr = stdout, &complaints
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("benchstat: %w\n%s", err, complaints.String())
	}
	if complaints.Len() > 0 {
		return fmt.Errorf("benchstat: %s", complaints.String())
	}
	return nil
}

// Command k6bench turns summaries of k6 into lines of the Go benchmark format,
// which benchstat reads.
//
//	k6 run --summary-export=core.json_async.16.json json_async.js
//	go run ./benchserver/k6bench core.json_async.16.json
//
// The name of a file tells what it holds: engine, test and users, with dots
// between them. Several files of the same name in several folders are several
// runs.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/wsproof/wsproof/internal/cli"
)

func main() {
	cli.Exit("k6bench", run(os.Args[1:], os.Stdout))
}

const usage = "usage: k6bench <engine.test.users.json> [more files]"

func run(args []string, stdout io.Writer) error {
	fs := flag.NewFlagSet("k6bench", flag.ContinueOnError)
	fs.Usage = func() { fmt.Fprintln(stdout, usage) }
	if err := cli.Parse(fs, args, stdout); err != nil {
		return err
	}
	if fs.NArg() == 0 {
		return cli.Usagef("%s", usage)
	}
	for _, file := range fs.Args() {
		b, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		line, err := convert(filepath.Base(file), b)
		if err != nil {
			return cli.Finding(fmt.Errorf("%s: %w", file, err))
		}
		if _, err := fmt.Fprintln(stdout, line); err != nil {
			return err
		}
	}
	return nil
}

// A summary is what k6 writes with --summary-export, as far as it is used.
type summary struct {
	Metrics map[string]map[string]json.RawMessage `json:"metrics"`
}

// number returns a field of a metric, and whether k6 has measured it.
func (s *summary) number(metric, field string) (float64, bool) {
	n, err := strconv.ParseFloat(string(s.Metrics[metric][field]), 64)
	return n, err == nil
}

// convert returns the benchmark line of a summary. A test that failed yields an
// error, not a number.
func convert(name string, b []byte) (string, error) {
	parts := strings.Split(name, ".")
	if len(parts) != 4 || parts[3] != "json" {
		return "", errors.New("the name of the file is not engine.test.users.json")
	}
	users, err := strconv.Atoi(parts[2])
	if err != nil {
		return "", fmt.Errorf("%q is no number of users", parts[2])
	}
	var s summary
	if err := json.Unmarshal(b, &s); err != nil {
		return "", err
	}
	for _, bad := range []string{"wrong", "lost"} {
		if n, ok := s.number(bad, "count"); !ok || n != 0 {
			return "", fmt.Errorf("%v %s answers", n, bad)
		}
	}
	if n, ok := s.number("checks", "fails"); !ok || n != 0 {
		return "", fmt.Errorf("%v failed checks", n)
	}
	count, ok := s.number("answers", "count")
	rate, ok2 := s.number("answers", "rate")
	if !ok || !ok2 || count == 0 || rate == 0 {
		return "", errors.New("no answers")
	}
	unit := "msgs/s"
	connecting := parts[1] == "connection"
	if connecting {
		unit = "sessions/s"
	}
	line := fmt.Sprintf("BenchmarkK6/test=%s/users=%d/engine=%s %.0f %.1f ns/op %.1f %s", parts[1], users, parts[0], count, 1e9/rate, rate, unit)
	for _, p := range []struct{ field, unit string }{{"med", "connect-p50-ns"}, {"p(90)", "connect-p90-ns"}, {"p(99)", "connect-p99-ns"}} {
		if ms, ok := s.number("ws_connecting", p.field); ok && connecting {
			line += fmt.Sprintf(" %.0f %s", 1e6*ms, p.unit)
		}
	}
	return line, nil
}

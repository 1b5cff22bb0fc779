// Package gofuzz reads what the go command's fuzzing engine prints: how much it did,
// and whether it failed because of an input.
package gofuzz

import (
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Stats are what the engine tells of its work.
type Stats struct {
	Seeds   int           // inputs that are there at the start, the engine's own of before included
	Execs   int           // executions, those of the seeds included
	Fresh   int           // inputs that reached something new
	Total   int           // inputs in the corpus
	Elapsed time.Duration // from the engine's first line to the last of these
}

// Rate is the executions a second, from the start of the engine to its last word
// of them: building the target is no part of it.
func (s Stats) Rate() float64 {
	if s.Execs == 0 {
		return 0
	}
	return float64(s.Execs) / max(s.Elapsed.Seconds(), 1e-3)
}

var (
	progress = regexp.MustCompile(`^fuzz: elapsed: ([^,]+), execs: (\d+) \((\d+)/sec\), new interesting: (\d+) \(total: (\d+)\)`)
	seeds    = regexp.MustCompile(`^fuzz: elapsed: [^,]+, gathering baseline coverage: \d+/(\d+) completed`)
	failure  = regexp.MustCompile(`^--- FAIL: \S+ \(([0-9.]+s)\)`)
	written  = regexp.MustCompile(`Failing input written to (\S+)`)
	ofSeed   = regexp.MustCompile(`^failure while testing seed corpus entry: (\S+)`)
)

// An Output reads what `go test -fuzz` prints of one target, from the zero value on.
type Output struct {
	Stats
	Crasher string // the file of a finding, in the folder of the package

	now     func() time.Time // nil: time.Now
	started time.Time        // the engine
	failed  bool             // inside what follows --- FAIL
	took    time.Duration    // by the target that failed
	words   []string         // what it failed with
	seed    string           // that failed
}

// Read reads the whole of what was printed; Elapsed says nothing then.
func Read(text string) *Output {
	o := new(Output)
	for line := range strings.Lines(text) {
		o.Line(strings.TrimRight(line, "\r\n"))
	}
	return o
}

// Line takes the next line and returns what to show for it, "" for nothing.
func (o *Output) Line(line string) string {
	if strings.HasPrefix(line, "fuzz: elapsed: ") {
		now := time.Now()
		if o.now != nil {
			now = o.now()
		}
		if o.started.IsZero() {
			o.started = now
		}
		m := progress.FindStringSubmatch(line)
		if m == nil {
			if m := seeds.FindStringSubmatch(line); m != nil {
				o.Seeds, _ = strconv.Atoi(m[1])
			}
			return ""
		}
		o.Execs, _ = strconv.Atoi(m[2])
		o.Fresh, _ = strconv.Atoi(m[4])
		o.Total, _ = strconv.Atoi(m[5])
		o.Elapsed = now.Sub(o.started)
		return fmt.Sprintf("   %6s  %9d executions, %6s a second, %4d new inputs", m[1], o.Execs, m[3], o.Fresh)
	}
	if m := ofSeed.FindStringSubmatch(line); m != nil {
		o.seed = m[1]
	}
	if m := written.FindStringSubmatch(line); m != nil {
		o.Crasher = filepath.FromSlash(m[1])
	}
	switch m := failure.FindStringSubmatch(line); {
	case m != nil:
		o.failed = true
		o.took, _ = time.ParseDuration(m[1])
	case line == "PASS", line == "FAIL", strings.HasPrefix(line, "FAIL\t"), strings.HasPrefix(line, "ok "), strings.HasPrefix(line, "exit status"):
		o.failed = false
		return ""
	case o.failed:
		o.words = append(o.words, strings.TrimSpace(line))
	}
	return line
}

// Finding reports whether an input failed, be it a seed.
func (o *Output) Finding() bool { return o.Crasher != "" || o.seed != "" }

// ErrSeeds means that the time was over before the seeds were.
var ErrSeeds = errors.New("nothing was fuzzed, the time ended within the seeds")

// Judge tells what the end of the go command, err, means after the -fuzztime: nil
// where no input failed, and no reason of another kind is known.
func (o *Output) Judge(err error, fuzztime string) error {
	switch {
	case o.Crasher != "":
		return fmt.Errorf("a finding, kept in %s of the package", o.Crasher)
	case o.seed != "":
		return fmt.Errorf("the seed %s fails: go test -run '%s' in its package", o.seed, o.seed)
	case err != nil && !o.TimeLimit(fuzztime):
		return fmt.Errorf("it failed, and no input was kept: %w", err)
	case o.Execs == 0:
		return fmt.Errorf("%w: give it more than %s", ErrSeeds, fuzztime)
	}
	return nil
}

// TimeLimit reports whether the engine failed with nothing but the end of its
// time, as it does now and then: one context ends a moment before the one that it
// compares with. An input that fails has words of its own, and is kept.
func (o *Output) TimeLimit(fuzztime string) bool {
	limit, err := time.ParseDuration(fuzztime)
	return err == nil && o.took >= limit && slices.Equal(o.words, []string{"context deadline exceeded"})
}

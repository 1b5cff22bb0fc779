package gofuzz

import (
	"errors"
	"strings"
	"testing"
	"time"
)

// read reads what the go command printed, a line a second, and judges it.
func read(text string, err error, fuzztime string) (Stats, error) {
	at := time.Unix(0, 0)
	o := Output{now: func() time.Time { return at }}
	for line := range strings.Lines(text) {
		at = at.Add(time.Second)
		o.Line(strings.TrimSuffix(line, "\n"))
	}
	return o.Stats, o.Judge(err, fuzztime)
}

// The engine's own words, as they were seen.
const (
	timeLimit = `fuzz: elapsed: 0s, gathering baseline coverage: 0/171 completed
fuzz: elapsed: 1s, gathering baseline coverage: 171/171 completed, now fuzzing with 2 workers
fuzz: elapsed: 3s, execs: 21841 (7280/sec), new interesting: 5 (total: 176)
--- FAIL: FuzzMask (3.02s)
    context deadline exceeded
FAIL
exit status 1
FAIL	github.com/wsproof/wsproof/fuzz	3.031s
`
	finding = `fuzz: elapsed: 0s, gathering baseline coverage: 0/171 completed
fuzz: elapsed: 3s, execs: 21841 (7280/sec), new interesting: 5 (total: 176)
fuzz: minimizing 34-byte failing input file
fuzz: elapsed: 4s, minimizing
--- FAIL: FuzzMask (4.00s)
    --- FAIL: FuzzMask (0.00s)
        fuzz_test.go:20: the call returned
            context deadline exceeded
    
    Failing input written to testdata/fuzz/FuzzMask/771e938e4458e983
    To re-run:
    go test -run=FuzzMask/771e938e4458e983
FAIL
`
	seed = `fuzz: elapsed: 0s, gathering baseline coverage: 0/171 completed
failure while testing seed corpus entry: FuzzMask/seed#3
fuzz: elapsed: 9s, gathering baseline coverage: 1/171 completed
--- FAIL: FuzzMask (9.12s)
    --- FAIL: FuzzMask (0.00s)
        fuzz_test.go:20:
    context deadline exceeded
FAIL
`
	killed = `fuzz: elapsed: 3s, execs: 21841 (7280/sec), new interesting: 5 (total: 176)
--- FAIL: FuzzMask (3.50s)
    fuzzing process terminated by unexpected signal; no crash will be recorded: signal: killed
FAIL
`
)

// TestTimeLimit: the engine now and then ends with FAIL at the end of its time
// although it found nothing. That is no failure; whatever else fails is one, also
// where the same words stand in it.
func TestTimeLimit(t *testing.T) {
	failed := errors.New("exit status 1")
	for _, c := range []struct {
		id, text, fuzztime string
		want               string // "": it passed
	}{
		{"the engine's time limit", timeLimit, "3s", ""},
		{"the limit of a target with less time than the others", timeLimit, "2s", ""},
		{"before the time was over", timeLimit, "4s", "no input was kept"},
		{"a number of inputs has no time limit", timeLimit, "200x", "no input was kept"},
		{"a finding", finding, "3s", "a finding, kept in testdata/fuzz/FuzzMask/771e938e4458e983"},
		{"a seed", seed, "3s", "the seed FuzzMask/seed#3 fails"},
		{"a worker that the system killed", killed, "3s", "no input was kept"},
		{"no words at all", "", "3s", "no input was kept"},
		{"a build that fails", "# github.com/wsproof/wsproof/fuzz\n./mask.go:3:1: syntax error\nFAIL\n", "3s", "no input was kept"},
	} {
		_, err := read(c.text, failed, c.fuzztime)
		if got, want := Read(c.text).Finding(), c.text == finding || c.text == seed; got != want {
			t.Errorf("%s: a finding: %v, want %v", c.id, got, want)
		}
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v, want %q", c.id, err, c.want)
		}
	}
	if _, err := read(strings.Replace(timeLimit, "--- FAIL: FuzzMask (3.02s)\n    context deadline exceeded\nFAIL", "PASS", 1), nil, "3s"); err != nil {
		t.Errorf("a run that passes: %v", err)
	}
	within := "fuzz: elapsed: 0s, gathering baseline coverage: 0/171 completed\n"
	if r, err := read(within+"PASS\n", nil, "3s"); !errors.Is(err, ErrSeeds) || r.Seeds != 171 {
		t.Errorf("a run that ends within its seeds: %d of them, %v", r.Seeds, err)
	}
	if _, err := read(within+"--- FAIL: FuzzMask (3.02s)\n    context deadline exceeded\nFAIL\n", failed, "3s"); !errors.Is(err, ErrSeeds) {
		t.Errorf("the time limit within the seeds: %v", err)
	}
}

// TestRate: the time of building is none of fuzzing.
func TestRate(t *testing.T) {
	building := strings.Repeat("# building\n", 35)
	r, err := read(building+timeLimit, errors.New("exit status 1"), "3s")
	if err != nil || r.Execs != 21841 || r.Fresh != 5 || r.Total != 176 {
		t.Errorf("%+v, %v", r, err)
	}
	if got, want := r.Rate(), 21841.0/2; got != want { // from the first line of the engine to its last, a second each
		t.Errorf("%.1f executions a second, want %.1f", got, want)
	}
	if got := (Stats{}).Rate(); got != 0 {
		t.Errorf("nothing ran at %.1f a second", got)
	}
}

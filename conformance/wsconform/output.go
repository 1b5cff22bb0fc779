package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/wsproof/wsproof/conformance"
)

// shownFaults is the number of cases that the summary explains.
const shownFaults = 20

// An output prints progress and summaries for a person, or events for a
// program.
type output struct {
	mu       sync.Mutex
	w        io.Writer
	json     bool
	debug    bool
	terminal bool
	total    int
	done     int
	failed   int
}

func newOutput(w io.Writer, asJSON, debug bool, total int) *output {
	o := &output{w: w, json: asJSON, debug: debug, total: total}
	if f, ok := w.(*os.File); ok {
		info, err := f.Stat()
		o.terminal = err == nil && info.Mode()&os.ModeCharDevice != 0
	}
	return o
}

// An event is one line of -json.
type event struct {
	Event         string              `json:"event"` // start, case, wire, end, report
	Time          time.Time           `json:"time"`
	Agent         string              `json:"agent,omitempty"`
	Role          string              `json:"role,omitempty"`
	URL           string              `json:"url,omitempty"`
	Cases         int                 `json:"cases,omitempty"`
	ID            string              `json:"id,omitempty"`
	Behavior      conformance.Verdict `json:"behavior,omitempty"`
	BehaviorClose conformance.Verdict `json:"behaviorClose,omitempty"`
	Passed        *bool               `json:"passed,omitempty"`
	Why           string              `json:"why,omitempty"`
	Milliseconds  *float64            `json:"ms,omitempty"`
	Counts        map[string]int      `json:"counts,omitempty"`
	Line          string              `json:"line,omitempty"`
	Path          string              `json:"path,omitempty"`
}

func (o *output) event(e event) {
	e.Time = time.Now().UTC()
	if b, err := json.Marshal(e); err == nil {
		fmt.Fprintf(o.w, "%s\n", b)
	}
}

func ms(d time.Duration) *float64 {
	v := float64(d.Microseconds()) / 1000
	return &v
}

// say prints a line for a person.
func (o *output) say(format string, args ...any) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.json {
		o.clear()
		fmt.Fprintf(o.w, format+"\n", args...)
	}
}

// clear takes the progress line away.
func (o *output) clear() {
	if o.terminal {
		fmt.Fprint(o.w, "\r\033[K")
	}
}

func (o *output) begin(agent, role, url string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.done, o.failed = 0, 0
	if o.json {
		o.event(event{Event: "start", Agent: agent, Role: role, URL: url, Cases: o.total})
		return
	}
	if o.debug {
		fmt.Fprintf(o.w, "%s: %d cases, %s at %s\n", agent, o.total, role, url)
	}
}

func (o *output) listening(address string, cases int) {
	if o.json {
		o.event(event{Event: "start", Role: "client", URL: "ws://" + address, Cases: cases})
		return
	}
	o.say("waiting for clients at ws://%s: %d cases; /getCaseCount, /runCase?case=N&agent=NAME, /updateReports?agent=NAME. Ctrl-C ends.", address, cases)
}

func (o *output) started(agent string, c *conformance.Case) {
	if o.debug && !o.json {
		o.say("%s %s begins: %s", agent, c.ID, c.Description)
	}
}

func (o *output) wire(agent string) func(*conformance.Case, conformance.LogEntry) {
	if !o.debug {
		return nil
	}
	return func(c *conformance.Case, e conformance.LogEntry) {
		o.mu.Lock()
		defer o.mu.Unlock()
		if o.json {
			o.event(event{Event: "wire", Agent: agent, ID: c.ID, Line: e.String()})
			return
		}
		fmt.Fprintf(o.w, "%s %-7s %s\n", agent, c.ID, e)
	}
}

func (o *output) finished(r *conformance.Result) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.done++
	passed := r.Passed()
	if !passed {
		o.failed++
	}
	switch {
	case o.json:
		o.event(event{
			Event: "case", Agent: r.Agent, ID: r.Case.ID, Behavior: r.Behavior, BehaviorClose: r.BehaviorClose,
			Passed: &passed, Why: r.Why, Milliseconds: ms(r.Duration),
		})
	case o.debug:
		fmt.Fprintf(o.w, "%s %s ends: %s %s\n", r.Agent, r.Case.ID, r.Verdict(), r.Why)
	case o.terminal:
		fmt.Fprintf(o.w, "\r\033[K%s  %d/%d  %d failed  last: %s", r.Agent, o.done, o.total, o.failed, r.Case.ID)
	}
}

// end prints the summary of one peer.
func (o *output) end(agent, role string, results []*conformance.Result, took time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	counts := make(map[string]int)
	passed := true
	var faults []*conformance.Result
	for _, r := range results {
		counts[r.Verdict()]++
		passed = passed && r.Passed()
		if !r.Passed() || r.Behavior == conformance.NonStrict {
			faults = append(faults, r)
		}
	}
	if o.json {
		o.event(event{Event: "end", Agent: agent, Role: role, Cases: len(results), Counts: counts, Passed: &passed, Milliseconds: ms(took)})
		return
	}
	o.clear()
	word := "passed"
	if !passed {
		word = "FAILED"
	}
	fmt.Fprintf(o.w, "%s  %s as %s: %s of %d cases", word, agent, role, countText(counts), len(results))
	if took > 0 {
		fmt.Fprintf(o.w, " in %.1f s", took.Seconds())
	}
	fmt.Fprintln(o.w)
	t := tabwriter.NewWriter(o.w, 0, 8, 2, ' ', 0)
	for i, r := range faults {
		if i == shownFaults {
			fmt.Fprintf(t, "\tand %d more\t\t\n", len(faults)-i)
			break
		}
		fmt.Fprintf(t, "\t%s\t%s\t%s\n", r.Case.ID, r.Verdict(), r.Why)
	}
	t.Flush()
}

// endOriginal prints the summary of what the original suite reported.
func (o *output) endOriginal(agent, role string, cases map[string][2]conformance.Verdict, took time.Duration) {
	counts := make(map[string]int)
	passed := true
	var faults []string
	for id, v := range cases {
		verdict := conformance.JoinVerdicts(v[0], v[1])
		counts[verdict]++
		passed = passed && conformance.Passed(v[0], v[1])
		if !conformance.Passed(v[0], v[1]) || v[0] == conformance.NonStrict {
			faults = append(faults, id+" "+verdict)
		}
	}
	slices.Sort(faults)
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.json {
		for id, v := range cases {
			ok := conformance.Passed(v[0], v[1])
			o.event(event{Event: "case", Agent: agent, ID: id, Behavior: v[0], BehaviorClose: v[1], Passed: &ok})
		}
		o.event(event{Event: "end", Agent: agent, Role: role, Cases: len(cases), Counts: counts, Passed: &passed, Milliseconds: ms(took)})
		return
	}
	word := "passed"
	if !passed {
		word = "FAILED"
	}
	fmt.Fprintf(o.w, "%s  %s as %s, says the original: %s of %d cases in %.1f s\n", word, agent, role, countText(counts), len(cases), took.Seconds())
	for _, f := range faults {
		fmt.Fprintln(o.w, "  "+f)
	}
}

func countText(counts map[string]int) string {
	var words []string
	for v := range counts {
		words = append(words, v)
	}
	slices.SortFunc(words, func(a, b string) int { return counts[b] - counts[a] })
	for i, v := range words {
		words[i] = fmt.Sprintf("%d %s", counts[v], v)
	}
	return strings.Join(words, ", ")
}

func (o *output) reported(page string) {
	if o.json {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.event(event{Event: "report", Path: page})
		return
	}
	o.say("report: %s", page)
}

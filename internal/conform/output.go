package conform

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/wsproof/wsproof/conformance"
)

// What the summary shows at most: causes, and ids of one cause.
const (
	shownGroups = 25
	shownIDs    = 24
)

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
	agent    string
	began    time.Time
	ended    chan struct{} // stops the lines of progress
}

// progressEvery is how often a line of progress is printed where there is no
// terminal to show it in one place.
const progressEvery = 15 * time.Second

// progress prints such lines until close.
func (o *output) progress() {
	o.ended = make(chan struct{})
	go func() {
		tick := time.NewTicker(progressEvery)
		defer tick.Stop()
		for {
			select {
			case <-o.ended:
				return
			case <-tick.C:
				o.mu.Lock()
				if o.agent != "" && !o.debug {
					fmt.Fprintf(o.w, "…  %s: %d of %d cases, %d failed, %.0f s\n", o.agent, o.done, o.total, o.failed, time.Since(o.began).Seconds())
				}
				o.mu.Unlock()
			}
		}
	}()
}

// close ends what the output has started.
func (o *output) close() {
	if o.ended != nil {
		close(o.ended)
	}
}

func newOutput(w io.Writer, asJSON, debug bool, total int) *output {
	o := &output{w: w, json: asJSON, debug: debug, total: total}
	if f, ok := w.(*os.File); ok {
		info, err := f.Stat()
		o.terminal = err == nil && info.Mode()&os.ModeCharDevice != 0
	}
	if !o.terminal && !asJSON {
		o.progress()
	}
	return o
}

// An event is one line of -json.
type event struct {
	Schema        string              `json:"schema"`
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
	Cause         string              `json:"cause,omitempty"`
	Note          string              `json:"note,omitempty"`
	Earlier       string              `json:"earlier,omitempty"`
	Milliseconds  *float64            `json:"ms,omitempty"`
	Counts        map[string]int      `json:"counts,omitempty"`
	Line          string              `json:"line,omitempty"`
	Path          string              `json:"path,omitempty"`
}

func (o *output) event(e event) {
	e.Schema, e.Time = "wsproof/conformance-events/1", time.Now().UTC()
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
	o.done, o.failed, o.agent, o.began = 0, 0, agent, time.Now()
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
			Passed: &passed, Why: r.Why, Cause: r.Cause(), Note: r.Note, Earlier: r.Earlier, Milliseconds: ms(r.Duration),
		})
	case o.debug:
		fmt.Fprintf(o.w, "%s %s ends: %s %s\n", r.Agent, r.Case.ID, r.Verdict(), r.Why)
	case o.terminal:
		fmt.Fprintf(o.w, "\r\033[K%s  %d/%d  %d failed  last: %s", r.Agent, o.done, o.total, o.failed, r.Case.ID)
	}
}

// end prints the summary of one peer: its verdicts, and what asks for attention,
// by cause.
func (o *output) end(agent, role string, results []*conformance.Result, took time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.agent = ""
	summary := conformance.Summarize(results)
	var a conformance.AgentSummary
	for _, one := range summary.Agents {
		a = one
	}
	if o.json {
		o.event(event{Event: "end", Agent: agent, Role: role, Cases: len(results), Counts: a.Counts, Passed: &a.Passed, Milliseconds: ms(took)})
		return
	}
	o.clear()
	word := "passed"
	switch {
	case !a.Passed:
		word = "FAILED"
	case len(results) < o.total && took > 0:
		word = "so far"
	}
	fmt.Fprintf(o.w, "%s  %s as %s: %s of %d cases", word, agent, role, countText(a.Counts), len(results))
	if took > 0 {
		fmt.Fprintf(o.w, " in %.1f s", took.Seconds())
	}
	if len(results) < o.total && took > 0 {
		fmt.Fprintf(o.w, "; %d were not played", o.total-len(results))
	}
	fmt.Fprintln(o.w)
	for i, g := range a.Groups {
		if i == shownGroups {
			fmt.Fprintf(o.w, "  and %d causes more, in the reports\n", len(a.Groups)-i)
			break
		}
		if len(g.Cases) == 1 {
			fmt.Fprintf(o.w, "  %s  %s  %s\n", g.Cases[0], g.Verdict, g.Cause)
			continue
		}
		fmt.Fprintf(o.w, "  %d cases  %s  %s\n      %s\n", len(g.Cases), g.Verdict, g.Cause, idText(g.Cases))
	}
	for _, why := range slices.Sorted(maps.Keys(a.Skipped)) {
		fmt.Fprintf(o.w, "  %s skipped  %s\n      %s\n", plural(len(a.Skipped[why]), "case"), why, idText(a.Skipped[why]))
	}
	for _, note := range slices.Sorted(maps.Keys(a.Notes)) {
		fmt.Fprintf(o.w, "  note, in %s: %s\n", plural(len(a.Notes[note]), "case"), note)
	}
	if n := len(a.Earlier); n > 0 {
		fmt.Fprintf(o.w, "  %s had another verdict at first, beside others, and this one alone with more time: %s (-patience, -jobs)\n",
			plural(n, "case"), idText(inOrder(results, a.Earlier)))
	}
}

// inOrder are the ids that a map has, in the order of the results.
func inOrder(results []*conformance.Result, of map[string]string) (ids []string) {
	for _, r := range results {
		if of[r.Case.ID] != "" {
			ids = append(ids, r.Case.ID)
		}
	}
	return ids
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// idText lists ids in short: "6.3.1, 6.4.1 to 6.4.4".
func idText(ids []string) string {
	var parts []string
	for i := 0; i < len(ids); {
		j := i
		for j+1 < len(ids) && follows(ids[j], ids[j+1]) {
			j++
		}
		switch {
		case j-i >= 2:
			parts = append(parts, ids[i]+" to "+ids[j])
		default:
			parts = append(parts, ids[i:j+1]...)
		}
		i = j + 1
	}
	if len(parts) > shownIDs {
		parts = append(parts[:shownIDs], fmt.Sprintf("and %d more", len(parts)-shownIDs))
	}
	return strings.Join(parts, ", ")
}

// follows says whether id is the next one behind before in its group.
func follows(before, id string) bool {
	i, j := strings.LastIndexByte(before, '.'), strings.LastIndexByte(id, '.')
	m, err := strconv.Atoi(before[i+1:])
	n, err2 := strconv.Atoi(id[j+1:])
	return err == nil && err2 == nil && before[:i] == id[:j] && n == m+1
}

// endOriginal prints the summary of what the original suite reported.
func (o *output) endOriginal(agent, role string, cases map[string][2]conformance.Verdict, took time.Duration) {
	ids := conformance.SortedIDs(slices.Collect(maps.Keys(cases)))
	counts := make(map[string]int)
	passed := true
	var faults []string
	for _, id := range ids {
		v := cases[id]
		verdict := conformance.JoinVerdicts(v[0], v[1])
		counts[verdict]++
		passed = passed && conformance.Passed(v[0], v[1])
		if !conformance.Passed(v[0], v[1]) || v[0] == conformance.NonStrict {
			faults = append(faults, id+" "+verdict)
		}
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.json {
		for _, id := range ids {
			v := cases[id]
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

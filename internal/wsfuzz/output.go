package wsfuzz

import (
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/wsproof/wsproof/internal/wirefuzz"
)

// An output prints for a person, or events for a program.
type output struct {
	mu   sync.Mutex
	w    io.Writer
	json bool
}

// An event is one line of -json.
type event struct {
	Schema     string            `json:"schema"`
	Event      string            `json:"event"` // start, progress, group, say, replay, end
	Time       time.Time         `json:"time"`
	Host       string            `json:"host,omitempty"`
	Seed       uint64            `json:"seed,omitempty"`
	Executions int               `json:"executions,omitempty"`
	Rate       float64           `json:"rate,omitempty"`
	Answers    int               `json:"answers,omitempty"`
	Group      *wirefuzz.Group   `json:"group,omitempty"`
	Say        string            `json:"say,omitempty"`
	File       string            `json:"file,omitempty"`
	Groups     []*wirefuzz.Group `json:"groups,omitempty"`
	Report     *wirefuzz.Report  `json:"report,omitempty"`
}

func (o *output) event(e event) {
	e.Schema, e.Time = "wsproof/fuzz-events/1", time.Now().UTC()
	if b, err := json.Marshal(e); err == nil {
		fmt.Fprintf(o.w, "%s\n", b)
	}
}

// say prints a line for a person, and an event for a program.
func (o *output) say(format string, args ...any) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.json {
		o.event(event{Event: "say", Say: fmt.Sprintf(format, args...)})
		return
	}
	fmt.Fprintf(o.w, format+"\n", args...)
}

func (o *output) begin(host string, seed uint64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.json {
		o.event(event{Event: "start", Host: host, Seed: seed})
		return
	}
	fmt.Fprintf(o.w, "fuzzing %s, seed %d\n", host, seed)
}

// progress is wirefuzz's.
func (o *output) progress(p wirefuzz.Progress) {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case o.json && p.New != nil:
		o.event(event{Event: "group", Group: p.New, Executions: p.Executions})
	case o.json:
		o.event(event{Event: "progress", Executions: p.Executions, Rate: p.Rate, Answers: p.Answers, Say: p.Say})
	case p.New != nil:
		fmt.Fprintf(o.w, "%5.0fs  %-7s  %s\n", p.Elapsed.Seconds(), p.New.Level, p.New.Key())
	case p.Say != "":
		fmt.Fprintf(o.w, "%5.0fs  %s\n", p.Elapsed.Seconds(), p.Say)
	default:
		fmt.Fprintf(o.w, "%5.0fs  %d transcripts, %.0f a second, %d kinds of answer, %s, %s\n", p.Elapsed.Seconds(), p.Executions, p.Rate, p.Answers, count(p.Findings, "finding"), count(p.Notes, "note"))
	}
}

// shownLines bounds how much of one input, or of what a server said, is printed.
const shownLines = 8

// end prints the report of a run that was whole, or not.
func (o *output) end(r *wirefuzz.Report, dir string, whole bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.json {
		o.event(event{Event: "end", Report: r})
		return
	}
	for _, g := range r.Findings() {
		fmt.Fprintln(o.w)
		o.group("FINDING", g)
		o.input(g)
		if dir != "" {
			fmt.Fprintf(o.w, "  %s\n", filepath.Join(dir, wirefuzz.File(g)))
		}
	}
	if notes := r.Notes(); len(notes) > 0 {
		fmt.Fprintln(o.w)
		for _, g := range notes {
			fmt.Fprintf(o.w, "note    %s, %s: %s\n", g.Key(), times(g.Count), firstLine(g.Why))
		}
	}
	fmt.Fprintln(o.w)
	word := "passed"
	switch {
	case len(r.Findings()) > 0:
		word = "FAILED"
	case !whole:
		word = "so far"
	}
	fmt.Fprintf(o.w, "%s  %s: %s, %s; %s in %.1f s, %.0f a second, %s of answer\n", word, r.URL, count(len(r.Findings()), "finding"), count(len(r.Notes()), "note"),
		count(r.Executions, "transcript"), r.Seconds, r.Rate, count(r.Answers, "kind"))
	if r.Extensions != "" {
		fmt.Fprintf(o.w, "        with %s\n", r.Extensions)
	}
	if !r.Seeded {
		fmt.Fprintln(o.w, "        not all vectors were played: it takes longer, or more -jobs")
	}
	if r.Unconfirmed > 0 {
		fmt.Fprintf(o.w, "        %s only when the server was busy: not counted\n", seen(r.Unconfirmed))
	}
	if r.Unopened > 0 {
		fmt.Fprintf(o.w, "        %s had no connection\n", count(r.Unopened, "transcript"))
	}
	if r.Stopped != "" {
		fmt.Fprintf(o.w, "        stopped: %s\n", r.Stopped)
	}
	if dir != "" {
		fmt.Fprintf(o.w, "report: %s\n", filepath.Join(dir, "index.html"))
	}
}

func seen(n int) string {
	if n == 1 {
		return "1 behaviour was seen"
	}
	return fmt.Sprintf("%d behaviours were seen", n)
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

func (o *output) group(word string, g *wirefuzz.Group) {
	fmt.Fprintf(o.w, "%s %s, %s\n  %s: %q\n", word, g.Key(), times(g.Count), g.Place, g.Sentence)
	for i, line := range strings.Split(strings.TrimSpace(g.Why), "\n") {
		if i == shownLines {
			fmt.Fprintln(o.w, "    …")
			break
		}
		if i > 0 {
			line = "    " + line
		}
		fmt.Fprintf(o.w, "  %s\n", line)
	}
}

// input prints the input of a group in words.
func (o *output) input(g *wirefuzz.Group) {
	lines := wirefuzz.Words(g.Input, g.Handshake)
	for i, line := range lines {
		if i == shownLines {
			fmt.Fprintf(o.w, "    and %s\n", count(len(lines)-i, "line"))
			break
		}
		if len(line) > 200 {
			line = line[:200] + "…"
		}
		fmt.Fprintf(o.w, "    %s\n", line)
	}
}

// replayed prints what came of an input that was played again.
func (o *output) replayed(file string, b []byte, handshake bool, groups []*wirefuzz.Group) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.json {
		o.event(event{Event: "replay", File: file, Groups: groups})
		return
	}
	fmt.Fprintf(o.w, "%s\n", file)
	o.input(&wirefuzz.Group{Input: b, Handshake: handshake})
	if len(groups) == 0 {
		fmt.Fprintln(o.w, "  passes")
	}
	for _, g := range groups {
		word := "note   "
		if g.Level == wirefuzz.Finding {
			word = "FINDING"
		}
		o.group("  "+word, g)
	}
}

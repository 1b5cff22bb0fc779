package field

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/wsproof/wsproof/conformance"
)

const (
	// testJobs is how many cases are played side by side: few, so that a slow
	// server is not taken for a wrong one.
	testJobs = 8
	// mostRestarts bounds how often a server that ends is started again in a test.
	mostRestarts = 30
)

// A Test is what the conformance cases came to.
type Test struct {
	Cases    int              `json:"cases"`
	Passed   int              `json:"passed"`
	Skipped  int              `json:"skipped,omitempty"` // the peer takes no message that long
	Sections []SectionSummary `json:"sections"`
	Findings []Finding        `json:"findings,omitempty"`
	Seconds  float64          `json:"seconds"`
}

// A SectionSummary counts the cases of one section.
type SectionSummary struct {
	Section string `json:"section"` // what their ids begin with: "1", or "W"
	Cases   int    `json:"cases"`
	Passed  int    `json:"passed"`
	// NonStrict is how many of those passed could be better.
	NonStrict int `json:"nonStrict,omitempty"`
	Skipped   int `json:"skipped,omitempty"`
}

// A Finding is a rule that does not hold: the cases that failed by it with the
// same verdict for the same cause.
type Finding struct {
	Section  string   `json:"section"` // of RFC 6455
	Sentence string   `json:"sentence"`
	Verdict  string   `json:"verdict"`
	Why      string   `json:"why,omitempty"` // of the first case
	Cases    []string `json:"cases,omitempty"`
	// Note is set, in results of before, where RFC 6455 leaves it open, and the original
	// suite does not: another code than is usual. Such cases are NON-STRICT now.
	Note bool `json:"note,omitempty"`
	// Ends is set where the process ended by it, or answered no more. Then there are
	// no Cases and no Why: the rule alone is named (SECURITY.md).
	Ends bool `json:"ends,omitempty"`

	cause string
}

// A judged case is its result, or what it did to the process.
type judged struct {
	result *conformance.Result
	ended  ending
}

// An ending is what became of a server by a case: nothing, ended or hangs.
type ending string

const (
	nothing ending = ""
	ended   ending = "ENDED"
	hangs   ending = "HANGS"
)

// failed says whether there is something to find.
func (j judged) failed() bool { return j.ended != nothing || j.result == nil || !j.result.Passed() }

// A player plays cases and returns what came of each.
type player func(ctx context.Context, cases []*conformance.Case) ([]judged, error)

// test plays the cases.
func test(ctx context.Context, cases []*conformance.Case, play player) (*Test, error) {
	started := time.Now()
	all, err := play(ctx, cases)
	if err != nil {
		return nil, err
	}
	t := summarise(cases, all)
	t.Seconds = time.Since(started).Round(100 * time.Millisecond).Seconds()
	return t, nil
}

// summarise counts by section and groups the failures by rule.
func summarise(cases []*conformance.Case, all []judged) *Test {
	t := &Test{Cases: len(cases)}
	for i, c := range cases {
		n := len(t.Sections) - 1
		if section := sectionOf(c.ID); n < 0 || t.Sections[n].Section != section {
			t.Sections = append(t.Sections, SectionSummary{Section: section})
			n++
		}
		s, j := &t.Sections[n], all[i]
		s.Cases++
		switch {
		case j.failed():
			t.add(finding(c, j), c.ID)
		case j.result.Skipped != "":
			s.Skipped++
			t.Skipped++
		default:
			s.Passed++
			t.Passed++
			if j.result.Behavior == conformance.NonStrict {
				s.NonStrict++
			}
		}
	}
	return t
}

// sectionOf is the section of a case's id.
func sectionOf(id string) string {
	section, _, _ := strings.Cut(id, ".")
	return section
}

// keep takes over from a test before this one the sections that were not played.
func (t *Test) keep(old *Test) {
	var kept []SectionSummary
	for _, s := range old.Sections {
		if t.section(s.Section) == nil {
			kept = append(kept, s)
			t.Cases += s.Cases
			t.Passed += s.Passed
			t.Skipped += s.Skipped
		}
	}
	if len(kept) == 0 {
		return
	}
	var findings []Finding
	for _, f := range old.Findings {
		// Of those that end a process the section is not told, so they stay.
		if f.Ends || t.section(sectionOf(f.Cases[0])) == nil {
			findings = append(findings, f)
		}
	}
	t.Sections = append(kept, t.Sections...)
	t.Findings = append(findings, t.Findings...)
	slices.SortStableFunc(t.Sections, func(a, b SectionSummary) int { return compareSections(a.Section, b.Section) })
	t.Seconds += old.Seconds
}

// add puts a failed case to the others of its kind.
func (t *Test) add(f Finding, id string) {
	at := slices.IndexFunc(t.Findings, func(g Finding) bool {
		return g.Section == f.Section && g.Sentence == f.Sentence && g.Note == f.Note && g.Verdict == f.Verdict && g.cause == f.cause && (f.Ends || sectionOf(g.Cases[0]) == sectionOf(id))
	})
	if at < 0 {
		t.Findings = append(t.Findings, f)
		at = len(t.Findings) - 1
	}
	if !f.Ends {
		t.Findings[at].Cases = append(t.Findings[at].Cases, id)
	}
}

// The rules that are broken where a case went well and its closing did not.
var (
	ruleReply  = conformance.Rule{Section: "5.5.1", Sentence: "If an endpoint receives a Close frame and did not previously send a Close frame, the endpoint MUST send a Close frame in response."}
	ruleTCP    = conformance.Rule{Section: "5.5.1", Sentence: "After both sending and receiving a Close message, an endpoint considers the WebSocket connection closed and MUST close the underlying TCP connection."}
	ruleServer = conformance.Rule{Section: "5.5.1", Sentence: "The server MUST close the underlying TCP connection immediately; the client SHOULD wait for the server to close the connection but MAY close the connection at any time after sending and receiving a Close message, e.g., if it has not received a TCP Close from the server in a reasonable time period."}
)

// finding is the rule that a failed case names, and why.
func finding(c *conformance.Case, j judged) Finding {
	f := Finding{Section: c.Rule.Section, Sentence: c.Rule.Sentence, Verdict: "FAILED"}
	switch r := j.result; {
	case j.ended != nothing:
		f.Verdict, f.Ends = string(j.ended), true
	case r == nil:
		f.Why = "There was no connection."
	default:
		f.Verdict, f.Why, f.cause = r.Verdict(), shorten(r.Why), r.Cause()
		rule := c.Rule
		switch {
		case r.Behavior == conformance.Failed, r.Outcome.Fault != "":
		case r.BehaviorClose == conformance.FailedByClient:
			rule = ruleServer
		case r.BehaviorClose == conformance.Unclean && r.Outcome.RemoteClosed:
			rule = ruleTCP
		case r.BehaviorClose == conformance.Unclean:
			rule = ruleReply
		}
		f.Section, f.Sentence = rule.Section, rule.Sentence
	}
	return f
}

// shorten cuts what a case has to say, which may quote a long payload.
func shorten(s string) string {
	const most = 240
	if s = strings.ToValidUTF8(s, "\uFFFD"); len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + " …"
}

// A host is a server that is started anew where it has ended.
type host struct {
	start func(ctx context.Context) (*server, error)
	*server
}

// alive starts the server if it does not run.
func (h *host) alive(ctx context.Context) error {
	if h.server != nil && !h.ended() {
		return nil
	}
	return h.restart(ctx)
}

func (h *host) restart(ctx context.Context) error {
	h.close()
	s, err := h.start(ctx)
	h.server = s
	return err
}

func (h *host) close() {
	if h.server != nil {
		h.stop()
		h.server = nil
	}
}

// play is a player for servers. Where the server ends, or answers no more, the
// cases that may have done it are played alone, to know which does.
func (h *host) play(ctx context.Context, cases []*conformance.Case) ([]judged, error) {
	all := make([]judged, len(cases))
	index := make(map[string]int)
	for i, c := range cases {
		index[c.ID] = i
	}
	// run plays some of them, and returns what became of the server, and which may
	// have done it.
	run := func(cases []*conformance.Case, jobs int) (end ending, suspects []string, err error) {
		if err := h.alive(ctx); err != nil {
			return nothing, nil, err
		}
		results, err := (&conformance.Tester{URL: h.url(), Jobs: jobs, ByRFC: true}).Run(ctx, cases)
		if err != nil && results == nil && h.endsSoon() && ctx.Err() == nil {
			// It was about to end, by a case before these.
			if err := h.restart(ctx); err != nil {
				return nothing, nil, err
			}
			results, err = (&conformance.Tester{URL: h.url(), Jobs: jobs, ByRFC: true}).Run(ctx, cases)
		}
		var failed []string
		for i, r := range results {
			all[index[cases[i].ID]] = judged{result: r}
			if r == nil || !r.Passed() {
				failed = append(failed, cases[i].ID)
			}
		}
		var died *conformance.DiedError
		switch {
		case errors.As(err, &died):
			if suspects = died.Cases; len(suspects) == 0 {
				suspects = failed
			}
			end = hangs
			if h.endsSoon() {
				end = ended
			}
		case err != nil:
			return nothing, nil, err
		case len(failed) > 0 && h.endsSoon():
			end, suspects = ended, failed
		default:
			return nothing, nil, nil
		}
		for _, id := range failed { // it may have failed for that alone
			all[index[id]] = judged{}
		}
		return end, suspects, h.restart(ctx)
	}
	restarts := 0
	for left, jobs := cases, testJobs; len(left) > 0; jobs = max(1, jobs/2) {
		_, suspects, err := run(left, jobs)
		if err != nil {
			return nil, err
		}
		for _, id := range suspects {
			i := index[id]
			if restarts++; restarts > mostRestarts {
				return nil, fmt.Errorf("it has ended in so many cases that it is given up")
			}
			end, _, err := run(cases[i:i+1], 1)
			if err != nil {
				return nil, err
			}
			all[i].ended = end
		}
		if len(suspects) == 0 {
			break
		}
		left = slices.DeleteFunc(slices.Clone(cases), func(c *conformance.Case) bool {
			j := all[index[c.ID]]
			return j.ended != nothing || j.result != nil
		})
	}
	return all, nil
}

// endsSoon says whether the server has ended, or is about to.
func (h *host) endsSoon() bool {
	select {
	case <-h.done:
		return true
	case <-time.After(time.Second):
		return false
	}
}

package conformance

import (
	"cmp"
	"encoding/xml"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// A Group is results of one peer that have verdict and cause in common.
type Group struct {
	Verdict string   `json:"verdict"`
	Passed  bool     `json:"passed"`
	Cause   string   `json:"cause"` // Why of the only case; otherwise what the reasons have in common
	RFC     string   `json:"rfc"`   // of the first case: "RFC 6455 5.5.2"
	Rule    string   `json:"rule"`  // its sentence
	Cases   []string `json:"cases"`
}

// Groups puts together the results that ask for attention, failures first, then
// those that happen most: all but the ones that are OK, informational, or skipped.
func Groups(results []*Result) []Group {
	var groups []Group
	at := make(map[[2]string]int)
	for _, r := range results {
		if r == nil || r.Skipped != "" || r.Passed() && r.Behavior != NonStrict {
			continue
		}
		key := [2]string{r.Verdict(), r.Cause()}
		i, there := at[key]
		if !there {
			i = len(groups)
			at[key] = i
			groups = append(groups, Group{
				Verdict: r.Verdict(), Passed: r.Passed(), Cause: r.Why,
				RFC: "RFC 6455 " + r.Case.Rule.Section, Rule: r.Case.Rule.Sentence,
			})
		} else if groups[i].Cause != r.Why {
			groups[i].Cause = r.Cause()
		}
		groups[i].Cases = append(groups[i].Cases, r.Case.ID)
	}
	slices.SortStableFunc(groups, func(a, b Group) int {
		if a.Passed != b.Passed {
			return map[bool]int{false: -1, true: 1}[a.Passed]
		}
		return cmp.Compare(len(b.Cases), len(a.Cases))
	})
	return groups
}

// A Summary is what summary.json holds: the verdicts of each agent in short, for
// programs. Schema names its form; it changes when a field changes its meaning.
type Summary struct {
	Schema string                  `json:"schema"`
	Agents map[string]AgentSummary `json:"agents"`
}

// An AgentSummary is one agent's part.
type AgentSummary struct {
	Role    string              `json:"role"` // what the agent is
	Cases   int                 `json:"cases"`
	Passed  bool                `json:"passed"`
	Counts  map[string]int      `json:"counts"` // by verdict: see Result.Verdict
	Groups  []Group             `json:"groups"`
	Skipped map[string][]string `json:"skipped,omitempty"` // reason → cases
	Notes   map[string][]string `json:"notes,omitempty"`   // note → cases
	Earlier map[string]string   `json:"earlier,omitempty"` // case → its verdict before it was played again alone
}

// Summarize returns the summary of results.
func Summarize(results []*Result) Summary {
	s := Summary{Schema: "wsproof/conformance-summary/1", Agents: make(map[string]AgentSummary)}
	byAgent := make(map[string][]*Result)
	for _, r := range results {
		if r != nil {
			byAgent[r.Agent] = append(byAgent[r.Agent], r)
		}
	}
	for agent, results := range byAgent {
		a := AgentSummary{
			Role: peerName(results[0].Role), Cases: len(results), Passed: true, Counts: make(map[string]int), Groups: Groups(results),
			Skipped: make(map[string][]string), Notes: make(map[string][]string), Earlier: make(map[string]string),
		}
		notes := make(map[string][]*Result)
		for _, r := range results {
			a.Counts[r.Verdict()]++
			a.Passed = a.Passed && r.Passed()
			if r.Skipped != "" {
				a.Skipped[r.Skipped] = append(a.Skipped[r.Skipped], r.Case.ID)
			}
			if r.Note != "" {
				notes[general(r.Note)] = append(notes[general(r.Note)], r)
			}
			if r.Earlier != "" {
				a.Earlier[r.Case.ID] = r.Earlier
			}
		}
		for note, of := range notes {
			if len(of) == 1 {
				note = of[0].Note
			}
			for _, r := range of {
				a.Notes[note] = append(a.Notes[note], r.Case.ID)
			}
		}
		s.Agents[agent] = a
	}
	return s
}

// WriteJUnit writes the results as JUnit's XML, which CI systems read: one suite an
// agent, one test a case.
func WriteJUnit(w io.Writer, results []*Result) error {
	type message struct {
		Message string `xml:"message,attr"`
		Type    string `xml:"type,attr,omitempty"`
		Text    string `xml:",chardata"`
	}
	type testcase struct {
		Name    string   `xml:"name,attr"`
		Class   string   `xml:"classname,attr"`
		Time    string   `xml:"time,attr"`
		Failure *message `xml:"failure"`
		Skipped *message `xml:"skipped"`
		Output  string   `xml:"system-out,omitempty"`
	}
	type suite struct {
		Name     string     `xml:"name,attr"`
		Tests    int        `xml:"tests,attr"`
		Failures int        `xml:"failures,attr"`
		Skipped  int        `xml:"skipped,attr"`
		Time     string     `xml:"time,attr"`
		Cases    []testcase `xml:"testcase"`
	}
	type suites struct {
		XMLName xml.Name `xml:"testsuites"`
		Suites  []*suite `xml:"testsuite"`
	}
	var all suites
	of := make(map[string]*suite)
	took := make(map[string]time.Duration)
	for _, r := range results {
		if r == nil {
			continue
		}
		s := of[r.Agent]
		if s == nil {
			s = &suite{Name: r.Agent + " as " + peerName(r.Role)}
			of[r.Agent] = s
			all.Suites = append(all.Suites, s)
		}
		c := testcase{
			Name: r.Case.ID + " " + r.Case.Description, Class: "rfc6455." + strings.ReplaceAll(r.Case.Group(), ".", "_"),
			Time: fmt.Sprintf("%.3f", r.Duration.Seconds()),
		}
		switch {
		case !r.Passed():
			s.Failures++
			c.Failure = &message{Message: r.Why, Type: r.Verdict(), Text: "Expected: " + r.Case.Expectation + "\nRFC 6455 " + r.Case.Rule.Section + ": " + r.Case.Rule.Sentence + "\n"}
		case r.Behavior == Unimplemented:
			s.Skipped++
			c.Skipped = &message{Message: r.Why}
		default:
			c.Output = strings.TrimSpace(strings.Join([]string{map[bool]string{false: r.Verdict()}[r.Behavior == OK], r.Why, r.Note}, " "))
		}
		s.Tests++
		took[r.Agent] += r.Duration
		s.Time = fmt.Sprintf("%.3f", took[r.Agent].Seconds())
		s.Cases = append(s.Cases, c)
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	e := xml.NewEncoder(w)
	e.Indent("", " ")
	if err := e.Encode(all); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

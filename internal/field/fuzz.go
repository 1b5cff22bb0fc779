package field

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/wsproof/wsproof/internal/opening"
	"github.com/wsproof/wsproof/internal/wirefuzz"
)

// A Fuzz is what the wire fuzzer came to.
type Fuzz struct {
	Seconds    float64       `json:"seconds"`
	Executions int           `json:"executions"`
	Rate       float64       `json:"rate"` // executions a second
	Findings   []FuzzFinding `json:"findings,omitempty"`
	Notes      []string      `json:"notes,omitempty"` // rule and behaviour, where RFC 6455 leaves it open
	// All is set if all inputs were played that are not chance.
	All bool `json:"all"`
}

// A FuzzFinding is a rule and a behaviour of the fuzzer's.
type FuzzFinding struct {
	Section  string `json:"section"` // of RFC 6455
	Sentence string `json:"sentence"`
	Key      string `json:"key"`             // rule and behaviour
	Why      string `json:"why,omitempty"`   // of the smallest input
	Input    string `json:"input,omitempty"` // in words
	Count    int    `json:"count"`
	// Ends is set where the process ended by it, answered no more, or grew. Then there
	// are no Why and no Input: the rule alone is named (SECURITY.md).
	Ends bool `json:"ends,omitempty"`
}

// fuzz fuzzes for d.
func (h *host) fuzz(ctx context.Context, d time.Duration) (*Fuzz, error) {
	again := func(ctx context.Context) (*opening.Client, error) {
		if err := h.restart(ctx); err != nil {
			return nil, err
		}
		u, err := url.Parse(h.url())
		if err != nil {
			return nil, err
		}
		return &opening.Client{URL: u}, nil
	}
	client, err := again(ctx)
	if err != nil {
		return nil, err
	}
	report, err := wirefuzz.Run(ctx, wirefuzz.Config{Client: client, Again: again, Duration: d, Seed: 1})
	if report == nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return summariseFuzz(report), nil
}

// summariseFuzz is a report without what is not to be published.
func summariseFuzz(report *wirefuzz.Report) *Fuzz {
	f := &Fuzz{Seconds: significant(report.Seconds), Executions: report.Executions, Rate: significant(report.Rate), All: report.Seeded}
	for _, g := range report.Groups {
		if g.Level == wirefuzz.Note {
			f.Notes = append(f.Notes, g.Key())
			continue
		}
		finding := FuzzFinding{Section: wirefuzz.Info(g.Rule).Section, Sentence: g.Sentence, Key: g.Key(), Count: g.Count}
		if finding.Ends = g.Harm(); !finding.Ends {
			finding.Why = shorten(g.Why)
			words := wirefuzz.Words(g.Input, g.Handshake)
			finding.Input = shorten(strings.Join(words[:min(len(words), 8)], "\n"))
		}
		f.Findings = append(f.Findings, finding)
	}
	return f
}

// Rules are the sections of the RFC that findings name: "5.1, 5.5.1"; "none" if there
// are none.
func (f *Fuzz) Rules() string {
	var sections []string
	for _, finding := range f.Findings {
		sections = append(sections, finding.Section)
	}
	slices.SortFunc(sections, compareSections)
	if sections = slices.Compact(sections); len(sections) == 0 {
		return "none"
	}
	return strings.Join(sections, ", ")
}

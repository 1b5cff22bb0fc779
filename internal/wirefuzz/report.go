package wirefuzz

import (
	"cmp"
	"slices"
	"time"

	"github.com/wsproof/wsproof/internal/model"
)

// Schema is the version of a Report's JSON.
const Schema = "wsproof/fuzz/1"

// A Report is what a run has seen.
type Report struct {
	Schema     string    `json:"schema"`
	URL        string    `json:"url"`
	Began      time.Time `json:"began"`
	Seconds    float64   `json:"seconds"`
	Jobs       int       `json:"jobs"`
	Seed       uint64    `json:"seed"`
	Executions int       `json:"executions"`
	Rate       float64   `json:"rate"`    // executions a second
	Answers    int       `json:"answers"` // kinds of answer
	// Seeded is set if all inputs that are not chance were played.
	Seeded bool `json:"seeded"`
	// Extensions is what the server agreed on, of permessage-deflate.
	Extensions string `json:"extensions,omitempty"`
	// Unopened counts inputs for which there was no connection, Unconfirmed groups
	// that did not come again alone.
	Unopened    int      `json:"unopened,omitempty"`
	Unconfirmed int      `json:"unconfirmed,omitempty"`
	MaxMemory   int64    `json:"maxMemory,omitempty"` // of the server, in bytes
	Stopped     string   `json:"stopped,omitempty"`   // why it did not go on
	Groups      []*Group `json:"groups"`

	deflate *model.Deflate // that, for the inputs
}

// Findings are the groups of that level.
func (r *Report) Findings() []*Group { return r.level(Finding) }

// Notes are the groups that are none.
func (r *Report) Notes() []*Group { return r.level(Note) }

func (r *Report) level(level Level) (list []*Group) {
	for _, g := range r.Groups {
		if g.Level == level {
			list = append(list, g)
		}
	}
	return list
}

// result is the report of what was done.
func (r *run) result() *Report {
	r.mu.Lock()
	defer r.mu.Unlock()
	took := time.Since(r.began)
	u := *r.Client.URL
	u.User = nil // a password has no place in a report
	out := &Report{
		Schema: Schema, URL: u.String(), Began: r.began.UTC().Truncate(time.Second), Seconds: took.Seconds(), Jobs: r.Jobs, Seed: r.Seed,
		Executions: r.played(), Answers: len(r.kinds), Seeded: r.source.seeded(), Unopened: r.skipped, Groups: []*Group{},
		Extensions: r.agreed, deflate: r.deflate,
	}
	out.Rate = float64(out.Executions) / took.Seconds()
	if r.memory != nil {
		out.MaxMemory = r.memory.peak
	}
	if r.gone != nil {
		out.Stopped = r.gone.Error()
	}
	for _, key := range r.order {
		switch g := r.groups[key]; {
		case g.counts:
			one := g.Group
			out.Groups = append(out.Groups, &one)
		default:
			out.Unconfirmed++
		}
	}
	weight := map[Kind]int{Crashes: -3, Hangs: -2, Grows: -1}
	slices.SortStableFunc(out.Groups, func(a, b *Group) int {
		return cmp.Or(cmp.Compare(a.Level, b.Level), cmp.Compare(weight[a.Kind], weight[b.Kind]), cmp.Compare(b.Count, a.Count))
	})
	return out
}

// Redact leaves away what must not be published of a server of a public library: by
// which input it comes to harm (SECURITY.md). The rule stays.
func (r *Report) Redact() {
	for _, g := range r.Groups {
		if g.Harm() {
			g.Input, g.More, g.Why = nil, nil, "the input is not published (SECURITY.md)"
		}
	}
}

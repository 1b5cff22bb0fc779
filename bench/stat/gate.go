package stat

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"golang.org/x/perf/benchmath"
)

// Rules say what counts as worse.
type Rules struct {
	MaxSlowdown float64 // of the median CPU time, 0.10 for 10 %
	Alpha       float64 // the level of significance
}

var (
	// Screen picks rows that deserve a closer look.
	Screen = Rules{MaxSlowdown: 0.05, Alpha: 0.05}
	// Verdict is what fails a change. Many rows are tested at once, so its
	// level is stricter than the usual one.
	Verdict = Rules{MaxSlowdown: 0.10, Alpha: 0.001}
)

// A Finding is a row that became worse.
type Finding struct {
	Row      Row
	Old, New float64 // medians
	P        float64
	Why      string
}

// String tells the finding in a line.
func (f Finding) String() string {
	return fmt.Sprintf("%s: %s (%s → %s %s, p=%.4f)", f.Row.Name, f.Why, short(f.Old, f.Row.Unit), short(f.New, f.Row.Unit), unitWord(f.Row.Unit), f.P)
}

func short(v float64, unit string) string {
	if strings.HasPrefix(unit, "cpu-sec") {
		return fmt.Sprintf("%.4g", v*1e9)
	}
	return fmt.Sprintf("%.4g", v)
}

func unitWord(unit string) string { return strings.Replace(unit, "sec", "ns", 1) }

// Judged are the rows of both revisions that Gate looks at, and those that only
// old has.
func (s Samples) Judged(old, new string) (both, lost []Row) {
	for row := range s[old] {
		switch {
		case row.Unit != "cpu-sec/op" && row.Unit != "allocs/op" && row.Unit != "B/op":
		case len(s[new][row]) > 0:
			both = append(both, row)
		default:
			lost = append(lost, row)
		}
	}
	sortRows(both)
	sortRows(lost)
	return both, lost
}

// Gate compares the rows that both revisions have: CPU time that is
// significantly (by Mann-Whitney's test) worse by more than the rules allow in
// the median, any more allocation, and significantly more bytes allocated.
func Gate(s Samples, old, new string, rules Rules) []Finding {
	var findings []Finding
	both, _ := s.Judged(old, new)
	for _, row := range both {
		a, b := s[old][row], s[new][row]
		c := compare(a, b, &benchmath.Thresholds{CompareAlpha: rules.Alpha})
		f := Finding{Row: row, Old: Summary(a).Center, New: Summary(b).Center, P: c.P}
		switch row.Unit {
		case "cpu-sec/op":
			if f.New > f.Old*(1+rules.MaxSlowdown) && c.P < rules.Alpha {
				f.Why = fmt.Sprintf("%+.1f %% CPU time", (f.New/f.Old-1)*100)
			}
		case "allocs/op":
			// Whole connections amortise what opening them took: count whole ones.
			if math.Round(slices.Min(b)) > math.Round(slices.Min(a)) && math.Round(f.New) > math.Round(f.Old) {
				f.Why = "more allocations"
			}
		case "B/op":
			if f.New > f.Old*1.02+8 && c.P < rules.Alpha {
				f.Why = "more bytes allocated"
			}
		}
		if f.Why != "" {
			findings = append(findings, f)
		}
	}
	return findings
}

// Drift tells how far apart the medians of two runs of the same code are: the
// largest difference of CPU time in a row, and the share of rows in which the
// difference is significant at the usual level of benchstat.
func Drift(s Samples, old, new string) (worst float64, where Row, significant float64) {
	rows, differ := 0, 0
	for _, row := range s.Common(old, new) {
		if row.Unit != "cpu-sec/op" {
			continue
		}
		a, b := s[old][row], s[new][row]
		rows++
		c := Compare(a, b)
		if c.P < c.Alpha {
			differ++
		}
		d := math.Abs(Summary(b).Center/Summary(a).Center - 1)
		if d > worst {
			worst, where = d, row
		}
	}
	if rows > 0 {
		significant = float64(differ) / float64(rows)
	}
	return worst, where, significant
}

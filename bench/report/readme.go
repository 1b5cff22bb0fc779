package report

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/wsproof/wsproof/internal/engine/engines"
)

// The markers between which a README's tables stand.
const (
	beginMark = "<!-- bench:begin -->"
	endMark   = "<!-- bench:end -->"
)

// Readme returns text with the tables of the run between its markers.
func Readme(text []byte, run *Run) ([]byte, error) {
	begin, end := bytes.Index(text, []byte(beginMark)), bytes.Index(text, []byte(endMark))
	if begin < 0 || end < begin {
		return nil, fmt.Errorf("report: the text has no %s … %s to write between", beginMark, endMark)
	}
	if run.old != nil {
		return nil, fmt.Errorf("report: %s compares two revisions of the core and has no other library", run.Path)
	}
	tables, err := markdown(run)
	if err != nil {
		return nil, err
	}
	out := append([]byte{}, text[:begin+len(beginMark)]...)
	out = append(out, "\n"+tables...)
	return append(out, text[end:]...), nil
}

// markdown is the run as tables for people: medians of CPU time.
func markdown(run *Run) (string, error) {
	var b strings.Builder
	var spreads []float64 // of the medians of CPU time
	for _, t := range []struct {
		title string
		c     *chart
	}{
		{
			"Reading one masked frame from memory, ns of CPU, each library by its best public API (core and gobwas: for frames; " +
				"the others: for messages, through a connection)",
			by(run, "ReadFrame", map[string]string{"role": "server", "api": "best"}, "cpu-sec/op", "size", nano, ""),
		},
		{"Reading the same as messages, all through a connection, ns of CPU", connReads(run, "")},
		{
			"Writing one masked frame, the caller's payload untouched, ns of CPU (core and gobwas: into a buffer of the caller's; " +
				"the others: through a connection)",
			by(run, "WriteFrame", map[string]string{"role": "client", "api": "best"}, "cpu-sec/op", "size", nano, ""),
		},
		{
			"Echo over loopback, ns of server CPU a message (connections × messages in flight, size). With many in flight the core " +
				"writes replies together, as gobwas flush does by its user's code; the others write each",
			echoTable(run),
		},
		{
			"Memory of an idle connection, KiB resident (one measurement each, by number of connections)",
			by(run, "Memory", nil, "rss-B/conn", "conns", 1.0/1024, ""),
		},
	} {
		if t.c == nil {
			continue
		}
		t.c.sort()
		fmt.Fprintf(&b, "\n%s:\n\n| |", t.title)
		for _, category := range t.c.categories {
			fmt.Fprintf(&b, " %s |", category)
		}
		b.WriteString("\n|---|" + strings.Repeat("--:|", len(t.c.categories)) + "\n")
		for _, s := range t.c.series {
			fmt.Fprintf(&b, "| %s |", s.name)
			for _, category := range t.c.categories {
				m, ok := s.points[category]
				if !ok {
					b.WriteString(" |")
					continue
				}
				fmt.Fprintf(&b, " %s |", short(m.Center*t.c.scale))
				if m.known() && m.n > 1 {
					spreads = append(spreads, max(m.Hi/m.Center-1, 1-m.Lo/m.Center))
				}
			}
			b.WriteString("\n")
		}
	}
	if b.Len() == 0 {
		return "", errors.New("report: the results have none of the README's rows")
	}
	f := run.Facts
	fmt.Fprintf(&b, "\nThe 95 %% interval of half of these times is within ±%.0f %% of the median, of nine tenths within ±%.0f %%: do not rank what is closer.\n",
		100*quantile(spreads, 0.5), 100*quantile(spreads, 0.9))
	fmt.Fprintf(&b, "Medians of interleaved runs on %s (%s CPUs), %s, %s, commit %s; %s.\n"+
		"Written by `make benchreadme`; the intervals are on the page of `make benchreport`.\n",
		f["cpu"], f["cpus"], f["kernel"], f["go"], f["commit"], strings.Join(versions(run), ", "))
	return b.String(), nil
}

// versions are the libraries of the run with their versions.
func versions(run *Run) []string {
	var list []string
	for _, e := range engines.Libraries() {
		if v := run.Facts[e.Name]; v != "" {
			list = append(list, e.Name+" "+v)
		}
	}
	return list
}

// quantile is the q-quantile of the values, 0 of none.
func quantile(values []float64, q float64) float64 {
	if len(values) == 0 {
		return 0
	}
	slices.Sort(values)
	return values[int(q*float64(len(values)-1)+0.5)]
}

// echoTable is the echo server by load, the best and the README's way.
func echoTable(run *Run) *chart {
	c := &chart{scale: nano}
	for _, want := range []map[string]string{
		{"kind": "binary", "conns": "64", "inflight": "1", "size": "125B"},
		{"kind": "binary", "conns": "64", "inflight": "64", "size": "8B"},
		{"kind": "binary", "conns": "64", "inflight": "1", "size": "64KiB"},
	} {
		for _, row := range run.find("Echo", want) {
			c.put(row.lib(), fmt.Sprintf("%s×%s, %s", want["conns"], want["inflight"], want["size"]), &row, "cpu-sec/op")
		}
	}
	if len(c.series) == 0 {
		return nil
	}
	return c
}

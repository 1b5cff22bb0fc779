package report

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
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
	for _, t := range []struct {
		title string
		c     *chart
	}{
		{
			"Reading one masked frame from memory, ns of CPU, each library by its best public API",
			by(run, "ReadFrame", map[string]string{"role": "server", "api": "best"}, "cpu-sec/op", "size", nano, ""),
		},
		{
			"Writing one masked frame, the caller's payload untouched, ns of CPU",
			by(run, "WriteFrame", map[string]string{"role": "client", "api": "best"}, "cpu-sec/op", "size", nano, ""),
		},
		{"Echo over loopback, ns of server CPU a message (connections × messages in flight, size)", echoTable(run)},
		{
			"Memory of an idle connection, KiB resident",
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
			}
			b.WriteString("\n")
		}
	}
	if b.Len() == 0 {
		return "", errors.New("report: the results have none of the README's rows")
	}
	f := run.Facts
	fmt.Fprintf(&b, "\nMedians of interleaved runs on %s (%s CPUs), %s, %s, commit %s; gorilla %s, gobwas %s, coder %s, gws %s.\n"+
		"Written by `make benchreadme`; the intervals are on the page of `make benchreport`.\n",
		f["cpu"], f["cpus"], f["kernel"], f["go"], f["commit"], f["gorilla"], f["gobwas"], f["coder"], f["gws"])
	return b.String(), nil
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

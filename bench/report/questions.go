package report

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/wsproof/wsproof/internal/engine/engines"
)

// A question is what a chart or a table answers; chart returns nil where the
// results do not tell.
type question struct {
	question, text string // of the page
	title          string // of a table, with its unit
	in             places
	chart          func(*Run) *chart
}

// Where a question is answered.
type places uint8

const (
	onPage     places = 1 << iota // as a chart
	inReadme                      // as a table of medians
	inTerminal                    // as a table with ratios
)

const nano = 1e9

// answered are the questions of a place that the results answer.
func answered(run *Run, where places, do func(q *question, c *chart) error) error {
	for i := range questions {
		q := &questions[i]
		if q.in&where == 0 {
			continue
		}
		c := q.chart(run)
		if c == nil {
			continue
		}
		c.sort()
		if err := do(q, c); err != nil {
			return err
		}
	}
	return nil
}

var questions = []question{
	{
		"Who reads a masked frame with the least CPU?",
		"A server reads frames from memory, each library through the fastest of its public API: core and gobwas have one for frames, the others read messages through a connection, which does more. CPU time of the whole process, garbage collection included.",
		"Reading one masked frame from memory, ns of CPU, each library by its best public API (core and gobwas: for frames; " +
			"the others: for messages, through a connection)",
		onPage | inReadme | inTerminal,
		func(r *Run) *chart {
			return by(r, "ReadFrame", map[string]string{"role": "server", "api": "best"}, "cpu-sec/op", "size", nano, "CPU time, ns a frame (logarithmic)")
		},
	},
	{
		"And through a connection, message by message?",
		"The same frames, read as whole messages with all that a connection checks, by every library.",
		"Reading the same as messages, all through a connection, ns of CPU",
		onPage | inReadme | inTerminal,
		func(r *Run) *chart {
			return connReads(r, "CPU time, ns a message (logarithmic)")
		},
	},
	{
		"And as the READMEs show it?",
		"The same frames, read by the calls that each library's README shows; core by ReadFrame, which its README names. Who is missing has but one way, that of the first chart.",
		"Reading the same as the READMEs show it, ns of CPU",
		onPage | inTerminal,
		func(r *Run) *chart {
			return by(r, "ReadFrame", map[string]string{"lib": strings.Join(engines.Names(), "|"), "role": "server", "api": "readme"}, "cpu-sec/op", "size", nano, "CPU time, ns a frame (logarithmic)")
		},
	},
	{
		"Who writes a client's masked frame with the least CPU?",
		"The caller's payload stays untouched; a new masking key for each frame. A library may need more than one Write for it: the numbers are in the raw results.",
		"Writing one masked frame, the caller's payload untouched, ns of CPU (core and gobwas: into a buffer of the caller's; " +
			"the others: through a connection)",
		onPage | inReadme | inTerminal,
		func(r *Run) *chart {
			return by(r, "WriteFrame", map[string]string{"role": "client", "api": "best"}, "cpu-sec/op", "size", nano, "CPU time, ns a frame (logarithmic)")
		},
	},
	{
		"Who reads a message of 64 fragments with the least CPU?",
		"The size is that of the whole message.",
		"Reading a message of 64 fragments, ns of CPU, best API",
		onPage | inTerminal,
		func(r *Run) *chart {
			return by(r, "ReadMessage", map[string]string{"fragments": "64", "api": "best"}, "cpu-sec/op", "size", nano, "CPU time, ns a message (logarithmic)")
		},
	},
	{
		"And text, with the check of UTF-8?",
		"Messages of 1 KiB read by the best API; where a library leaves the check to its caller, the benchmark makes it by utf8.Valid.",
		"Reading text of 1 KiB with the check of UTF-8, ns of CPU",
		inTerminal,
		func(r *Run) *chart {
			return by(r, "ReadText", map[string]string{"api": "best", "size": "1KiB"}, "cpu-sec/op", "text", nano, "CPU time, ns a message (logarithmic)")
		},
	},
	{
		"And masking alone?",
		"Only gobwas's kernel is public (cipher); the others are measured through the smallest call that masks.",
		"Masking, ns of CPU (gobwas's kernel alone; of the others the smallest public call that masks)",
		inTerminal,
		masking,
	},
	{
		"What does an echo cost?",
		"Servers over loopback by load, the best API, other ways and the README's.",
		"Echo over loopback, ns of server CPU a message (connections × messages in flight, size). With many in flight the core " +
			"writes replies together, as gobwas flush does by its user's code; the others write each",
		inReadme | inTerminal,
		echoes,
	},
	{
		"What does pipelining give?",
		"64 connections over loopback, messages of 125 bytes, as many in flight on each connection as the label says. The core writes the replies to messages that came together at once; the others write each, unless their user gathers them (gobwas flush). Server CPU time a message; tcp sends back bytes without looking at them. Closed loop.",
		"Echo over loopback, ns of server CPU a message of 125 bytes, 64 connections, by messages in flight",
		onPage | inTerminal,
		func(r *Run) *chart {
			return by(r, "Echo", map[string]string{"kind": "binary", "conns": "64", "size": "125B", "api": "best|plain|flush|answer"}, "cpu-sec/op", "inflight", nano, "server CPU time, ns a message (logarithmic)")
		},
	},
	{
		"How far is each from the limit of plain TCP?",
		"Server CPU time a message, divided by that of a server that only sends back bytes. The dashed line is that limit, for servers that write each answer: one that gathers them may do with fewer system calls. Intervals are those of both together.",
		"",
		onPage,
		tcpLimit,
	},
	{
		"And latency?",
		"The median and the 99th percentile, 64 connections with one message of 125 bytes in flight each. Closed loop: a slow answer delays the next question, so this tells nothing about users who do not wait for each other.",
		"Echo latency, µs, 64 connections with one message of 125 bytes in flight (closed loop)",
		onPage | inTerminal,
		latency,
	},
	{
		"What does a handshake cost?",
		"Server CPU time for accepting: the request parsed already, from its bytes in memory, and a whole connection opened and closed over loopback. core, gorilla and coder check the Origin, gobwas and gws leave that to their user; gobwas zerocopy and gobwas listener do without net/http.",
		"Accepting a connection, µs of server CPU: request parsed, from raw bytes, opened and closed over loopback",
		onPage | inTerminal,
		handshakes,
	},
	{
		"How much memory does an idle connection hold?",
		"Growth of the resident size over the connections, each of which echoed one message and then was silent; after one garbage collection. One measurement each, hence no interval.",
		"Memory of an idle connection, KiB resident (one measurement each, by number of connections)",
		onPage | inReadme | inTerminal,
		func(r *Run) *chart {
			c := by(r, memoryRows, nil, "rss-B/conn", "conns", 1.0/1024, "KiB a connection, by number of connections")
			if c != nil {
				c.log = false
			}
			return c
		},
	},
}

func (c *chart) rename(i int, from, to string) {
	c.categories[i] = to
	for _, s := range c.series {
		if m, ok := s.points[from]; ok {
			s.points[to] = m
		}
	}
}

// by makes a chart of a benchmark's rows: a category for each value of key, in
// the order of the results, and a series a library.
func by(r *Run, base string, want map[string]string, unit, key string, scale float64, label string) *chart {
	c := &chart{unit: label, scale: scale, log: true}
	for _, row := range r.find(base, want) {
		c.put(row.lib(), row.keys[key], &row, unit)
	}
	if key == "inflight" || key == "conns" {
		slices.SortFunc(c.categories, func(a, b string) int {
			if len(a) != len(b) {
				return len(a) - len(b)
			}
			return strings.Compare(a, b)
		})
		if key == "inflight" {
			for i, n := range c.categories {
				c.rename(i, n, n+" in flight")
			}
		}
	}
	if len(c.series) == 0 {
		return nil
	}
	return c
}

// connReads are messages of one frame through a connection: where a library has
// no row of that name, its best API is that already.
func connReads(r *Run, label string) *chart {
	c := by(r, "ReadFrame", map[string]string{"role": "server", "api": "conn"}, "cpu-sec/op", "size", nano, label)
	if c == nil {
		return nil
	}
	has := map[string]bool{}
	for _, row := range r.find("ReadFrame", map[string]string{"api": "conn"}) {
		has[row.keys["lib"]] = true
	}
	for _, row := range r.find("ReadFrame", map[string]string{"role": "server", "api": "best"}) {
		if !has[row.keys["lib"]] {
			c.put(row.lib(), row.keys["size"], &row, "cpu-sec/op")
		}
	}
	return c
}

// put adds a row's measurement.
func (c *chart) put(lib, category string, r *row, unit string) {
	if m, ok := r.measure(unit); ok {
		c.add(lib, category, m)
	}
}

func (c *chart) add(lib, category string, m measured) {
	if !slices.Contains(c.categories, category) {
		c.categories = append(c.categories, category)
	}
	for _, s := range c.series {
		if s.name == lib {
			s.points[category] = m
			return
		}
	}
	c.series = append(c.series, series{lib, map[string]measured{category: m}})
}

func masking(r *Run) *chart {
	c := &chart{unit: "CPU time, ns (logarithmic)", scale: nano, log: true}
	for _, row := range r.find("Mask", nil) {
		c.put(row.keys["lib"]+" "+row.keys["via"], row.keys["size"], &row, "cpu-sec/op")
	}
	if len(c.series) == 0 {
		return nil
	}
	return c
}

// echoes is the echo server by load, the best and the README's way.
func echoes(run *Run) *chart {
	c := &chart{unit: "server CPU time, ns a message (logarithmic)", scale: nano, log: true}
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

func tcpLimit(r *Run) *chart {
	c := &chart{unit: "times the CPU time of plain TCP (logarithmic)", scale: 1, log: true, limit: 1, limitName: "plain TCP"}
	for _, limit := range r.find("Echo", map[string]string{"lib": "tcp"}) {
		t, ok := limit.measure("cpu-sec/op")
		if !ok || t.Center == 0 || t.Lo == 0 {
			continue
		}
		category := fmt.Sprintf("%s×%s, %s", limit.keys["conns"], limit.keys["inflight"], limit.keys["size"])
		if limit.keys["kind"] == "text" {
			category += " text"
		}
		same := map[string]string{"api": "best|flush|readme"}
		for _, k := range []string{"kind", "conns", "inflight", "size"} {
			same[k] = limit.keys[k]
		}
		for _, row := range r.find("Echo", same) {
			if m, ok := row.measure("cpu-sec/op"); ok && row.keys["lib"] != "tcp" && row.keys["api"] != "readme" {
				c.add(row.lib(), category, m.over(t))
			}
		}
	}
	if len(c.series) == 0 {
		return nil
	}
	return c
}

func latency(r *Run) *chart {
	c := &chart{unit: "latency, µs (logarithmic)", scale: 1e6, log: true}
	for _, row := range r.find("Echo", map[string]string{"kind": "binary", "conns": "64", "inflight": "1", "size": "125B", "api": "best|plain"}) {
		c.put(row.lib(), "p50", &row, "p50-sec")
		c.put(row.lib(), "p99", &row, "p99-sec")
	}
	if len(c.series) == 0 {
		return nil
	}
	return c
}

func handshakes(r *Run) *chart {
	c := &chart{unit: "CPU time, µs (logarithmic)", scale: 1e6, log: true}
	for _, from := range []string{"parsed", "raw"} {
		for _, row := range r.find("Handshake", map[string]string{"from": from, "api": "best|zerocopy"}) {
			c.put(row.lib(), from, &row, "cpu-sec/op")
		}
	}
	for _, row := range r.find("Connect", map[string]string{"api": "best|listener"}) {
		c.put(row.lib(), "loopback", &row, "cpu-sec/op")
	}
	if len(c.series) == 0 {
		return nil
	}
	return c
}

// historyRows are what the history follows.
var historyRows = []string{
	"ReadFrame/lib=core/api=best/role=server/size=1KiB",
	"WriteFrame/lib=core/api=best/role=client/size=16KiB",
	"ReadMessage/lib=core/api=best/fragments=64/size=16KiB",
	"Handshake/lib=core/api=best/from=parsed",
	"Echo/lib=core/api=best/kind=binary/conns=64/inflight=64/size=8B",
}

// history shows some rows of the core at each commit, relative to the first. It
// takes the runs on the machine and with the Go of the main one: a step between
// others would say nothing about the core. Comparisons of revisions are measured in
// another way, each value the best of several, so that they are left out.
func history(runs []*Run, main *Run) *chart {
	c := &chart{unit: "CPU time, times that of the oldest", scale: 1, limit: 1}
	first := map[string]float64{}
	seen := map[string]int{}
	for _, run := range runs {
		if !sameMachine(run, main) || run.old != nil {
			continue
		}
		commit := run.Facts["commit"]
		if commit == "" {
			commit = filepath.Base(run.Path)
		}
		if date, _, ok := strings.Cut(run.Facts["date"], "T"); ok {
			commit = date + " " + shortCommit(commit)
		}
		if seen[commit]++; seen[commit] > 1 {
			commit = fmt.Sprintf("%s (%d)", commit, seen[commit])
		}
		for _, r := range run.rows {
			if !slices.Contains(historyRows, r.name) {
				continue
			}
			m, ok := r.measure("cpu-sec/op")
			if !ok {
				continue
			}
			if first[r.name] == 0 {
				first[r.name] = m.Center
			}
			c.add(shortName(r.name), commit, m.times(1/first[r.name]))
		}
	}
	if len(c.categories) < 2 {
		return nil
	}
	return c
}

// shortName is the name of a row of the core for people.
func shortName(name string) string {
	base, rest, _ := strings.Cut(name, "/")
	for _, p := range strings.Split(rest, "/") {
		key, value, _ := strings.Cut(p, "=")
		switch {
		case key == "lib" || p == "api=best" || p == "kind=binary":
		case key == "inflight":
			base += "×" + value
		default:
			base += " " + value
		}
	}
	return base
}

func sameMachine(a, b *Run) bool {
	for _, fact := range []string{"cpu", "cpus", "go", "goos", "goarch"} {
		if a.Facts[fact] != b.Facts[fact] {
			return false
		}
	}
	return true
}

// shortCommit keeps the + of a dirty tree.
func shortCommit(commit string) string {
	name, dirty := strings.CutSuffix(commit, "+")
	name = name[:min(len(name), 7)]
	if dirty {
		name += "+"
	}
	return name
}

package main

import (
	"fmt"
	"time"
)

// A group is some benchmarks of one library: name is the benchmark, rest the
// patterns behind lib=. Each library runs a group in a process of its own, and
// they take turns, so that neighbours in time are compared.
type group struct {
	name, rest string
	pure       bool // gobwas without its assembly stands beside
}

// A set is what a run measures.
type set struct {
	count     int
	benchtime time.Duration
	best      int // runs within a process, of which the one with the least CPU time counts
	groups    []group

	cases, engines string // of connbench
	slice, warmup  time.Duration

	memory        []int // idle connections
	memoryEngines string
	idle          time.Duration
}

var sets = map[string]set{
	"quick": {
		count: 6, benchtime: 15 * time.Millisecond, best: 1,
		groups: []group{
			{"ReadFrame", "api=best/role=server/size=(16B|1KiB|16KiB)", false},
			{"WriteFrame", "api=best/role=(server|client)/size=(16B|16KiB)", false},
			{"ReadMessage", "api=best/fragments=64/size=16KiB", false},
			{"Handshake", "api=best/from=parsed", false},
		},
		cases:   "^kind=binary/conns=64/inflight=(1|64)/size=125B$",
		engines: "^tcp/|/best$", slice: 60 * time.Millisecond, warmup: 15 * time.Millisecond,
		memory: []int{500}, memoryEngines: "^core/readme$|^gobwas/readme$|^gorilla/readme$|^gws/best$|^coder/readme$", idle: 200 * time.Millisecond,
	},
	"default": {
		count: 10, benchtime: 15 * time.Millisecond, best: 1,
		groups: []group{
			{"ReadFrame", "api=(best|readme)/role=server/size=(16B|125B|1KiB|16KiB|1MiB)", true},
			{"ReadFrame", "api=best/role=client/size=(125B|16KiB)", false},
			{"WriteFrame", "api=(best|readme)/role=(server|client)/size=(16B|125B|1KiB|16KiB|1MiB)", true},
			{"ReadMessage", "api=best/fragments=64/size=(1KiB|16KiB|1MiB)", false},
			{"ReadText", "api=(best|wsutil)/text=(ascii|cjk)/size=1KiB", false},
			{"Mask", "via=.*/size=(16B|125B|1KiB|16KiB|1MiB)", true},
			{"Handshake", "api=.*/from=(parsed|raw)", false},
		},
		cases: "^kind=binary/conns=64/(inflight=1/size=(125B|64KiB)|inflight=(4|16)/size=125B|inflight=64/size=8B)$|" +
			"^kind=binary/conns=1/inflight=1/size=125B$|^kind=text/conns=64/inflight=1/size=1KiB$|^conns=16$",
		engines: "^tcp/|/best$|/readme$|/flush$", slice: 70 * time.Millisecond, warmup: 15 * time.Millisecond,
		memory: []int{100, 1000}, memoryEngines: "^core/readme$|^gobwas/readme$|^gorilla/readme$|^gws/best$|^coder/readme$", idle: 500 * time.Millisecond,
	},
	"full": {
		count: 10, benchtime: 50 * time.Millisecond, best: 1,
		groups: []group{
			{"ReadFrame", "api=.*/role=.*/size=.*", true},
			{"WriteFrame", "api=.*/role=.*/size=.*", true},
			{"ReadMessage", "api=.*/fragments=.*/size=.*", false},
			{"ReadText", "api=.*/text=.*/size=.*", false},
			{"FrameMessage", "api=.*/fragments=.*/size=.*", false},
			{"Mask", "via=.*/size=.*", true},
			{"Handshake", "api=.*/from=.*", false},
		},
		cases: ".", engines: "^tcp/|/best$|/readme$|/flush$", slice: 200 * time.Millisecond, warmup: 50 * time.Millisecond,
		memory: []int{100, 1000, 5000}, memoryEngines: "/(best|readme)$", idle: 10 * time.Second,
	},
	// core is what two revisions are compared by: the core alone, each value the
	// best of several short runs, since time is short and machines are noisy.
	"core": {
		count: 10, benchtime: 5 * time.Millisecond, best: 5,
		groups: []group{
			{"ReadFrame", "api=(best|readme)/role=server/size=(16B|125B|1KiB|16KiB|1MiB)", false},
			{"WriteFrame", "api=(best|readme|conn)/role=(server|client)/size=(16B|1KiB|16KiB)", false},
			{"ReadMessage", "api=.*/fragments=64/size=(1KiB|16KiB)", false},
			{"ReadText", "api=best/text=(ascii|cjk)/size=1KiB", false},
			{"FrameMessage", "api=best/fragments=8/size=64KiB", false},
			{"Handshake", "api=.*/from=parsed", false},
		},
		cases:   "^kind=binary/conns=64/inflight=(1/size=125B|64/size=8B)$",
		engines: "^core/best$", slice: 30 * time.Millisecond, warmup: 10 * time.Millisecond,
	},
}

// libs are the libraries of the benchmarks in memory.
var libs = []string{"core", "gobwas", "gorilla", "coder", "gws"}

// pattern is the -test.bench of a group on a library.
func (g *group) pattern(lib string) string {
	return fmt.Sprintf("^Benchmark%s$/^lib=%s$/%s", g.name, lib, anchored(g.rest))
}

func anchored(rest string) string {
	s := "^"
	depth := 0
	for _, c := range rest {
		switch {
		case c == '(':
			depth++
		case c == ')':
			depth--
		case c == '/' && depth == 0:
			s += "$/^"
			continue
		}
		s += string(c)
	}
	return s + "$"
}

package main

import (
	"fmt"
	"time"

	"github.com/wsproof/wsproof/internal/engine/engines"
)

// A group is some benchmarks of one library: name is the benchmark, rest the
// patterns behind lib=. Each library runs a group in a process of its own, and
// they take turns, so that neighbours in time are compared.
type group struct {
	name, rest string
	pure       bool // the core and gobwas without their assembly stand beside
	best       int  // instead of the set's
}

// A set is what a run measures.
type set struct {
	count     int
	benchtime time.Duration
	best      int // runs within a process, of which the one with the least CPU time counts
	spread    int // processes at different times that make one value, again the best; 0: one
	groups    []group

	cases, engines string // of connbench
	slice, warmup  time.Duration

	memory        []int // idle connections
	memoryMost    int   // and once more this many, or as many as files may be open
	memoryEngines string
	idle          time.Duration
}

var sets = map[string]set{
	"quick": {
		count: 6, benchtime: 15 * time.Millisecond, best: 1,
		groups: []group{
			{name: "ReadFrame", rest: "api=best/role=server/size=(16B|1KiB|16KiB)"},
			{name: "WriteFrame", rest: "api=best/role=(server|client)/size=(16B|16KiB)"},
			{name: "ReadMessage", rest: "api=best/fragments=64/size=16KiB"},
			{name: "Handshake", rest: "api=best/from=parsed", best: 2}, // the first run of a process pays for memory that is new
		},
		cases:   "^kind=binary/conns=64/inflight=(1|64)/size=125B$",
		engines: "^tcp/|/best$", slice: 60 * time.Millisecond, warmup: 15 * time.Millisecond,
		memory: []int{500}, memoryEngines: "/readme$", idle: 200 * time.Millisecond,
	},
	"default": {
		count: 10, benchtime: 10 * time.Millisecond, best: 1,
		groups: []group{
			{name: "ReadFrame", rest: "api=(best|readme|conn)/role=server/size=(16B|125B|1KiB|16KiB|1MiB)", pure: true},
			{name: "ReadFrame", rest: "api=best/role=client/size=(125B|16KiB)"},
			{name: "WriteFrame", rest: "api=(best|readme)/role=(server|client)/size=(16B|125B|1KiB|16KiB|1MiB)", pure: true},
			{name: "ReadMessage", rest: "api=best/fragments=64/size=(1KiB|16KiB|1MiB)"},
			{name: "ReadText", rest: "api=(best|wsutil)/text=(ascii|cjk)/size=1KiB", pure: true},
			{name: "Mask", rest: "via=.*/size=(16B|125B|1KiB|16KiB|1MiB)", pure: true},
			{name: "Handshake", rest: "api=.*/from=(parsed|raw)", best: 2},
		},
		cases: "^kind=binary/conns=64/(inflight=1/size=(125B|64KiB)|inflight=(4|16|64)/size=125B|inflight=64/size=8B)$|" +
			"^kind=binary/conns=1/inflight=1/size=125B$|^kind=text/conns=64/inflight=1/size=1KiB$|^conns=16$",
		engines: "/(plain|best|readme|flush|answer|listener)$", slice: 50 * time.Millisecond, warmup: 10 * time.Millisecond,
		memory: []int{100, 1000, 5000}, memoryEngines: "/readme$|^xnet/best$", idle: 500 * time.Millisecond,
	},
	"full": {
		count: 10, benchtime: 50 * time.Millisecond, best: 1,
		groups: []group{
			{name: "ReadFrame", rest: "api=.*/role=.*/size=.*", pure: true},
			{name: "WriteFrame", rest: "api=.*/role=.*/size=.*", pure: true},
			{name: "ReadMessage", rest: "api=.*/fragments=.*/size=.*"},
			{name: "ReadText", rest: "api=.*/text=.*/size=.*", pure: true},
			{name: "FrameMessage", rest: "api=.*/fragments=.*/size=.*"},
			{name: "Mask", rest: "via=.*/size=.*", pure: true},
			{name: "Handshake", rest: "api=.*/from=.*", best: 2},
		},
		cases: ".", engines: "/(plain|best|readme|flush|flushtuned|answer|listener)$", slice: 200 * time.Millisecond, warmup: 50 * time.Millisecond,
		memory: []int{100, 1000, 5000}, memoryEngines: "/(best|readme|listener)$", idle: 10 * time.Second,
	},
	// memory is that of idle connections alone, for README.
	"memory": {
		memory: []int{1000, 5000, 10_000}, memoryMost: 50_000, memoryEngines: "/readme$", idle: 10 * time.Second,
	},
	// core is what two revisions are compared by: the core alone, with all of its rows
	// of CPU time that README has, each value the best of several short runs, since
	// time is short and machines are noisy.
	"core": {
		count: 10, benchtime: 4 * time.Millisecond, best: 4, spread: 2,
		groups: []group{
			{name: "ReadFrame", rest: "api=(best|conn)/role=server/size=(16B|125B|1KiB|16KiB|1MiB)", pure: true},
			{name: "ReadFrame", rest: "api=readme/role=server/size=(125B|16KiB)", best: 5},
			{name: "WriteFrame", rest: "api=best/role=client/size=(16B|125B|1KiB|16KiB|1MiB)", pure: true},
			{name: "WriteFrame", rest: "api=best/role=server/size=(16B|1KiB|16KiB)"},
			{name: "WriteFrame", rest: "api=(readme|conn)/role=(server|client)/size=1KiB"},
			{name: "ReadMessage", rest: "api=best/fragments=64/size=(1KiB|16KiB)"},
			{name: "ReadMessage", rest: "api=readme/fragments=64/size=1KiB", best: 5},
			{name: "ReadText", rest: "api=best/text=(ascii|cjk)/size=1KiB"},
			{name: "FrameMessage", rest: "api=best/fragments=8/size=64KiB", best: 5},
			{name: "Handshake", rest: "api=.*/from=parsed", best: 5},
		},
		cases:   "^kind=binary/conns=64/inflight=(1/size=(125B|64KiB)|64/size=8B)$",
		engines: "^core/(best|answer|readme)$", slice: 25 * time.Millisecond, warmup: 5 * time.Millisecond,
	},
}

// libs are the libraries of the benchmarks in memory.
var libs = engines.Names()

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

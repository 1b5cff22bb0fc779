package main

import (
	"io"
	"strings"
	"testing"
	"time"
)

// TestHunt hunts mutants in every shape of function, in one build where they can be
// and alone where not.
func TestHunt(t *testing.T) {
	c, all := smallCore(t)
	type row struct {
		mutant
		end, killer string
		alone       bool
	}
	rows := []row{
		{mutant{name: "method", in: "Conn.Fits", old: ">", new: ">="}, stageVectors, "TestVectorsAll", false},
		{mutant{name: "method-again", in: "Conn.Fits", old: "!c.closed", new: "true"}, stageVectors, "TestVectorsAll", false},
		{mutant{name: "composite", in: "New", old: "length: length", new: "spare: length"}, stageVectors, "TestVectorsAll", false},
		{mutant{name: "named-result", in: "Conn.Close", old: "c.closed = true", new: "c.closed = err != nil"}, stageVectors, "TestVectorsAll", false},
		{mutant{name: "recover", in: "catch", old: "*reason = r", new: "*reason = nil"}, stageVectors, "TestVectorsAll", false},
		{mutant{name: "crash", in: "Safe", old: "defer catch(&reason)", new: ""}, stageVectors, "TestVectorsAll", false},
		{mutant{name: "variadic", in: "Sum", old: "count++", new: ""}, stageVectors, "TestVectorsAll", false},
		{mutant{name: "generic", in: "Largest", old: ">", new: "<"}, stageVectors, "TestVectorsAll", false},
		{mutant{name: "init", in: "init", old: "++", new: "--"}, stageVectors, "TestVectorsAll", false},
		{mutant{name: "hang", in: "Wait", old: "n--", new: ""}, stageVectors, "TestVectorsAll (hangs)", false},
		{mutant{name: "generic-receiver", in: "frame/list.add", old: "append(l.items, x)", new: "append(l.items, x)[:0]"}, stageSeeds, "FuzzFirst", false},
		{mutant{name: "package-below", in: "frame/First", old: "&", new: "|"}, stageSeeds, "FuzzFirst", false},
		{mutant{name: "constant", in: "Most", old: "125", new: "124"}, stageVectors, "TestVectorsAll", true},
		{mutant{name: "others", in: "Named", old: "websocket", new: "socket"}, stageTests, "TestOther", true},
		{mutant{name: "same", in: "dead", old: "n + 0", new: "n - 0", random: true}, endSame, "", false},
		{mutant{name: "lock", in: "counter.add", old: "defer c.mu.Unlock()", new: "c.mu.Unlock()", random: true, locks: true}, stageVectors, "TestVectorsAll (-race)", false},
		{mutant{name: "unreached", in: "Unused", old: "+ 1", new: "+ 2", random: true}, endUnreached, "", false},
		{mutant{name: "found-by-fuzzing", in: "frame/First", old: "& 0x0f", new: "& (0x0f | b&1<<4*(b&0x80>>7^1))", targets: []string{"First"}}, stageFuzz, "FuzzFirst", false},
	}
	var mutants []*mutant
	for i := range rows {
		mutants = append(mutants, &rows[i].mutant)
	}
	if err := c.checkAll(mutants); err != nil {
		t.Fatal(err)
	}
	conf := config{jobs: 2, stages: []string{stageVectors, stageSeeds, stageTests, stageFuzz}, fuzzTime: 20 * time.Second}
	results, err := hunt(t.Context(), all, mutants, conf, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range results {
		want := rows[i]
		if got := r.end(); got != want.end || !strings.HasPrefix(r.killer, want.killer) {
			t.Errorf("%s: %s by %q (%v), want %s by %q\n%s", want.name, got, r.killer, r.err, want.end, want.killer, r.words)
		}
		if alone := r.mutant.number == 0; alone != want.alone {
			t.Errorf("%s: in a build of its own: %v, want %v", want.name, alone, want.alone)
		}
	}
}

// TestHuntWantsTargets refuses a mutant whose target is none.
func TestHuntWantsTargets(t *testing.T) {
	c, all := smallCore(t)
	m := &mutant{name: "a", in: "Wait", old: "n--", new: "n -= 2", targets: []string{"Nothing"}}
	if err := c.checkAll([]*mutant{m}); err != nil {
		t.Fatal(err)
	}
	_, err := hunt(t.Context(), all, []*mutant{m}, config{jobs: 1, stages: []string{stageVectors}}, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "a: there is no fuzz target Nothing") {
		t.Errorf("%v, want the target that is none", err)
	}
}

// TestHuntWantsASoundCore refuses to judge by tests that fail without a bug.
func TestHuntWantsASoundCore(t *testing.T) {
	c, all := smallCore(t)
	for _, p := range c.packages {
		name := p.dir + "/websocket.go"
		if text := c.files[name]; text != nil {
			m := &mutant{name: "a", in: "Wait", old: "n--", new: "n -= 2"}
			if err := c.checkAll([]*mutant{m}); err != nil {
				t.Fatal(err)
			}
			writeFile(t, name, strings.Replace(string(text), "sum + first", "sum - first", 1))
			_, err := hunt(t.Context(), all, []*mutant{m}, config{jobs: 1, stages: []string{stageVectors}}, io.Discard)
			if err == nil || !strings.Contains(err.Error(), "the core as it is fails in the stage vectors: TestVectorsAll") {
				t.Errorf("%v, want the test that fails", err)
			}
		}
	}
}

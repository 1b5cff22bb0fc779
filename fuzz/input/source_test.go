package input

import (
	"bytes"
	"fmt"
	"math/rand"
	"testing"

	"github.com/wsproof/wsproof/internal/model"
	"github.com/wsproof/wsproof/internal/wire"
)

// TestSourceSpendsOneByteADecision checks what makes the source worth having.
func TestSourceSpendsOneByteADecision(t *testing.T) {
	var s Source
	r := rand.New(&s)
	for _, n := range []int{1, 2, 3, 7, 16, 31, 32, 100, 255, 256} {
		for b := range 256 {
			s.Reset([]byte{byte(b), 99})
			if got := r.Intn(n); got != b%n || s.Len() != 1 {
				t.Fatalf("Intn(%d) of byte %d = %d with %d bytes left, want %d and 1", n, b, got, s.Len(), b%n)
			}
			s.Reset([]byte{byte(b), 99})
			if got := r.Int63n(int64(n)); n <= 256 && n&(n-1) == 0 && got != int64(b%n) || s.Len() != 1 {
				t.Fatalf("Int63n(%d) of byte %d = %d with %d bytes left", n, b, got, s.Len())
			}
		}
	}
	s.Reset(nil)
	if got := r.Intn(10); got != 0 {
		t.Errorf("past the end, Intn = %d, want 0", got)
	}
}

// TestEveryByteMatters changes each byte of inputs in turn: the transcript, or how
// it is read, must change with some other value. gofuzz's own source is there to
// compare.
func TestEveryByteMatters(t *testing.T) {
	idle, all := idleBytes()
	if all == 0 || idle*20 > all {
		t.Errorf("%d of %d bytes change nothing, whatever their value", idle, all)
	}
	defer func(old bool) { gofuzzSource = old }(gofuzzSource)
	gofuzzSource = true
	theirs, of := idleBytes()
	t.Logf("%d of %d bytes change nothing; by gofuzz's own source, %d of %d", idle, all, theirs, of)
	if theirs*all < 4*idle*of {
		t.Errorf("gofuzz's own source leaves %d of %d bytes idle, ours %d of %d: no difference worth having", theirs, of, idle, all)
	}
}

func idleBytes() (idle, all int) {
	g := NewTranscriptGenerator()
	tell := func(data []byte) string {
		tr := g.Generate(data)
		return fmt.Sprint(tr.Role, tr.Limits, tr.Sizes) + string(tr.Input)
	}
	for n := range uint64(8) {
		data := RandomInput(nil, 7, n)
		want := tell(data)
		used := len(data) - g.src.Len()
		for i := range data[:used] {
			changed := bytes.Clone(data)
			moved := false
			for delta := 1; delta < 256 && !moved; delta += 23 {
				changed[i] = data[i] + byte(delta)
				moved = tell(changed) != want
			}
			all++
			if !moved {
				idle++
			}
		}
	}
	return idle, all
}

// TestGeneratorReaches checks that each rule is broken, and each valid end
// reached, within a few thousand inputs.
func TestGeneratorReaches(t *testing.T) {
	g := NewTranscriptGenerator()
	rules := map[model.Rule]int{}
	ends := map[model.End]int{}
	fragmented := 0
	for n := range uint64(30000) {
		tr := g.Generate(RandomInput(nil, 3, n))
		out := model.Read(tr.Role, tr.Limits, tr.Input)
		ends[out.End]++
		if out.End == model.Failed {
			rules[out.Rule]++
		}
		for _, s := range Split(tr.Input) {
			if s.Frame.Opcode == wire.Continuation && !s.Cut {
				fragmented++
			}
		}
	}
	for _, info := range model.Rules() {
		if len(info.Codes) > 0 && rules[info.Rule] == 0 {
			t.Errorf("rule %s is never broken", info.Rule)
		}
	}
	for _, end := range []model.End{model.Open, model.Closed, model.Failed} {
		if ends[end] == 0 {
			t.Errorf("no transcript ends %v", end)
		}
	}
	if fragmented == 0 {
		t.Error("no message is fragmented")
	}
}

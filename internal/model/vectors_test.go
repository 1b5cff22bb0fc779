package model_test

import (
	"reflect"
	"slices"
	"testing"

	"github.com/wsproof/wsproof/internal/model"
	"github.com/wsproof/wsproof/internal/vector"
)

// load returns the vectors of both folders.
func load(t *testing.T) []vector.Vector {
	t.Helper()
	plain, err := vector.Load()
	if err != nil {
		t.Fatal(err)
	}
	compressed, err := vector.LoadCompressed()
	if err != nil {
		t.Fatal(err)
	}
	return append(plain, compressed...)
}

// read reads a vector as its connection does.
func read(v *vector.Vector, without ...model.Rule) model.Outcome {
	if v.Deflate != nil {
		return model.ReadCompressed(v.Role, v.Limits, *v.Deflate, v.Input, without...)
	}
	return model.ReadWithout(v.Role, v.Limits, v.Input, without...)
}

// TestVectors reads each vector and wants exactly what it says.
func TestVectors(t *testing.T) {
	for _, v := range load(t) {
		t.Run(v.ID, func(t *testing.T) {
			got := read(&v)
			if !equal(got, v.Want) {
				t.Errorf("%s: %s (%s)\n% x\ngot  %v\nwant %v", v.Where(), v.About, model.Place(v.RFC), v.Input[:min(len(v.Input), 64)], got, v.Want)
			}
			if err := model.Check(v.Want, asSeen(got)); err != nil {
				t.Errorf("%s: Check of the model's own outcome: %v", v.Where(), err)
			}
		})
	}
}

// equal compares two outcomes; nil and empty are the same.
func equal(a, b model.Outcome) bool {
	norm := func(o model.Outcome) model.Outcome {
		o.Messages = append([]model.Message{}, o.Messages...)
		for i := range o.Messages {
			o.Messages[i].Payload = append([]byte{}, o.Messages[i].Payload...)
		}
		o.Pongs = append([][]byte{}, o.Pongs...)
		for i := range o.Pongs {
			o.Pongs[i] = append([]byte{}, o.Pongs[i]...)
		}
		return o
	}
	return reflect.DeepEqual(norm(a), norm(b))
}

// asSeen turns what is expected into what a faithful adapter would have seen:
// one Close with the first of the codes.
func asSeen(o model.Outcome) model.Outcome {
	if o.End == model.Open {
		o.Rule, o.Codes = "", nil
	}
	if len(o.Codes) > 0 {
		o.Codes = o.Codes[:1]
	}
	return o
}

// TestEachRuleHasAVector turns each rule of the model off: vectors must notice.
func TestEachRuleHasAVector(t *testing.T) {
	vectors := load(t)
	for _, info := range append(model.Rules(), model.DeflateRules()...) {
		if !slices.ContainsFunc(vectors, func(v vector.Vector) bool { return !equal(read(&v, info.Rule), v.Want) }) {
			t.Errorf("with the rule %s turned off every vector still holds", info.Rule)
		}
	}
}

// TestVectorsNameTheirRule wants the vectors of a file that is named after a rule
// to fail by it, but for those that show what is still allowed, or that a stronger
// rule comes first.
func TestVectorsNameTheirRule(t *testing.T) {
	vectors := load(t)
	broken := map[string]int{}
	for _, v := range vectors {
		if string(v.Want.Rule) == v.Rule {
			broken[v.Rule]++
		}
	}
	for _, info := range append(model.Rules(), model.DeflateRules()...) {
		if len(info.Codes) > 0 && broken[string(info.Rule)] < 6 {
			t.Errorf("%s.txt has %d vectors that break the rule, want 6 at least", info.Rule, broken[string(info.Rule)])
		}
	}
}

// TestReadLate reads the vectors as a reader that looks at text only when it is
// complete: transcripts that end before that stay open, all others fail later.
func TestReadLate(t *testing.T) {
	vectors, err := vector.Load()
	if err != nil {
		t.Fatal(err)
	}
	later := 0
	for _, v := range vectors {
		got := model.ReadLate(v.Role, v.Limits, v.Input)
		if equal(got, v.Want) {
			continue
		}
		if v.Want.Rule != model.TextNotUTF8 || got.Rule == model.TextNotUTF8 && got.Offset < v.Want.Offset {
			t.Errorf("%s: got %v, want %v or the same later", v.ID, got, v.Want)
		}
		later++
	}
	if later == 0 {
		t.Error("no vector tells the two readings apart")
	}
}

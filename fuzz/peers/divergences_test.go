package peers

import (
	"bufio"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/wsproof/wsproof/fuzz/input"
	"github.com/wsproof/wsproof/internal/engine/transcript"
	"github.com/wsproof/wsproof/internal/model"
	"github.com/wsproof/wsproof/internal/vector"
	"github.com/wsproof/wsproof/internal/wire"
)

// pinned returns the versions that go.mod requires. A test binary does not know
// what it is built with.
func pinned(t *testing.T) map[string]string {
	t.Helper()
	file, err := os.Open("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	versions := map[string]string{}
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if f := strings.Fields(lines.Text()); len(f) >= 2 && strings.HasPrefix(f[1], "v") {
			versions[f[0]] = f[1]
		}
	}
	return versions
}

// TestDivergencesHold replays the vectors and the committed corpus: each row of the table must still be
// what some vector shows, for the version that go.mod requires.
func TestDivergencesHold(t *testing.T) {
	vectors := allVectors(t)
	versions := pinned(t)
	libraries := map[string]*transcript.Reader{}
	for _, l := range Libraries() {
		libraries[l.Name] = l
	}
	for i, row := range Divergences {
		l := libraries[row.Library]
		if l == nil {
			t.Errorf("row %d: there is no library %q", i, row.Library)
			continue
		}
		if row.Reason == "" {
			t.Errorf("%s %s %s: a row needs its reason", row.Library, row.Kind, row.Rule)
		}
		if got := versions[l.Module]; got != row.Version {
			t.Errorf("%s %s %s: seen in %s, go.mod requires %s: see whether it still holds, and say so in the row",
				row.Library, row.Kind, row.Rule, row.Version, got)
		}
		if row.Private {
			continue
		}
		if row.Kind == Sends && shownBySending(t, l, append(slices.Clone(Divergences[:i]), Divergences[i+1:]...), row.Rule) {
			continue
		}
		others := append(append([]Divergence{}, Divergences[:i]...), Divergences[i+1:]...)
		want := &Finding{Library: row.Library, Kind: row.Kind, Rule: row.Rule}
		if !shown(t, l, vectors, others, want) {
			t.Errorf("%s %s %s no longer holds in %s: no vector shows it; take the row away", row.Library, row.Kind, row.Rule, row.Version)
		}
	}
}

// shownBySending tells whether a row is what the library shows when it sends.
func shownBySending(t *testing.T, l *transcript.Reader, rows []Divergence, rule string) (shown bool) {
	_, err := SearchSent(l, 1, rows, func(n int) bool { return shown || n == 100 }, func(f *Finding, _ int, _ string) {
		shown = shown || f.Rule == rule
	})
	if err != nil {
		t.Fatal(err)
	}
	return shown
}

func shown(t *testing.T, l *transcript.Reader, vectors []vector.Vector, rows []Divergence, want *Finding) bool {
	for i := range vectors {
		v := &vectors[i]
		tr := vectorFor(l, v)
		if tr == nil {
			continue
		}
		f, err := Compare(l, tr, rows)
		if err != nil {
			t.Fatalf("%s: %v", v.Where(), err)
		}
		if want.is(f) {
			return true
		}
	}
	kept, err := input.ReadCorpus("testdata/fuzz/FuzzP" + "eers")
	if err != nil {
		t.Fatal(err)
	}
	for _, data := range kept {
		if input.NewTranscriptGenerator().Generate(data).Deflate != nil {
			if l.Caps.Deflate == transcript.DeflateNone {
				continue
			}
			data = compressedFor(l, data)
		}
		f, err := Compare(l, input.NewTranscriptGenerator().Generate(data), rows)
		if err != nil {
			t.Fatal(err)
		}
		if want.is(f) {
			return true
		}
	}
	return false
}

// TestDivergencesAreAllKnown replays the vectors against the table.
func TestDivergencesAreAllKnown(t *testing.T) {
	vectors := allVectors(t)
	for _, l := range Libraries() {
		for i := range vectors {
			v := &vectors[i]
			tr := vectorFor(l, v)
			if tr == nil {
				continue
			}
			f, err := Compare(l, tr, Divergences)
			if err != nil {
				t.Fatalf("%s: %v", v.Where(), err)
			}
			if f != nil {
				t.Errorf("%s: %s: %v\n%s", v.Where(), v.ID, f, input.Annotate(Minimise(l, tr, f, Divergences)))
			}
		}
	}
}

func allVectors(t *testing.T) []vector.Vector {
	t.Helper()
	compressed, err := vector.LoadCompressed()
	if err != nil {
		t.Fatal(err)
	}
	return append(loadVectors(t), compressed...)
}

// vectorFor is the transcript of a vector, with what the library has of
// permessage-deflate; nil if that is nothing.
func vectorFor(l *transcript.Reader, v *vector.Vector) *input.Transcript {
	tr := ofVector(v)
	switch {
	case v.Deflate == nil:
	case l.Caps.Deflate == transcript.DeflateNone:
		return nil
	default:
		tr.Deflate = agreedFor(l, v.Deflate)
	}
	return tr
}

// TestDeflateIsAgreedOn: the adapters, and what they are told, agree with what is on
// the wire, in both roles, and the library inflates the messages of RFC 7692 §7.2.3.2.
func TestDeflateIsAgreedOn(t *testing.T) {
	compresses := 0
	for _, l := range Libraries() {
		if l.Caps.Deflate == transcript.DeflateNone {
			continue
		}
		compresses++
		for _, alone := range []bool{true, false} {
			if !alone && l.Caps.Deflate != transcript.DeflateTakeover {
				continue
			}
			d := &model.Deflate{ServerNoContextTakeover: alone, ClientNoContextTakeover: alone}
			for _, role := range []model.Role{model.Server, model.Client} {
				second := "\xf2\x48\xcd\xc9\xc9\x07\x00"
				if !alone {
					second = "\xf2\x00\x11\x00\x00"
				}
				masked := role == model.Server
				in := (&wire.Frame{Fin: true, RSV: 4, Opcode: wire.Text, Masked: masked, Payload: []byte("\xf2\x48\xcd\xc9\xc9\x07\x00")}).Append(nil)
				in = (&wire.Frame{Fin: true, RSV: 4, Opcode: wire.Text, Masked: masked, Payload: []byte(second)}).Append(in)
				r, err := l.Run(&transcript.Transcript{Role: role, Limits: input.RawLimits[0], Input: in, Deflate: d})
				if err != nil || len(r.Messages) != 2 || string(r.Messages[0].Payload) != "Hello" || string(r.Messages[1].Payload) != "Hello" {
					t.Errorf("%s as a %v, without takeover %t: %v, %v", l.Name, role, alone, r, err)
				}
			}
		}
	}
	if compresses < 4 {
		t.Errorf("%d libraries compress, want 4 at least", compresses)
	}
}

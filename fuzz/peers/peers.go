package peers

import (
	"fmt"
	"math"
	"runtime/debug"

	"github.com/wsproof/wsproof/fuzz/input"
	"github.com/wsproof/wsproof/internal/engine/engines"
	"github.com/wsproof/wsproof/internal/engine/transcript"
	"github.com/wsproof/wsproof/internal/model"
)

// Libraries returns the libraries that transcripts are compared with.
func Libraries() []*transcript.Reader {
	var readers []*transcript.Reader
	for _, e := range engines.Libraries() {
		readers = append(readers, e.Reader)
	}
	return readers
}

// ModuleVersion returns the version of a module that this program is built with,
// "" if it does not know.
func ModuleVersion(module string) string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	for _, dep := range info.Deps {
		if dep.Path == module {
			if dep.Replace != nil {
				dep = dep.Replace
			}
			return dep.Version
		}
	}
	return ""
}

// A Kind is the way in which a library parts from RFC 6455.
type Kind string

// The kinds.
const (
	Accepts Kind = "accepts" // what the rule forbids
	Refuses Kind = "refuses" // what the RFC allows
	Sends   Kind = "sends"   // what it must not send
	Differs Kind = "differs" // otherwise: messages, pongs, codes
	Crashes Kind = "crashes" // panics
	Hangs   Kind = "hangs"   // does not come to an end
)

// A Finding is a way in which a library parted from the model.
type Finding struct {
	Library string
	Kind    Kind
	Rule    string // of the model, or the name of what is refused or sent
	Detail  string // in words
}

// Error describes the finding on a line.
func (f *Finding) Error() string {
	return fmt.Sprintf("%s %s %s: %s", f.Library, f.Kind, f.Rule, f.Detail)
}

// is tells whether both are the same finding, whatever the transcript.
func (f *Finding) is(g *Finding) bool {
	return g != nil && f.Library == g.Library && f.Kind == g.Kind && f.Rule == g.Rule
}

// Peers checks the other libraries on the transcript of an input, against the
// model. Oracle, one a library: accept or reject, the messages, the pongs, the
// class of the close code, nothing sent or delivered after the Close, frames that
// are right for the role; divergences that stand in the table ([Divergences]) are
// known, others are an error with the smallest transcript that shows them. A
// crash or a hang is reported as such. Of inputs whose length is one more than a multiple
// of four, the library has pinged its peer before; of those with two more one of the
// libraries is also asked to send messages, which the model reads ([CompareSent]).
func Peers(data []byte) error {
	g := input.TranscriptGenerators.Get().(*input.TranscriptGenerator)
	defer input.TranscriptGenerators.Put(g)
	defer input.Guard()()
	t := g.Generate(data)
	for i, l := range Libraries() {
		if len(data)%4 == 2 && int(data[1])%len(Libraries()) == i {
			if err := sent(l, data); err != nil {
				return err
			}
		}
		switch {
		case t.Deflate == nil:
		case l.Caps.Deflate == transcript.DeflateNone:
			continue
		default:
			t = g.Generate(compressedFor(l, data))
		}
		t.Pings = len(data)%4 == 1
		f, err := Compare(l, t, Divergences)
		if err != nil {
			return err
		}
		if f != nil {
			small := Minimise(l, t, f, Divergences)
			small.Limits = limitsFor(small, l)
			return fmt.Errorf("new divergence: %w\nthe smallest transcript that shows it, %s", f, input.Annotate(small))
		}
	}
	return nil
}

// compressedFor is an input with permessage-deflate, by parameters that the library has.
func compressedFor(l *transcript.Reader, data []byte) []byte {
	d := agreedFor(l, input.NewTranscriptGenerator().Generate(data[:2]).Deflate)
	return input.Compressed(*d, data[2:])
}

// agreedFor is what the library agrees on where d was asked for: windows of 15 bits.
func agreedFor(l *transcript.Reader, d *model.Deflate) *model.Deflate {
	alone := d.ServerNoContextTakeover || d.ClientNoContextTakeover || l.Caps.Deflate == transcript.DeflateAlone
	return &model.Deflate{ServerNoContextTakeover: alone, ClientNoContextTakeover: alone, ServerMaxWindowBits: 15, ClientMaxWindowBits: 15}
}

// ErrHarness is wrapped by errors that say nothing about a library.
var ErrHarness = transcript.ErrHarness

// Compare gives the transcript to the library and returns how it parts from the
// model, apart from what the rows know; nil if it does not. An error is one of the
// harness.
func Compare(l *transcript.Reader, t *input.Transcript, rows []Divergence) (*Finding, error) {
	limits := limitsFor(t, l)
	r, err := l.Run(&transcript.Transcript{Role: t.Role, Limits: limits, Input: t.Input, Deflate: t.Deflate, Chunks: t.Sizes, Pings: t.Pings})
	if err != nil {
		return nil, err
	}
	e := expectation{l: l, t: t, limits: limits}
	if l.Caps.Frames {
		frames := *t
		frames.Input = alone(t.Input)
		e.t = &frames
	}
	for i := range rows {
		if rows[i].Library == l.Name {
			e.rows = append(e.rows, &rows[i])
		}
	}
	return e.judge(r), nil
}

// limitsFor are the transcript's, as far as the library takes limits.
func limitsFor(t *input.Transcript, l *transcript.Reader) model.Limits {
	const none = math.MaxInt
	least := max(1, t.Limits.Message) // a limit of 0 stands for none in most libraries
	switch l.Caps.Limits {
	case transcript.LimitsNone:
		return model.Limits{Frame: none, Message: none}
	case transcript.LimitsMessage:
		return model.Limits{Frame: none, Message: least}
	case transcript.LimitsOne:
		return model.Limits{Frame: least, Message: least}
	}
	return t.Limits
}

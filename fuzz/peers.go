package fuzz

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/wsproof/wsproof/internal/model"
	"github.com/wsproof/wsproof/internal/peers"
	"github.com/wsproof/wsproof/internal/peers/coder"
	"github.com/wsproof/wsproof/internal/peers/gobwas"
	"github.com/wsproof/wsproof/internal/peers/gorilla"
	"github.com/wsproof/wsproof/internal/peers/gws"
	"github.com/wsproof/wsproof/internal/wire"
)

// Libraries returns the libraries that transcripts are compared with.
func Libraries() []*peers.Library {
	return []*peers.Library{&gorilla.Library, &gobwas.Library, &coder.Library, &gws.Library}
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
// crash or a hang is reported as such.
func Peers(data []byte) error {
	g := transcriptGenerators.Get().(*transcriptGenerator)
	defer transcriptGenerators.Put(g)
	defer guard()()
	t := g.generate(data)
	for _, l := range Libraries() {
		f, err := Compare(l, t, Divergences)
		if err != nil {
			return err
		}
		if f != nil {
			small := Minimise(l, t, f, Divergences)
			small.Limits = small.limits(l)
			return fmt.Errorf("new divergence: %w\nthe smallest transcript that shows it, %s", f, Annotate(small))
		}
	}
	return nil
}

// ErrHarness is wrapped by errors that say nothing about a library.
var ErrHarness = peers.ErrHarness

// Compare gives the transcript to the library and returns how it parts from the
// model, apart from what the rows know; nil if it does not. An error is one of the
// harness.
func Compare(l *peers.Library, t *Transcript, rows []Divergence) (*Finding, error) {
	limits := t.limits(l)
	r, err := l.Run(&peers.Transcript{Role: t.Role, Limits: limits, Input: t.Input, Chunks: t.Sizes})
	if err != nil {
		return nil, err
	}
	e := expectation{l: l, t: t, limits: limits}
	for i := range rows {
		if rows[i].Library == l.Name {
			e.rows = append(e.rows, &rows[i])
		}
	}
	return e.judge(r), nil
}

// limits are the transcript's, as far as the library takes limits.
func (t *Transcript) limits(l *peers.Library) model.Limits {
	const none = math.MaxInt
	least := max(1, t.Limits.Message) // a limit of 0 stands for none in most libraries
	switch l.Caps.Limits {
	case peers.LimitsNone:
		return model.Limits{Frame: none, Message: none}
	case peers.LimitsMessage:
		return model.Limits{Frame: none, Message: least}
	case peers.LimitsOne:
		return model.Limits{Frame: least, Message: least}
	}
	return t.Limits
}

// An expectation is what a library may make of a transcript.
type expectation struct {
	l      *peers.Library
	t      *Transcript
	limits model.Limits
	rows   []*Divergence
}

func (e *expectation) read(without ...model.Rule) model.Outcome {
	switch e.l.Caps.UTF8 {
	case peers.UTF8None:
		without = append(slices.Clone(without), model.TextNotUTF8)
	case peers.UTF8AtEnd:
		without = append(slices.Clone(without), model.TextNotUTF8FailFast)
	}
	if e.l.Caps.Limits == peers.LimitsNone {
		without = append(slices.Clone(without), model.FrameTooLarge, model.MessageTooLarge)
	}
	return model.ReadWithout(e.t.Role, e.limits, e.t.Input, without...)
}

// judge returns how the result parts from the model, apart from the rows.
func (e *expectation) judge(r *peers.Result) *Finding {
	strict := e.read()
	find := func(kind Kind, rule, detail string) *Finding {
		if rule == "" {
			rule = "valid-input"
		}
		if e.known(kind, rule) {
			return nil
		}
		return &Finding{Library: e.l.Name, Kind: kind, Rule: rule, Detail: detail}
	}
	var lacks []model.Rule
	for _, row := range e.rows {
		if row.Kind == Accepts {
			lacks = append(lacks, model.Rule(row.Rule))
		}
	}
	if r.Crash != "" || r.Hung {
		kind, detail := Crashes, r.Crash
		if r.Hung {
			kind, detail = Hangs, fmt.Sprint(r.Err)
		}
		// The rule that is broken at the end, past those that it is known to lack.
		return find(kind, string(e.read(lacks...).Rule), detail)
	}
	got := r.Outcome
	var sends *Finding
	if r.Wrong != "" {
		sends = find(Sends, strings.ReplaceAll(strings.TrimPrefix(r.Wrong, "sent "), " ", "-"), r.Wrong)
		got.Codes = nil // what such a Close says is not to be judged; all else is
	}
	if len(got.Codes) == 0 && got.End == model.Failed && r.Class != 0 {
		got.Codes = []uint16{r.Class}
	}
	if got.End == model.Open {
		got.Codes = nil // many send a Close when the transport ends
	}
	got.AfterClose = 0
	f := e.judgeOutcome(got, strict, lacks, r.Err, find)
	if sends != nil && (f == nil || f.Kind != Accepts) { // it may echo what it should have refused
		return sends
	}
	if f != nil {
		return f
	}
	if r.AfterClose > 0 {
		return find(Sends, "frames-after-its-close", fmt.Sprintf("%d frames sent, or messages delivered, after its Close (RFC 6455 section 5.5.1)", r.AfterClose))
	}
	if r.AfterFailure > 0 {
		return find(Accepts, "input-after-failure", fmt.Sprintf("%d frames sent or messages delivered after a read failed with %v (RFC 6455 section 7.1.7)", r.AfterFailure, r.Err))
	}
	return nil
}

// judgeOutcome is judge for what was delivered and how it ended.
func (e *expectation) judgeOutcome(got, strict model.Outcome, lacks []model.Rule, cause error, find func(kind Kind, rule, detail string) *Finding) *Finding {
	err := model.CheckLoosely(strict, got)
	if err == nil {
		return nil
	}
	// Rules that it is known not to apply, alone or together, and what it is known
	// to refuse.
	bases := [][]model.Rule{nil, lacks}
	for i := range lacks {
		bases = append(bases, lacks[i:i+1])
	}
	masked := e.t.Role == model.Client && slices.Contains(lacks, model.ServerFrameMasked) &&
		slices.ContainsFunc(split(e.t.Input), func(s span) bool { return s.frame.Masked })
	if masked {
		bases = append(bases, append(slices.Clone(lacks), model.PayloadUnmasked))
	}
	for _, without := range bases {
		if e.fits(got, without) {
			return nil
		}
	}
	if masked {
		// Where masked frames are taken at all, what their pongs carry is anybody's
		// guess: coder unmasks control frames, and leaves data as it came.
		for _, without := range bases {
			pongs := got
			if owed := e.read(without...).Pongs; len(owed) >= len(got.Pongs) {
				pongs.Pongs = owed
			}
			if e.fits(pongs, without) {
				return nil
			}
		}
	}
	for _, without := range bases[:2] {
		if e.truncates(got, without) {
			return find(Accepts, truncated, err.Error())
		}
		if e.truncatesPing(got, without) {
			return find(Accepts, truncatedPing, err.Error())
		}
	}
	// A rule more that it does not apply.
	if strict.End == model.Failed {
		for _, info := range model.Rules() {
			if len(info.Codes) == 0 || slices.Contains(lacks, info.Rule) {
				continue
			}
			for _, without := range bases[:2] {
				if e.fits(got, append(slices.Clone(without), info.Rule)) {
					return find(Accepts, string(info.Rule), err.Error())
				}
			}
		}
	}
	// Something that it refuses, although the RFC allows it.
	lax := e.read(lacks...)
	if got.End == model.Failed && lax.End != model.Failed {
		starts := e.frames()
		for _, start := range slices.Backward(starts) {
			if start < lax.Offset && model.CheckLoosely(e.refusedAt(start, lacks), got) == nil {
				return find(Refuses, e.name(start), fmt.Sprintf("%v (%v)", err, cause))
			}
		}
	}
	return find(Differs, string(lax.Rule), err.Error())
}

// known tells whether a row stands for the kind and rule.
func (e *expectation) known(kind Kind, rule string) bool {
	if kind == Refuses && (rule == "close-code-1012" || rule == "close-code-1013" || rule == "close-code-1014") {
		return true // registered after the RFC: either is right
	}
	return slices.ContainsFunc(e.rows, func(row *Divergence) bool { return row.Kind == kind && row.Rule == rule })
}

// fits tells whether got is what a reader makes of the transcript that does not
// apply some rules and refuses what the rows say.
func (e *expectation) fits(got model.Outcome, without []model.Rule) bool {
	if model.CheckLoosely(e.read(without...), got) == nil {
		return true
	}
	if e.known(Accepts, truncated) && e.truncates(got, without) || e.known(Accepts, truncatedPing) && e.truncatesPing(got, without) {
		return true
	}
	if got.End == model.Open {
		return e.late(got, without)
	}
	if got.End != model.Failed {
		return false
	}
	for _, start := range e.frames() {
		// A rule that it does not apply to all frames may be applied to this one.
		right := slices.Contains(without, model.LengthNotMinimal) &&
			model.Decode(e.t.Role, 1<<62, e.t.Input[start:]).Rule == model.LengthNotMinimal
		if (right || e.known(Refuses, e.name(start))) && model.CheckLoosely(e.refusedAt(start, without), got) == nil {
			return true
		}
	}
	return false
}

// truncated is the name of the divergence by which the beginning of a message is
// delivered as a whole one where the transport ends.
const truncated = "truncated-message"

// truncates tells whether got is what a reader makes of the transcript that takes
// the end of the transport for the end of the message.
func (e *expectation) truncates(got model.Outcome, without []model.Rule) bool {
	n := len(got.Messages)
	if n == 0 || got.End == model.Closed || len(got.Codes) > 0 || !e.begins(got.Messages[n-1], without) {
		return false
	}
	got.Messages, got.End = got.Messages[:n-1], model.Open
	return model.CheckLoosely(e.read(without...), got) == nil || e.late(got, without)
}

// begins tells whether the message is a beginning of the one that is under way
// where the transcript ends, or before the frame that is cut there.
func (e *expectation) begins(message model.Message, without []model.Rule) bool {
	var begun model.Message
	open := false
	is := func() bool {
		return open && message.Binary == begun.Binary && bytes.HasPrefix(begun.Payload, message.Payload)
	}
	for _, s := range split(e.t.Input) {
		if s.frame.Opcode&8 != 0 {
			continue
		}
		if s.cut && is() {
			return true
		}
		if s.frame.Opcode != wire.Continuation {
			begun = model.Message{Binary: s.frame.Opcode == wire.Binary}
		}
		payload := s.arrived(e.t.Input)
		if s.frame.Masked && slices.Contains(without, model.PayloadUnmasked) {
			wire.Mask(payload, s.frame.Key)
		}
		begun.Payload = append(begun.Payload, payload...)
		open = s.cut || !s.frame.Fin
	}
	return is()
}

// truncatedPing is the name of the divergence by which what came of a ping is
// answered where the transport ends inside it.
const truncatedPing = "truncated-ping"

func (e *expectation) truncatesPing(got model.Outcome, without []model.Rule) bool {
	n := len(got.Pongs)
	spans := split(e.t.Input)
	if n == 0 || len(spans) == 0 || got.End != model.Open {
		return false
	}
	last := spans[len(spans)-1]
	pong := got.Pongs[n-1]
	got.Pongs = got.Pongs[:n-1]
	return last.cut && last.frame.Opcode == wire.Ping && bytes.HasPrefix(last.arrived(e.t.Input), pong) && model.CheckLoosely(e.read(without...), got) == nil
}

// late tells whether got is open because the transcript ends inside a frame whose
// header breaks a rule that the library looks at later.
func (e *expectation) late(got model.Outcome, without []model.Rule) bool {
	spans := split(e.t.Input)
	if len(spans) == 0 || !spans[len(spans)-1].cut || !slices.Contains(e.l.Caps.Late, e.read(without...).Rule) {
		return false
	}
	out := e.before(spans[len(spans)-1].start).read(without...)
	return out.End == model.Open && model.CheckLoosely(out, got) == nil
}

// before is the expectation for the transcript up to a frame.
func (e *expectation) before(start int) *expectation {
	cut, t := *e, *e.t
	t.Input = t.Input[:start]
	cut.t = &t
	return &cut
}

// frames returns where the frames of the transcript begin.
func (e *expectation) frames() []int {
	var starts []int
	for off := 0; off < len(e.t.Input); {
		starts = append(starts, off)
		_, n, err := wire.Split(e.t.Input[off:])
		if err != nil {
			break
		}
		off += n
	}
	return starts
}

// refusedAt is the outcome of a reader that refuses the frame at start.
func (e *expectation) refusedAt(start int, without []model.Rule) model.Outcome {
	out := e.before(start).read(without...)
	if out.End != model.Open {
		return out
	}
	out.End, out.Rule, out.Offset = model.Failed, "", len(e.t.Input)
	out.Codes = []uint16{1002, 1003, 1007, 1008, 1009, 1011}
	return out
}

// name names the frame at start, for what is refused although it is right.
func (e *expectation) name(start int) string {
	f, _, err := wire.Split(e.t.Input[start:])
	switch {
	case err != nil:
		return "unfinished-frame"
	case f.Opcode == wire.Close && len(f.Payload) >= 2:
		return fmt.Sprintf("close-code-%d", int(f.Payload[0])<<8|int(f.Payload[1]))
	case f.Opcode == wire.Close:
		return "close-empty"
	case f.Opcode == wire.Ping:
		return "ping"
	case f.Opcode == wire.Pong:
		return "pong"
	case f.Opcode == wire.Text:
		return "text"
	case f.Opcode == wire.Binary:
		return "binary"
	}
	return "continuation"
}

// Minimise returns the smallest transcript that it finds which shows the same
// finding: frames and then bytes of payload are taken away while it does.
func Minimise(l *peers.Library, t *Transcript, f *Finding, rows []Divergence) *Transcript {
	small := *t
	small.Input = slices.Clone(t.Input)
	tries := 2000
	if f.Kind == Hangs {
		tries = 3 // each takes the bound
	}
	shows := func(c *Transcript) bool {
		tries--
		if tries < 0 {
			return false
		}
		g, err := Compare(l, c, rows)
		return err == nil && f.is(g)
	}
	try := func(c Transcript) bool {
		if !shows(&c) {
			return false
		}
		small = c
		return true
	}
	with := func(input []byte) Transcript {
		c := small
		c.Input = input
		return c
	}
	if c := small; c.Sizes != nil {
		c.Sizes = nil
		try(c)
	}
	for again := true; again && tries > 0; {
		again = false
		// Take frames away, the last ones first.
		spans := split(small.Input)
		for i := len(spans) - 1; i >= 0; i-- {
			rest := slices.Concat(small.Input[:spans[i].start], small.Input[spans[i].end:])
			if try(with(rest)) {
				again = true
				spans = split(small.Input)
				i = min(i, len(spans))
			}
		}
		// Shorten payloads.
		for i := range split(small.Input) {
			for {
				spans := split(small.Input)
				if i >= len(spans) || spans[i].cut {
					break
				}
				s := spans[i]
				fr := s.frame
				n := len(fr.Payload)
				if n == 0 {
					break
				}
				shorter := false
				for _, keep := range []int{0, n / 2, n - 1} {
					g := fr
					g.Payload, g.Length = fr.Payload[:keep], 0
					g.Form = wire.Shortest
					if (fr.Form == wire.Form16) != (n >= 126 && n <= 65535) || fr.Form == wire.Form64 && n <= 65535 {
						g.Form = fr.Form // not minimal, and that may be the point
					}
					input := slices.Concat(small.Input[:s.start], g.Append(nil), small.Input[s.end:])
					if len(input) < len(small.Input) && try(with(input)) {
						shorter, again = true, true
						break
					}
				}
				if !shorter {
					break
				}
			}
		}
	}
	return &small
}

type span struct {
	start, end int
	frame      wire.Frame
	cut        bool // the bytes end inside it
}

// arrived returns what has come of the payload of the frame in the transcript b,
// unmasked.
func (s *span) arrived(b []byte) []byte {
	if !s.cut {
		return slices.Clone(s.frame.Payload)
	}
	f, n, err := wire.SplitHeader(b[s.start:s.end])
	if err != nil {
		return nil
	}
	payload := slices.Clone(b[s.start+n : s.end])
	if f.Masked {
		wire.Mask(payload, f.Key)
	}
	return payload
}

// split cuts a transcript into frames.
func split(b []byte) []span {
	var spans []span
	for off := 0; off < len(b); {
		f, n, err := wire.Split(b[off:])
		if errors.Is(err, wire.ErrShort) {
			return append(spans, span{start: off, end: len(b), frame: f, cut: true})
		}
		spans = append(spans, span{start: off, end: off + n, frame: f})
		off += n
	}
	return spans
}

// Search feeds a library transcripts that the generator makes of pseudo-random
// bytes until done says so, and calls found for each finding that the rows do not
// know, once a kind and rule, with the smallest transcript that shows it. No seed
// and no corpus goes in. It returns the number of transcripts.
func Search(l *peers.Library, seed uint64, rows []Divergence, done func(n int) bool, found func(f *Finding, n int, small *Transcript)) (int, error) {
	g := newTranscriptGenerator()
	known := map[string]bool{}
	data := make([]byte, 0, 256)
	n := 0
	for ; !done(n); n++ {
		data = randomInput(data[:0], seed, uint64(n))
		t := g.generate(data)
		f, err := Compare(l, t, rows)
		if err != nil {
			return n, err
		}
		if f == nil {
			continue
		}
		if name := string(f.Kind) + " " + f.Rule; !known[name] {
			known[name] = true
			small := Minimise(l, t, f, rows)
			small.Limits = small.limits(l)
			found(f, n, small)
		}
	}
	return n, nil
}

// ExplainRandom describes the n-th transcript of a seed of [Search].
func ExplainRandom(seed, n uint64) string {
	return Annotate(newTranscriptGenerator().generate(randomInput(nil, seed, n)))
}

// randomInput appends the n-th input of a seed: up to 128 bytes.
func randomInput(dst []byte, seed, n uint64) []byte {
	x := seed*0x9E3779B97F4A7C15 + n*0xD1342543DE82EF95 + 1
	next := func() uint64 { // splitmix64
		x += 0x9E3779B97F4A7C15
		z := x
		z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
		z = (z ^ z>>27) * 0x94D049BB133111EB
		return z ^ z>>31
	}
	size := int(4 + next()%124)
	for len(dst) < size {
		dst = append(dst, byte(next()>>32))
	}
	dst[0] &^= rawBit // structured
	return dst
}

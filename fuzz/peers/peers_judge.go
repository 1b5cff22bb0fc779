package peers

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/wsproof/wsproof/fuzz/input"
	"github.com/wsproof/wsproof/internal/engine/transcript"
	"github.com/wsproof/wsproof/internal/model"
	"github.com/wsproof/wsproof/internal/wire"
)

// An expectation is what a library may make of a transcript.
type expectation struct {
	l      *transcript.Reader
	t      *input.Transcript
	limits model.Limits
	rows   []*Divergence

	overLimit []int // see counted
	orphan    int   // see firstOrphan
}

func (e *expectation) read(without ...model.Rule) model.Outcome {
	switch e.l.Caps.UTF8 {
	case transcript.UTF8None:
		without = append(slices.Clone(without), model.TextNotUTF8)
	case transcript.UTF8AtEnd:
		without = append(slices.Clone(without), model.TextNotUTF8FailFast)
	}
	if e.l.Caps.Limits == transcript.LimitsNone {
		without = append(slices.Clone(without), model.FrameTooLarge, model.MessageTooLarge)
	}
	if e.t.Deflate != nil {
		return model.ReadCompressed(e.t.Role, e.limits, *e.t.Deflate, e.t.Input, without...)
	}
	return model.ReadWithout(e.t.Role, e.limits, e.t.Input, without...)
}

// check is [model.CheckLoosely], less what the library is known for: an end that it
// does not tell, empty messages that it drops, another close code than the rule's.
func (e *expectation) check(want, got model.Outcome) error {
	if e.l.Caps.Mute && got.End == model.Open {
		got.End, got.Code, got.Reason = want.End, want.Code, want.Reason
	}
	if e.known(Differs, emptyMessage) {
		want.Messages = withoutEmpty(want.Messages)
	}
	if e.known(Differs, string(want.Rule)) && got.End == model.Closed && slices.Contains(want.Codes, got.Code) {
		got.End, got.Code, got.Reason = model.Failed, 0, "" // refused, and told as if the peer had sent the code
	}
	if e.known(Differs, string(model.ControlFrameTooLarge)) && slices.Equal(got.Codes, []uint16{1009}) {
		got.Codes = nil // whatever else is wrong with the frame
	}
	err := model.CheckLoosely(want, got)
	if long := func(p []byte) bool { return len(p) > 125 }; err != nil && slices.ContainsFunc(want.Pongs, long) {
		// Of a ping that nobody should take, the beginning may be answered.
		want.Pongs = slices.Clone(want.Pongs)
		for i, pong := range want.Pongs {
			want.Pongs[i] = pong[:min(len(pong), 125)]
		}
		return model.CheckLoosely(want, got)
	}
	return err
}

// emptyMessage is the name of the divergence by which empty messages are not
// delivered.
const emptyMessage = "empty-message"

func withoutEmpty(messages []model.Message) []model.Message {
	return slices.DeleteFunc(slices.Clone(messages), func(m model.Message) bool { return len(m.Payload) == 0 })
}

// alone returns the transcript with each data frame a message of its own: what a
// library answers for that gives its caller the frames.
func alone(t []byte) []byte {
	out := slices.Clone(t)
	kind := wire.Text
	for off := 0; off < len(out); {
		f, n, err := wire.Split(out[off:])
		if err != nil {
			f.Opcode, n = out[off]&0xf, len(out)-off
		}
		switch f.Opcode {
		case wire.Continuation:
			out[off] |= 0x80 | kind
		case wire.Text, wire.Binary:
			kind = f.Opcode
			out[off] |= 0x80
		}
		off += n
	}
	return out
}

// judge returns how the result parts from the model, apart from the rows.
func (e *expectation) judge(r *transcript.Result) *Finding {
	if e.t.Deflate != nil {
		return e.judgeCompressed(r)
	}
	strict := e.read()
	e.overLimit, e.orphan = e.counted(), e.firstOrphan()
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
	err := e.check(strict, got)
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
		slices.ContainsFunc(input.Split(e.t.Input), func(s input.Span) bool { return s.Frame.Masked })
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
	for _, without := range bases[:2] {
		want := e.read(without...)
		if some := withoutEmpty(want.Messages); len(some) < len(want.Messages) {
			want.Messages = some
			if e.check(want, got) == nil {
				return find(Differs, emptyMessage, err.Error())
			}
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
			if start < lax.Offset && e.check(e.refusedAt(start, lacks), got) == nil {
				name := e.name(start)
				if slices.Contains(e.overLimit, start) && !e.known(Refuses, name) {
					name = controlCounted
				}
				return find(Refuses, name, fmt.Sprintf("%v (%v)", err, cause))
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
	if e.check(e.read(without...), got) == nil {
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
			model.Decode(e.t.Role, 1<<62, e.t.Input[start:]).Rule == model.LengthNotMinimal ||
			slices.Contains(without, model.OpcodeUnknown) && unknownOpcode(e.t.Input[start]) ||
			slices.Contains(without, model.ContinuationUnexpected) && start >= e.orphan
		if (right || e.known(Refuses, e.name(start)) || e.known(Refuses, controlCounted) && slices.Contains(e.overLimit, start)) && e.check(e.refusedAt(start, without), got) == nil {
			return true
		}
	}
	return false
}

// unknownOpcode tells whether a frame that begins with the byte has an opcode that
// RFC 6455 §5.2 reserves.
func unknownOpcode(first byte) bool {
	opcode := first & 0xf
	return opcode > wire.Binary && opcode < wire.Close || opcode > wire.Pong
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
	return e.check(e.read(without...), got) == nil || e.late(got, without)
}

// begins tells whether the message is a beginning of the one that is under way
// where the transcript ends, or before the frame that is cut there.
func (e *expectation) begins(message model.Message, without []model.Rule) bool {
	var begun model.Message
	open := false
	is := func() bool {
		return open && message.Binary == begun.Binary && bytes.HasPrefix(begun.Payload, message.Payload)
	}
	for _, s := range input.Split(e.t.Input) {
		if s.Frame.Opcode&8 != 0 {
			continue
		}
		if s.Cut && is() {
			return true
		}
		if s.Frame.Opcode != wire.Continuation {
			begun = model.Message{Binary: s.Frame.Opcode == wire.Binary}
		}
		payload := s.Arrived(e.t.Input)
		if s.Frame.Masked && slices.Contains(without, model.PayloadUnmasked) {
			wire.Mask(payload, s.Frame.Key)
		}
		begun.Payload = append(begun.Payload, payload...)
		open = s.Cut || !s.Frame.Fin
	}
	return is()
}

// truncatedPing is the name of the divergence by which what came of a ping is
// answered where the transport ends inside it.
const truncatedPing = "truncated-ping"

func (e *expectation) truncatesPing(got model.Outcome, without []model.Rule) bool {
	n := len(got.Pongs)
	spans := input.Split(e.t.Input)
	if n == 0 || len(spans) == 0 || got.End != model.Open {
		return false
	}
	last := spans[len(spans)-1]
	pong := got.Pongs[n-1]
	got.Pongs = got.Pongs[:n-1]
	return last.Cut && last.Frame.Opcode == wire.Ping && bytes.HasPrefix(last.Arrived(e.t.Input), pong) && e.check(e.read(without...), got) == nil
}

// late tells whether got is open because the transcript ends inside a frame whose
// header breaks a rule that the library looks at later.
func (e *expectation) late(got model.Outcome, without []model.Rule) bool {
	spans := input.Split(e.t.Input)
	if len(spans) == 0 {
		return false
	}
	last := spans[len(spans)-1]
	late := slices.Contains(e.l.Caps.Late, e.read(without...).Rule) ||
		e.known(Differs, string(model.LengthTopBit)) && last.Frame.Length>>63 != 0
	if !last.Cut || !late {
		return false
	}
	out := e.before(last.Start).read(without...)
	return out.End == model.Open && e.check(out, got) == nil
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

// controlCounted is the name of the divergence by which a control frame between
// fragments counts towards the limit of the message.
const controlCounted = "control-frame-over-the-limit"

// firstOrphan returns where the first continuation of nothing begins: there, or
// behind it, a reader may refuse. It is the end if there is none.
func (e *expectation) firstOrphan() int {
	begun := false
	for _, s := range input.Split(e.t.Input) {
		if s.Frame.Opcode&8 != 0 {
			continue
		}
		if s.Frame.Opcode == wire.Continuation && !begun {
			return s.Start
		}
		begun = !s.Frame.Fin
	}
	return len(e.t.Input)
}

// counted returns where the control frames begin that fit the limit of a message
// by themselves, and not with what has come of the one under way.
func (e *expectation) counted() []int {
	var starts []int
	begun := 0
	for _, s := range input.Split(e.t.Input) {
		switch n := int(min(s.Frame.Length, 125)); {
		case s.Frame.Opcode&8 != 0:
			if begun > 0 && n <= e.limits.Message && begun+n > e.limits.Message {
				starts = append(starts, s.Start)
			}
		case s.Frame.Fin:
			begun = 0
		default:
			begun += len(s.Frame.Payload)
		}
	}
	return starts
}

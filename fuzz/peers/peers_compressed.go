package peers

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/wsproof/wsproof/fuzz/input"
	"github.com/wsproof/wsproof/internal/engine/transcript"
	"github.com/wsproof/wsproof/internal/model"
	"github.com/wsproof/wsproof/internal/wire"
)

// judgeCompressed is judge for a connection with permessage-deflate. How a library ends
// it is told by the same frames without compression; here only what it delivers counts,
// when it ended by itself: each message of the transcript up to the first rule that is
// broken, whole and right, and nothing behind that. A rule of RFC 7692 that it does not
// apply is a row as any other.
func (e *expectation) judgeCompressed(r *transcript.Result) *Finding {
	find := func(kind Kind, rule, detail string) *Finding {
		if e.known(kind, rule) {
			return nil
		}
		return &Finding{Library: e.l.Name, Kind: kind, Rule: rule, Detail: detail}
	}
	// RFC 7692 leaves open when a stream is judged, and bounds no compressed octets.
	always := []model.Rule{model.DeflateFailFast, model.CompressedTooLarge}
	var lacks []model.Rule
	for _, row := range e.rows {
		if _, ok := model.Rule(row.Rule).Info(); ok && (row.Kind == Accepts || row.Kind == Differs) {
			lacks = append(lacks, model.Rule(row.Rule))
		}
	}
	read := func(without []model.Rule, more ...model.Rule) model.Outcome {
		return e.read(append(append(slices.Clone(without), always...), more...)...)
	}
	strict := read(nil)
	if r.Hung || r.Crash != "" {
		kind, detail, rule := Crashes, r.Crash, string(read(lacks).Rule)
		if r.Hung {
			kind, detail = Hangs, fmt.Sprint(r.Err)
		}
		if rule == "" || e.known(kind, compressedMessage) || e.known(kind, string(model.MessageCut)) {
			rule = compressedMessage // by whatever frame
		}
		if e.known(kind, string(model.MessageCut)) || e.known(kind, string(model.LengthTopBit)) && e.topBit() {
			return nil
		}
		return find(kind, rule, detail)
	}
	if slices.Contains(lacks, model.FinalGoesOn) { // what stands behind a final block is not looked at
		lacks = append(lacks, model.BlockInvalid)
	}
	bases := [][]model.Rule{nil, lacks, {model.FinalGoesOn, model.BlockInvalid}}
	if !slices.Contains(lacks, model.FinalGoesOn) {
		bases = bases[:2]
	}
	for i := range lacks {
		bases = append(bases, lacks[i:i+1])
	}
	if e.t.Role == model.Client && slices.Contains(lacks, model.ServerFrameMasked) {
		bases = append(bases, append(slices.Clone(lacks), model.PayloadUnmasked))
	}
	for _, without := range bases {
		if e.delivered(read(without), r.Messages, len(strict.Messages)) == "" {
			return nil
		}
	}
	why := e.delivered(strict, r.Messages, len(strict.Messages))
	// A rule more that it does not apply.
	for _, without := range bases[:2] {
		if e.delivered(read(without, model.FinalGoesOn, model.BlockInvalid), r.Messages, len(strict.Messages)) == "" {
			return find(Differs, string(model.FinalGoesOn), why)
		}
	}
	for _, info := range append(model.DeflateRules(), model.Rules()...) {
		for _, without := range bases[:2] {
			if len(info.Codes) > 0 && !slices.Contains(without, info.Rule) && e.delivered(read(without, info.Rule), r.Messages, len(strict.Messages)) == "" {
				return find(Accepts, string(info.Rule), why)
			}
		}
	}
	if strict.End == model.Failed && len(r.Messages) > len(strict.Messages) {
		return find(Accepts, string(strict.Rule), why) // and what comes behind it is not judged
	}
	if len(r.Messages) < len(strict.Messages) {
		return find(Refuses, compressedMessage, fmt.Sprintf("%s (%v)", why, r.Err))
	}
	return find(Differs, compressedMessage, why)
}

// compressedMessage is the rule of a finding that has none of its own.
const compressedMessage = "compressed-message"

// delivered says how messages part from those of want, of which the first least must be
// there; "" if they do not.
func (e *expectation) delivered(want model.Outcome, got []model.Message, least int) string {
	if e.known(Differs, emptyMessage) {
		want.Messages = withoutEmpty(want.Messages)
		got = withoutEmpty(got)
		least = min(least, len(want.Messages))
	}
	n := len(want.Messages)
	ends := e.known(Differs, string(model.FinalGoesOn)) && e.finals() // such a block ends a message, wherever its frames end
	if e.known(Refuses, compressedMessage) || ends {
		least = 0 // it may end within a character
	}
	for i, m := range got {
		if i < n && m.Binary == want.Messages[i].Binary && bytes.Equal(m.Payload, want.Messages[i].Payload) {
			continue
		}
		if i >= n && i == len(got)-1 && (ends && (e.openBefore(want) || e.cut()) || e.known(Accepts, truncated) && e.cut()) {
			return "" // the beginning of one that is under way
		}
		if ends && i < n && bytes.HasPrefix(want.Messages[i].Payload, m.Payload) {
			return "" // and the window is another one from here on
		}
		return fmt.Sprintf("message %d was delivered as %v, of %d; the model: %v", i+1, m, n, want)
	}
	if len(got) < least {
		return fmt.Sprintf("%d messages of %d were delivered; the model: %v", len(got), least, want)
	}
	return ""
}

// cut tells whether the transcript ends within a message.
func (e *expectation) cut() bool {
	frames := input.Split(e.t.Input)
	return len(frames) > 0 && frames[len(frames)-1].Cut || e.open(len(e.t.Input))
}

// openBefore tells whether a message is under way where want ends, before the frame
// that is refused if it is for its header.
func (e *expectation) openBefore(want model.Outcome) bool {
	if want.End == model.Open || want.Rule == model.MessageCut || want.Rule == model.BlockInvalid {
		return e.open(want.Offset)
	}
	return e.open(want.Offset - 1)
}

// open tells whether a message is under way behind the frames that end up to offset.
func (e *expectation) open(offset int) bool {
	open := false
	for _, s := range input.Split(e.t.Input) {
		if s.End <= offset && s.Frame.Opcode&8 == 0 {
			open = !s.Frame.Fin
		}
	}
	return open
}

// topBit tells whether a frame has a length with the top bit set.
func (e *expectation) topBit() bool {
	return slices.ContainsFunc(input.Split(e.t.Input), func(s input.Span) bool { return s.Frame.Length>>63 != 0 })
}

// finals tells whether there is a final block in a compressed message.
func (e *expectation) finals() bool {
	var payload []byte
	compressed := false
	history := make([]byte, 1<<15) // whatever is referred to
	for _, s := range input.Split(e.t.Input) {
		if s.Frame.Opcode&8 != 0 {
			continue
		}
		if s.Frame.Opcode != wire.Continuation {
			payload, compressed = nil, s.Frame.RSV&4 != 0
		}
		payload = append(payload, s.Arrived(e.t.Input)...)
		if compressed && slices.ContainsFunc(model.Inflate(history, payload, 1<<15).Blocks, func(b model.Block) bool { return b.Final }) {
			return true
		}
	}
	return false
}

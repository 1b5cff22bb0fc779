package wirefuzz

import (
	"slices"

	"github.com/wsproof/wsproof/fuzz/input"
	"github.com/wsproof/wsproof/internal/model"
	"github.com/wsproof/wsproof/internal/wire"
)

// noLimit is what the model takes for a size past which nothing is: where a server's
// limits are is not known.
const noLimit = 1 << 30

// A plan says how a transcript is played and what may come of it.
type plan struct {
	b       []byte
	spans   []input.Span
	deflate *model.Deflate // what was agreed on of permessage-deflate; nil: nothing

	// calm is how many bytes are in order: whole frames, up to a Close or to what
	// breaks a rule. want.Messages and want.Pongs are owed for them.
	calm int
	// want is what the model makes of it all, wants are all outcomes that RFC 6455
	// leaves, want first.
	want  model.Outcome
	wants []model.Outcome
	// last is the frame that ends the conversation, by a rule or as a Close, nil if
	// none does.
	last *input.Span
	// whole says that the bytes do not end inside a frame.
	whole bool
	// must says that the server has to end the connection by itself: last is there as
	// a whole, as all behind it is, and breaks what no reading of the RFC leaves open.
	must bool
	// most is how many messages come back by the reading that has most of them; shut
	// says that one of the readings has a Close in it.
	most int
	shut bool
	// big says that a limit of the server's may be the reason for what it does, crowded that
	// it may be one on how many frames wait to be answered, or make a message.
	big, crowded bool
}

// From so many on, pings that come at once, and frames, are a crowd. (ws drops TCP at 61 pings, and
// closes at 16,385 fragments.)
const (
	manyPings  = 16
	manyFrames = 1024
)

// newPlan reads a transcript of a connection that compresses, or not. Frames longer than
// most, and messages, may be more than the server takes.
func newPlan(b []byte, most int, deflate *model.Deflate) *plan {
	p := &plan{b: b, spans: input.Split(b), deflate: deflate}
	p.want, p.wants = outcomes(b, deflate)
	p.calm = len(b)
	total, pings := 0, 0
	for i := range p.spans {
		s := &p.spans[i]
		if s.Cut {
			p.calm = min(p.calm, s.Start)
		}
		total += s.End - s.Start
		if s.Frame.Opcode == wire.Ping {
			pings++
		}
		if s.Frame.Length > uint64(most) || total > 4*most || s.Frame.Length > uint64(most/4) && s.Frame.Opcode&8 == 0 && !s.Frame.Fin {
			p.big = true
		}
		if p.want.End != model.Open && p.last == nil && p.want.Offset <= s.End {
			p.last = s
			p.calm = s.Start
		}
	}
	for _, want := range p.wants {
		inflated := 0
		for i := range want.Messages {
			inflated += len(want.Messages[i].Payload)
			p.big = p.big || len(want.Messages[i].Payload) > most || inflated > 4*most
		}
	}
	p.crowded = pings >= manyPings || len(p.spans) >= manyFrames
	p.whole = len(p.spans) == 0 || !p.spans[len(p.spans)-1].Cut
	p.must = p.last != nil && p.whole && p.want.End == model.Failed
	for i := range p.wants {
		past := deflate != nil && slices.Contains(pastLimits, p.wants[i].Rule)
		p.big = p.big || past
		if p.wants[i].End == model.Open || past {
			p.must = false
		}
		p.most = max(p.most, len(p.wants[i].Messages))
		p.shut = p.shut || p.wants[i].End == model.Closed
	}
	return p
}

// outcomes returns what the model makes of the bytes, and all outcomes that the RFC
// leaves: that lengths are in the shortest form is the sender's to see to, and text
// may be looked at when the message is complete. With permessage-deflate see
// compressedOutcomes.
func outcomes(b []byte, deflate *model.Deflate) (want model.Outcome, all []model.Outcome) {
	if deflate != nil {
		return compressedOutcomes(b, *deflate)
	}
	limits := model.Limits{Frame: noLimit, Message: noLimit}
	want = model.Read(model.Server, limits, b)
	all = append(all, want)
	open := map[model.Rule]model.Rule{model.LengthNotMinimal: model.LengthNotMinimal, model.TextNotUTF8: model.TextNotUTF8FailFast}
	var off []model.Rule
	for next := want; ; all = append(all, next) {
		rule, ok := open[next.Rule]
		if !ok || next.End != model.Failed {
			break
		}
		off = append(off, rule)
		delete(open, next.Rule)
		next = model.ReadWithout(model.Server, limits, b, off...)
	}
	// Text that is looked at late, in a transcript with a length that is not.
	if len(off) == 2 {
		all = append(all, model.ReadWithout(model.Server, limits, b, off[1]))
	}
	return want, all
}

// closes says whether the transcript ends with a valid Close.
func (p *plan) closes() bool { return p.want.End == model.Closed }

// breaks is the rule that the transcript breaks, "" if it breaks none.
func (p *plan) breaks() model.Rule {
	if p.want.End == model.Failed {
		return p.want.Rule
	}
	return ""
}

// closeBroken says whether what is broken is a Close: its answer says less than a
// message or a pong.
func (p *plan) closeBroken() bool {
	return p.want.End == model.Failed && p.last != nil && p.last.Frame.Opcode == wire.Close
}

// inside says whether the transcript ends inside a frame, so that what is sent behind it may
// be read as the rest of that.
func (p *plan) inside() bool { return len(p.spans) > 0 && p.spans[len(p.spans)-1].Cut }

// behind says whether anything comes behind the last frame.
func (p *plan) behind() bool { return p.last != nil && p.last.End < len(p.b) }

// chunks are the sizes of the first TCP writes of a transcript, by turns; none: one
// write. They follow from its length, so that the bytes alone are a transcript.
func chunks(b []byte) []int { return input.ReadSizes[(len(b)+1)&7] }

package wirefuzz

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"

	"github.com/wsproof/wsproof/fuzz/input"
	"github.com/wsproof/wsproof/internal/model"
	"github.com/wsproof/wsproof/internal/wire"
)

// judge holds an answer against what RFC 6455 leaves.
func judge(p *plan, a *answer) []sighting {
	j := &judgement{p: p, a: a, owed: p.want.Messages}
	j.frames()
	if j.echoes(); a.part == calmly {
		j.refusal()
		return j.list
	}
	j.ending()
	return j.list
}

type judgement struct {
	p    *plan
	a    *answer
	list []sighting
	owed []model.Message // that the echoes are compared with
	// ambiguous says that a message came that may have come for more than one reason.
	ambiguous bool
}

func (j *judgement) add(s sighting) { j.list = append(j.list, s) }

// frames judges what the server sent as such.
func (j *judgement) frames() {
	for _, f := range j.a.faults {
		level := Finding
		rule := f.rule
		if rule == "" {
			rule = FrameWhole
			if j.a.part != calmly {
				level = Note
			}
		}
		j.add(sighting{Level: level, Rule: rule, Kind: Sends, Why: "the server " + f.what, timed: rule == FrameWhole})
	}
	if j.a.behind > 0 {
		j.add(sighting{Level: Finding, Rule: NothingBehind, Kind: Sends, Why: fmt.Sprintf("the server sent %s behind its own Close", plural(j.a.behind, "data frame"))})
	}
	if j.a.after > 0 {
		j.add(sighting{Level: Note, Rule: NothingBehind, Kind: Sends, Why: fmt.Sprintf("the server sent %s behind its own Close, where the rule forbids data frames", plural(j.a.after, "control frame"))})
	}
}

// echoes judges the messages and pongs that came.
func (j *judgement) echoes() {
	p, a := j.p, j.a
	switch {
	case slices.ContainsFunc(p.wants, func(want model.Outcome) bool { return begins(a.messages, want.Messages) }):
	case p.deflate != nil && j.finalEnds():
		j.add(sighting{Level: Finding, Rule: model.FinalGoesOn, Kind: Alters, Why: "the server took the first final block of a message for its end: what stands behind that did not come back"})
	default:
		j.messages()
	}
	switch {
	case a.closesByItself(), j.breach() == "", j.has(Accepts), j.has(Invents), j.has(Alters), j.has(Loses):
	case !a.goesOn && !j.ponged(false):
	case j.sender() != "" && !j.ponged(true):
		j.add(sighting{Level: Note, Rule: j.sender(), Kind: PassesOver, Why: "the server passed over it: it answered a ping behind that", timed: true})
	case a.goesOn:
		j.accepts("the server goes on: it answered a ping behind that")
	default:
		j.accepts("the server answered a ping that breaks the rule, or stands behind what does")
	}
}

// messages judges messages that come by no reading of the transcript. It compares with
// the one by which most come.
func (j *judgement) messages() {
	p, a := j.p, j.a
	for i := range p.wants {
		if len(p.wants[i].Messages) > len(j.owed) {
			j.owed = p.wants[i].Messages
		}
	}
	i := 0
	for i < len(j.owed) && i < len(a.messages) && same(a.messages[i], j.owed[i]) {
		i++
	}
	if i == len(a.messages) {
		return // by another reading, it would be less: not by this one
	}
	got := a.messages[i]
	fragment, joined := j.fragment(got)
	switch {
	case fragment && (joined || !p.whole):
		// A fragment that came back, or what was taken as its end: others tell.
		j.ambiguous = true
	case fragment && (i >= len(j.owed) || !bytes.Equal(got.Payload, j.owed[i].Payload)):
		j.add(j.weigh(sighting{Rule: model.FragmentsJoined, Kind: Invents, Why: fmt.Sprintf("echo %d is %v, which is a fragment of a message", i+1, got)}))
	case i < len(j.owed):
		j.altered(i, got)
	case j.passedOver():
		j.add(sighting{Level: Note, Rule: j.sender(), Kind: PassesOver, Why: fmt.Sprintf("the server passed over it: echo %d is %v, which comes behind that", i+1, got)})
	case j.breach() != "":
		j.accepts(fmt.Sprintf("echo %d is %v, which stands behind what breaks the rule, or is it", i+1, got))
	case p.shut:
		j.add(sighting{Level: Note, Rule: model.CloseEnds, Kind: Accepts, Why: fmt.Sprintf("a message behind the peer's Close came back: %v", got)})
	case !p.whole:
		j.add(j.weigh(sighting{Rule: MessageReceived, Kind: Invents, What: "out of a frame cut short", Why: fmt.Sprintf("echo %d is %v, out of a frame that TCP's end cut short", i+1, got)}))
	default:
		j.add(j.weigh(sighting{Rule: MessageReceived, Kind: Invents, Why: fmt.Sprintf("echo %d is %v, which nobody sent", i+1, got)}))
	}
}

// weigh makes a finding of a sighting, unless a frame before it has a length in a form
// that it must not have, or is no DEFLATE: what a server makes of that, no rule says.
func (j *judgement) weigh(s sighting) sighting {
	s.Level = Finding
	if j.p.breaks() == model.LengthNotMinimal || slices.Contains(unsaid, j.p.breaks()) {
		s.Level = Note
	}
	return s
}

// closesByItself says whether the server has ended the connection, be it late.
func (a *answer) closesByItself() bool { return a.end != stillOpen || len(a.codes) > 0 }

// ponged says whether a pong came for a ping that breaks a rule, or also for one behind
// that, by all readings.
func (j *judgement) ponged(itself bool) bool {
	if j.p.last == nil {
		return false
	}
	for _, pong := range j.a.pongs {
		if len(pong) == 0 || slices.ContainsFunc(j.p.wants, func(want model.Outcome) bool {
			return slices.ContainsFunc(want.Pongs, func(owed []byte) bool { return bytes.Equal(owed, pong) })
		}) {
			continue
		}
		for i := range j.p.spans {
			s := &j.p.spans[i]
			if (s == j.p.last || s.Start > j.p.last.Start && !itself) && s.Frame.Opcode == wire.Ping && bytes.Equal(s.Frame.Payload, pong) {
				return true
			}
		}
	}
	return false
}

func (j *judgement) has(kind Kind) bool {
	return slices.ContainsFunc(j.list, func(s sighting) bool { return s.Kind == kind })
}

// senders are rules that say what may be sent, and not what is to be done with what
// breaks them: a server that passes over it has delivered nothing that is wrong.
var senders = []model.Rule{model.ControlFrameTooLarge, model.ControlFrameFragmented, model.ContinuationUnexpected, model.ContinuationExpected}

// sender is such a rule that is broken by one of the readings, "" if there is none.
func (j *judgement) sender() model.Rule {
	for _, want := range j.p.wants {
		if want.End == model.Failed && slices.Contains(senders, want.Rule) {
			return want.Rule
		}
	}
	return ""
}

// passedOver says whether the messages are those that come without the frame that
// breaks such a rule.
func (j *judgement) passedOver() bool {
	p := j.p
	if p.last == nil || j.sender() == "" {
		return false
	}
	without := slices.Concat(p.b[:p.last.Start], p.b[p.last.End:])
	limits := model.Limits{Frame: noLimit, Message: noLimit}
	if d := p.deflate; d != nil {
		return begins(j.a.messages, model.ReadCompressed(model.Server, limits, *d, without, model.LengthNotMinimal).Messages)
	}
	return begins(j.a.messages, model.ReadWithout(model.Server, limits, without, model.LengthNotMinimal).Messages)
}

// accepts adds that the server took what the rule forbids.
func (j *judgement) accepts(why string) {
	j.add(j.weigh(sighting{Rule: j.breach(), Kind: Accepts, Why: why, timed: j.a.goesOn}))
}

// breach is the rule that the server has broken if it took what it should not: not one
// that binds the sender alone, nor the model's bound on lengths. Of the readings, it is
// that which goes furthest: by the others nothing has to be wrong before.
func (j *judgement) breach() (rule model.Rule) {
	furthest := -1
	for _, want := range j.p.wants {
		switch {
		case want.End != model.Failed || slices.Contains(pastLimits, want.Rule):
			return ""
		case want.Rule != model.LengthNotMinimal && want.Offset > furthest:
			rule, furthest = want.Rule, want.Offset
		}
	}
	return rule
}

// fragment says whether a message is what a fragment has, of a message that is not at
// its end before the last frame, and whether it is as well what they have together with
// what comes then.
func (j *judgement) fragment(m model.Message) (fragment, joined bool) {
	var all []byte
	for i := range j.p.spans {
		s := &j.p.spans[i]
		behind := j.p.last != nil && s.Start >= j.p.last.Start
		if s.Frame.Opcode&8 != 0 || s.Cut {
			continue
		}
		if !behind && (!s.Frame.Fin || s.Frame.Opcode == wire.Continuation) && bytes.Equal(s.Frame.Payload, m.Payload) {
			fragment = true
		}
		if s.Frame.Opcode != wire.Continuation {
			all = nil
		}
		all = append(all, s.Frame.Payload...)
		if behind && bytes.Equal(m.Payload, all) {
			joined = true
		}
	}
	return fragment, joined
}

func same(a, b model.Message) bool { return a.Binary == b.Binary && bytes.Equal(a.Payload, b.Payload) }

// begins says whether list begins with got.
func begins(got, list []model.Message) bool {
	return len(got) <= len(list) && slices.EqualFunc(got, list[:len(got)], same)
}

// altered judges an echo that is another one than is owed: a message may have been
// lost before it.
func (j *judgement) altered(i int, got model.Message) {
	want := j.owed
	if k := slices.IndexFunc(want[i+1:], func(m model.Message) bool { return same(m, got) }); k >= 0 {
		if slices.ContainsFunc(j.a.messages[i:], func(m model.Message) bool { return same(m, want[i]) }) {
			j.add(sighting{Level: Note, Rule: MessageReceived, Kind: Reorders, Why: fmt.Sprintf("message %d, %v, came back behind message %d", i+1, want[i], i+k+2)})
			return
		}
		j.add(j.weigh(sighting{Rule: MessageReceived, Kind: Loses, What: j.described(i), Why: fmt.Sprintf("message %d, %v, did not come back; message %d did", i+1, want[i], i+k+2), timed: true}))
		return
	}
	what := "the payload"
	if got.Binary != want[i].Binary {
		what = "the opcode"
	}
	j.add(j.weigh(sighting{Rule: MessageReceived, Kind: Alters, What: what, Why: fmt.Sprintf("echo %d is %v, where %v was sent: %s", i+1, got, want[i], input.Differ(got.Payload, want[i].Payload))}))
}

const fragmented = "a message in fragments"

// described says of which sort the i-th message owed is, for groups.
func (j *judgement) described(i int) string {
	n, fragments := 0, 0
	for k := range j.p.spans {
		s := &j.p.spans[k]
		if s.Frame.Opcode&8 != 0 {
			continue
		}
		fragments++
		if !s.Frame.Fin {
			continue
		}
		if n == i {
			break
		}
		n, fragments = n+1, 0
	}
	switch {
	case len(j.owed[i].Payload) == 0:
		return "an empty message"
	case fragments > 1:
		return fragmented
	}
	return "a message"
}

// refusal judges that not all came that was owed for what was in order.
func (j *judgement) refusal() {
	p, a := j.p, j.a
	missing := len(p.want.Messages) - len(a.messages)
	what := "a ping"
	if missing > 0 {
		what = j.described(len(a.messages))
	}
	switch {
	case j.has(Alters) || j.has(Loses) || j.has(Invents):
	case len(a.codes) > 0 && a.codes[0] == 1009:
		j.add(sighting{Level: Note, Rule: model.MessageTooLarge, Kind: Limit, Why: fmt.Sprintf("the server closed with 1009 at a transcript of %s", plural(len(p.b), "byte"))})
	case p.big && a.closesByItself():
		// It may have a limit, and no word for it.
	case p.crowded && a.closesByItself():
		j.add(sighting{Level: Note, Rule: MessageReceived, Kind: Limit, What: "a crowd of frames", Why: fmt.Sprintf("the server ended the connection at a transcript of %s: it may have a limit on how many it takes at once", plural(len(p.spans), "frame"))})
	case len(a.codes) > 0:
		j.add(sighting{Level: Finding, Rule: MessageReceived, Kind: Refuses, What: what, Why: fmt.Sprintf("the server closed with %s, where nothing was wrong", a.closeText()), timed: a.codes[0] >= 1008 || a.codes[0] == 1001})
	case a.end != stillOpen:
		j.add(sighting{Level: Finding, Rule: MessageReceived, Kind: Refuses, What: what, Why: "the server " + a.endText() + ", where nothing was wrong", timed: true})
	case missing > 0:
		j.add(sighting{Level: Finding, Rule: MessageReceived, Kind: Loses, What: what, Why: fmt.Sprintf("message %d, %v, did not come back", len(a.messages)+1, p.want.Messages[len(a.messages)]), timed: true})
	default:
		owed := p.want.Pongs
		which := "a ping"
		if len(owed) > 1 {
			which = "the last of several pings"
		}
		j.add(sighting{Level: Finding, Rule: model.PingAnswered, Kind: Loses, What: which, Why: fmt.Sprintf("of %s, the last one, %x, was not answered: %s came", plural(len(owed), "ping"), input.Clip(owed[len(owed)-1]), plural(len(a.pongs), "pong")), timed: true})
	}
}

// ending judges the way the connection ended.
func (j *judgement) ending() {
	p, a := j.p, j.a
	took := j.has(Accepts) || j.has(PassesOver) || j.has(Invents) || j.has(Alters) || j.has(Loses)
	switch {
	case took:
	case p.breaks() != "" && len(a.codes) > 0:
		j.code()
	case j.ambiguous, j.has(Reorders):
	case p.must && a.end == stillOpen:
		if p.closeBroken() {
			j.add(sighting{Level: Note, Rule: p.breaks(), Kind: Stays, Why: "the server neither failed the connection nor answered the Close", timed: true})
			break
		}
		j.add(j.weigh(sighting{Rule: cmp.Or(j.breach(), p.breaks()), Kind: Stays, Why: "the server neither failed the connection nor went on", timed: true}))
	case a.part == reacting && p.breaks() == "" && len(a.codes) == 0 && (p.closes() || p.calm == len(p.b)):
		j.unanswered()
	case p.closes() && len(a.codes) > 0:
		limited := p.big && a.codes[0] == 1009 // by what came before the Close
		if want := p.want.Codes; !limited && !slices.Contains(want, a.codes[0]) {
			j.add(sighting{Level: Note, Rule: CloseAnswered, Kind: Code, Why: fmt.Sprintf("the server answered a Close with %d by %s, where the code is typically sent back", p.want.Code, a.closeText())})
		}
	}
	switch {
	case took || a.end != stillOpen:
	case a.part == closing && p.inside():
		j.add(sighting{Level: Note, Rule: TCPClosed, Kind: LeavesOpen, Why: "the server left TCP open when it had sent a Close, and may have taken the client's for the rest of a frame", timed: true})
	case a.part == closing:
		j.add(sighting{Level: Finding, Rule: TCPClosed, Kind: LeavesOpen, Why: "the server left TCP open when both had sent a Close", timed: true})
	case a.part == finishing:
		j.add(sighting{Level: Note, Rule: TCPEnds, Kind: LeavesOpen, Why: "the server left TCP open although the client had ended its side", timed: true})
	}
	if p.breaks() == model.LengthNotMinimal && p.last != nil && !p.last.Cut && len(a.codes) > 0 && slices.Contains(appropriate, a.codes[0]) && len(a.messages) == len(p.want.Messages) && !took {
		j.add(sighting{Level: Note, Rule: model.LengthNotMinimal, Kind: Stricter, Why: "the server refused a length that is not in the shortest form, which the rule forbids the sender alone"})
	}
}

// unanswered judges a Close of ours without an answer.
func (j *judgement) unanswered() {
	p, a := j.p, j.a
	if p.big && p.want.Messages == nil || p.behind() && a.end == reset {
		return // a message that is under way may be past its limit; what it sent may be lost
	}
	s := sighting{Level: Finding, Rule: CloseAnswered, Kind: Unanswered, timed: true}
	switch {
	case a.end == stillOpen:
		s.Why = "the server did not answer the Close"
	default:
		s.Why = "the server " + a.endText() + " without a Close in response"
	}
	if p.big || p.crowded || p.behind() || slices.Contains(registered, p.want.Code) {
		s.Level = Note
	}
	j.add(s)
}

// registered are codes that IANA has, and RFC 6455 has not: a server may know no more than
// its §7.4 does.
var registered = []uint16{1012, 1013, 1014}

// appropriate are the codes for a connection that fails, besides the usual ones.
var appropriate = []uint16{1002, 1003, 1007, 1008, 1009, 1010, 1011}

// code judges the code of the Close by which a connection failed.
func (j *judgement) code() {
	p, a := j.p, j.a
	code := a.codes[0]
	var usual []uint16
	for _, want := range p.wants {
		if want.End != model.Failed || want.Rule == model.LengthNotMinimal && len(p.wants) > 1 || slices.Contains(pastLimits, want.Rule) {
			return // it may be for another reason
		}
		usual = append(usual, want.Codes...)
	}
	switch {
	case slices.Contains(usual, code):
	case p.closeBroken() && !slices.Contains(appropriate, code):
		j.add(sighting{Level: Note, Rule: p.breaks(), Kind: Accepts, Why: fmt.Sprintf("the server answered the Close with %s, as if it was right", a.closeText())})
	case p.big && code == 1009:
	default:
		j.add(sighting{Level: Note, Rule: p.breaks(), Kind: Code, Why: fmt.Sprintf("the server failed the connection with %s, where %s fits; RFC 6455 §7.1.7 asks for an appropriate code", a.closeText(), codeText(usual))})
	}
}

// closeText tells the server's Close.
func (a *answer) closeText() string {
	if len(a.close) < 2 {
		return "a Close without a code"
	}
	s := fmt.Sprint(a.codes[0])
	if reason := a.close[2:]; len(reason) > 0 {
		s += fmt.Sprintf(" %q", input.Clip(reason))
	}
	return s
}

func (a *answer) endText() string {
	if a.end == reset {
		return "dropped TCP"
	}
	return "ended TCP"
}

func codeText(codes []uint16) string {
	codes = slices.Compact(slices.Sorted(slices.Values(codes)))
	s := ""
	for i, c := range codes {
		if i > 0 {
			s += " or "
		}
		s += fmt.Sprint(c)
	}
	return s
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

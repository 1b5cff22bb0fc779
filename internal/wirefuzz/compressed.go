package wirefuzz

import (
	"context"
	"fmt"

	"github.com/wsproof/wsproof/internal/model"
)

// deflateOffer is what is offered, on each connection, where permessage-deflate is to be
// fuzzed. A server that bounds the client's window may say so.
const deflateOffer = "permessage-deflate; client_max_window_bits"

// negotiate sees what the server agrees on.
func (r *run) negotiate(ctx context.Context) error {
	open, cancel := context.WithTimeout(ctx, r.patient().open)
	defer cancel()
	o, err := r.Client.Open(open, deflateOffer)
	if err != nil {
		return &openError{err, false}
	}
	o.Conn.Close()
	if o.Extensions == "" {
		return fmt.Errorf("the server does not agree on permessage-deflate, which was offered as %q: turn it on there, or fuzz it without -compression", deflateOffer)
	}
	d, refusal := model.ReadAnswer([]string{deflateOffer}, []string{o.Extensions})
	if refusal != nil {
		return &openError{fmt.Errorf("the offer %q was answered by %q: %w", deflateOffer, o.Extensions, refusal), false}
	}
	r.deflate, r.agreed = d, o.Extensions
	return nil
}

// plan reads a transcript.
func (r *run) plan(b []byte) *plan { return newPlan(b, r.MaxMessage, r.deflate) }

// leftOpen are rules of which RFC 6455 and RFC 7692 do not say that the receiver holds the
// sender to them, or when. A stream of DEFLATE may be judged when the message is complete,
// a larger window than was agreed on may be had, and a message may end with a final
// block.
var leftOpen = [][]model.Rule{
	{model.LengthNotMinimal},
	{model.TextNotUTF8FailFast},
	{model.DeflateFailFast, model.TextNotUTF8FailFast},
	{model.WindowExceeded},
	{model.WindowExceeded, model.DeflateFailFast, model.TextNotUTF8FailFast},
	{},
	{model.LengthNotMinimal, model.WindowExceeded, model.DeflateFailFast, model.TextNotUTF8FailFast},
}

// mostInflated bounds what the model inflates a message to, in bytes: whether a server
// does, its limits tell.
const mostInflated = 4 << 20

// compressedOutcomes is outcomes with permessage-deflate.
func compressedOutcomes(b []byte, d model.Deflate) (want model.Outcome, all []model.Outcome) {
	limits := model.Limits{Frame: noLimit, Message: mostInflated}
	want = model.ReadCompressed(model.Server, limits, d, b, model.FinalMayEnd) // nothing is owed that may be refused
	all = append(all, want)
	for _, without := range leftOpen {
		all = append(all, model.ReadCompressed(model.Server, limits, d, b, without...))
	}
	return want, all
}

// finalEnds tells whether the messages are those that come where a final block ends its
// message, and not those that come where what is no block is passed over.
func (j *judgement) finalEnds() bool {
	comes := func(off ...model.Rule) bool {
		limits := model.Limits{Frame: noLimit, Message: mostInflated}
		return begins(j.a.messages, model.ReadCompressed(model.Server, limits, *j.p.deflate, j.p.b, off...).Messages)
	}
	return comes(model.FinalGoesOn, model.BlockInvalid) && !comes(model.BlockInvalid)
}

// pastLimits are rules of limits, and where those of a server are is not known.
var pastLimits = []model.Rule{model.FrameTooLarge, model.MessageTooLarge, model.CompressedTooLarge, model.InflatedTooLarge}

// unsaid are rules of which RFC 7692 does not say what becomes of a message that breaks
// them: it is no DEFLATE.
var unsaid = []model.Rule{model.BlockInvalid, model.DistanceTooFar, model.WindowExceeded, model.MessageCut}

// An inflater inflates what the server sends.
type inflater struct {
	deflate *model.Deflate
	window  []byte
	done    bool // what comes behind a payload that is wrong cannot be read
}

// message returns what a compressed message says, and the rule that its payload breaks.
func (f *inflater) message(payload []byte) ([]byte, model.Rule) {
	size := f.deflate.Window(model.Server)
	got := model.Inflate(f.window, payload, size)
	if f.done = got.Rule != ""; f.done {
		return nil, got.Rule
	}
	if f.deflate.Takeover(model.Server) {
		f.window = append(f.window, got.Output...)
		f.window = f.window[max(0, len(f.window)-size):]
	}
	return got.Output, ""
}

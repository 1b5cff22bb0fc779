package conformance

import (
	"fmt"
	"slices"

	"github.com/wsproof/wsproof/internal/wire"
)

// The cases of this project, W.*, are judged by RFC 6455 alone, in three levels.
// FAILED: the peer has broken a MUST. NON-STRICT: it is stricter than the RFC asks,
// or does not what the RFC says it SHOULD do. OK: all else, also where the RFC leaves
// open what is done. A Note says what is remarkable in an OK.

// An End says who ends the connection.
type End int

// The ends.
const (
	AnyEnd   End = iota
	ByTester     // nothing is wrong for the peer: the tester closes
	ByPeer       // the peer fails the connection, by a Close of its own or by TCP's end
)

// noCloseCode stands in Want.Codes for a Close without a code, and for none.
const noCloseCode = 0

// own lists the cases W.*.
func own() []*Case {
	var all []*Case
	for _, group := range [][]*Case{
		masking(), lengthForms(), closeCodes(), closeBodies(), controlFrames(), closingHandshake(), utf8AtOnce(),
		brokenRequests(), rightRequests(), brokenResponses(), rightResponses(), limits(),
	} {
		all = append(all, group...)
	}
	return all
}

// CasesFor are the cases that can be played with a peer of that role: all but those
// W.* that are about the other one.
func CasesFor(peer Role, cases []*Case) []*Case {
	return slices.DeleteFunc(slices.Clone(cases), func(c *Case) bool { return c.Only != "" && c.Only != peer.String() })
}

// want finds the first of the case's outcomes that the connection had.
func (c *Case) want(o *Outcome, received []Event) *Want {
	for i := range c.Want {
		w := &c.Want[i]
		switch {
		case !sameEvents(received, w.Events) && !(c.LatestPong && latestOf(received, w.Events)), w.Unanswered && o.RemoteClosed, w.Gone && o.DroppedByMe, w.End == ByTester && !o.ClosedByMe, w.End == ByPeer && o.ClosedByMe:
			continue
		case w.Codes != nil:
			code := noCloseCode
			if o.RemoteCode != nil {
				code = int(*o.RemoteCode)
			}
			if !slices.Contains(w.Codes, code) {
				continue
			}
		}
		return w
	}
	return nil
}

// latestOf says whether the pongs that came are some of those that were wanted, in
// their order, with the last one.
func latestOf(got, want []Event) bool {
	for i, w := range want {
		switch {
		case len(got) > 0 && got[0].Equal(w):
			got = got[1:]
		case i == len(want)-1:
			return false
		}
	}
	return len(got) == 0
}

// judgeOwn is judge for the cases W.*.
func (r *Result) judgeOwn() {
	c, o, peer := r.Case, &r.Outcome, peerName(r.Role)
	received, own := c.counted(o.Received)
	if own != "" {
		r.Note = sentence("the " + peer + " sent " + own + " of its own, which RFC 6455 5.5.2 and 5.5.3 allow at any time")
	}
	r.Behavior, r.BehaviorClose = Failed, OK
	w := c.want(o, received)
	switch {
	case o.GaveUp != "":
		r.Why = sentence("the run was stopped: " + o.GaveUp)
	case o.Fault != "":
		r.Why = sentence("the tester had to fail the connection, because " + o.Fault)
	case o.AfterClose != "":
		r.Why = sentence("the " + peer + " sent a " + o.AfterClose + " frame behind its own Close (RFC 6455 5.5.1)")
	case w == nil:
		r.Why = sentence(c.unwanted(o, received, peer))
	default:
		r.Behavior = w.Verdict
		if w.Verdict != OK {
			r.Why = sentence("the " + peer + " " + w.Say)
		}
		r.closeOwn(w, peer)
	}
}

// unwanted says what is wrong with an outcome that the case does not have.
func (c *Case) unwanted(o *Outcome, received []Event, peer string) string {
	best := c.Want[0]
	switch {
	case !sameEvents(received, best.Events):
		return difference(received, best.Events, peer)
	case best.End == ByPeer && o.ClosedByMe:
		return fmt.Sprintf("the %s should have failed the connection, but left that to the tester", peer)
	case best.End == ByTester && !o.ClosedByMe:
		return o.ending(peer) + ", where nothing was wrong"
	}
	return o.ending(peer)
}

// closeOwn judges the way the connection ended.
func (r *Result) closeOwn(w *Want, peer string) {
	c, o := r.Case, &r.Outcome
	closing := ""
	switch {
	case w.Dirty:
	case r.Role == ClientRole && o.DroppedByMe && o.RemoteClosed:
		r.BehaviorClose, closing = FailedByClient, "the server left it to the client to close the TCP connection (RFC 6455 7.1.1)"
	case o.ClosedByMe && !o.WasClean:
		r.BehaviorClose, closing = Unclean, "the closing handshake was not completed: "+o.NotClean
	case !o.ClosedByMe && c.Opening == nil && w.End == ByPeer:
		switch {
		case !o.RemoteClosed && c.Rule.Section != "5.1":
			r.note("no Close frame was sent, which RFC 6455 7.1.7 says SHOULD be")
		case o.RemoteCode != nil && len(c.Close.Codes) > 0 && !containsCode(c.Close.Codes, *o.RemoteCode):
			r.note(fmt.Sprintf("the Close has the code %d%s, where %s fits; RFC 6455 7.1.7 asks for an appropriate one", *o.RemoteCode, o.reason(), codeList(c.Close.Codes)))
		}
	}
	switch {
	case closing == "":
	case r.Why == "":
		r.Why = sentence(closing)
	default:
		r.Why = r.Why[:len(r.Why)-1] + "; and " + closing + "."
	}
}

func (r *Result) note(s string) {
	if r.Note != "" {
		r.Note += " "
	}
	r.Note += sentence(s)
}

// frameName is what AfterClose calls a frame.
func frameName(f *wire.Frame) string { return opcodeName(f.Opcode) }

package conformance

import (
	"fmt"
	"strings"
	"time"
)

// A Result is one case played with one peer.
type Result struct {
	Case     *Case
	Agent    string // the peer's name
	Number   int    // of the case in this run, from 1
	Role     Role   // the tester's
	Behavior Verdict
	// BehaviorClose is the verdict on the way the connection ended.
	BehaviorClose Verdict
	// Why says in one sentence why the case was not passed; empty if it was OK.
	Why string
	// Note says what of the peer's doing was left out of account, and what the
	// original suite makes of it; empty if there was nothing of the kind.
	Note string
	// Earlier is the verdict, and its reason, of the case as it was played at
	// first, among others, where playing it again with patience gave another one.
	Earlier string
	// Skipped says why the case has no verdict of its own, as the peer takes no
	// message that long or is to be sent none.
	Skipped  string
	Outcome  Outcome
	Started  time.Time
	Duration time.Duration
	Log      []LogEntry
	Request  string // the HTTP request of the opening handshake
	Response string
	// Opening is why there was no connection, if there was none.
	Opening string
	sure    bool // see certain
	byRFC   bool // see Tester.ByRFC
	// Again is the command that plays the case again, for the report; optional.
	Again string
}

// Passed says whether neither verdict is a failure.
func (r *Result) Passed() bool { return Passed(r.Behavior, r.BehaviorClose) }

// Verdict is both verdicts in one word or two: see JoinVerdicts.
func (r *Result) Verdict() string { return JoinVerdicts(r.Behavior, r.BehaviorClose) }

// JoinVerdicts writes behavior, and after a slash closing where it says more:
// "OK", "OK/UNCLEAN", "NON-STRICT" (with an OK close), "FAILED" (both),
// "FAILED/OK".
func JoinVerdicts(behavior, closing Verdict) string {
	if behavior == closing || (behavior == NonStrict && closing == OK) {
		return string(behavior)
	}
	return string(behavior) + "/" + string(closing)
}

// judge fills in the verdicts and the reason.
func (r *Result) judge() {
	c, o := r.Case, &r.Outcome
	if r.Opening != "" {
		r.Behavior, r.BehaviorClose = Failed, Failed
		r.Why = "There was no connection: " + r.Opening + "."
		return
	}
	if c.Own() {
		r.judgeOwn()
		return
	}
	peer := peerName(r.Role)
	var why, whyClose string
	r.Behavior, why = c.behavior(o, peer)
	r.BehaviorClose, whyClose = c.behaviorClose(o, peer, r.Role)
	if c.Close.WrongSideFatal && c.Close.ByTester != o.ClosedByMe {
		r.Behavior = Failed
	}
	if c.Close.WrongCodeFatal && r.BehaviorClose == WrongCode {
		r.Behavior = Failed
	}
	if c.Frames > 0 && o.FramesSent < c.Frames {
		r.Behavior, why = Failed, fmt.Sprintf("the tester sent %d frames instead of %d; this is its own fault", o.FramesSent, c.Frames)
	}
	if o.GaveUp != "" {
		r.Behavior, r.BehaviorClose, why = Failed, Failed, "the run was stopped: "+o.GaveUp
	}
	if c.Info {
		r.Behavior, r.BehaviorClose = Informational, Informational
	}
	// The peer's own fault explains everything that follows from it.
	if o.Fault != "" && !c.Info {
		why = "the tester had to fail the connection, because " + o.Fault
		if r.BehaviorClose != WrongCode {
			whyClose = ""
		}
	}
	if r.BehaviorClose == WrongCode && o.FailedByClose && o.LocalCode != nil && o.RemoteCode != nil && *o.LocalCode == *o.RemoteCode {
		whyClose = "" // the peer only repeats what the tester said
	}
	if _, own := c.counted(o.Received); own != "" {
		r.Note = sentence("the " + peer + " sent " + own + " of its own, which RFC 6455 5.5.2 and 5.5.3 allow at any time; the original suite counts that as a failure where it waits for events")
	}
	if r.byRFC && r.onlyTheCode(peer) {
		r.Behavior, r.BehaviorClose, why = NonStrict, OK, whyClose+"; RFC 6455 7.1.7 asks for an appropriate code only; the original suite says "+r.Verdict()
		r.sure = true
	}
	switch {
	case r.Behavior == OK && r.BehaviorClose == OK:
	case why != "" && whyClose != "" && r.BehaviorClose != OK:
		r.Why = sentence(why + "; and " + whyClose)
	case why != "":
		r.Why = sentence(why)
	default:
		r.Why = sentence(whyClose)
	}
}

// onlyTheCode says whether nothing is wrong but the code of the peer's Close, which is
// one that may be sent: RFC 6455 7.1.7 asks for an appropriate one, and binds who sends
// a code that must not be sent, not who receives it.
func (r *Result) onlyTheCode(peer string) bool {
	o := &r.Outcome
	if r.BehaviorClose != WrongCode || o.RemoteCode == nil || o.Fault != "" || o.GaveUp != "" {
		return false
	}
	if behavior, _ := r.Case.behavior(o, peer); behavior == Failed {
		return false
	}
	code := *o.RemoteCode
	return code >= 1000 && code <= 1003 || code >= 1007 && code <= 1014 || code >= 3000 && code <= 4999
}

func sentence(s string) string {
	if s == "" {
		return ""
	}
	return strings.ToUpper(s[:1]) + s[1:] + "."
}

// behavior judges the events.
func (c *Case) behavior(o *Outcome, peer string) (Verdict, string) {
	if e := c.Echo; e != nil {
		return o.echo(e.Trips, e.Within, peer)
	}
	if d := c.Deflate; d != nil {
		if o.Declined != "" {
			return Unimplemented, o.Declined
		}
		v, why := o.echo(d.Count, d.Within, peer)
		if v == OK && o.Lax != "" {
			return NonStrict, o.Lax
		}
		return v, why
	}
	received, _ := c.counted(o.Received)
	for _, w := range c.Want {
		if sameEvents(received, w.Events) {
			if w.Verdict == OK {
				return OK, ""
			}
			return w.Verdict, nonStrict(received, c.Want[0].Events, peer)
		}
	}
	if how, allowed := c.otherPongs(received, c.Want[0].Events); allowed {
		return NonStrict, fmt.Sprintf("the %s %s, which RFC 6455 5.5.3 allows; the original suite says FAILED", peer, how)
	}
	return Failed, difference(received, c.Want[0].Events, peer)
}

// echo judges what came back of so many messages.
func (o *Outcome) echo(trips int, within time.Duration, peer string) (Verdict, string) {
	switch {
	case o.EchoFault != "":
		return Failed, o.EchoFault
	case o.Echoed == trips:
		return OK, ""
	}
	how := fmt.Sprintf("within %v", within)
	if !o.ClosedByMe {
		how = "before " + o.ending(peer)
	}
	if trips == 1 {
		return Failed, "the message did not come back " + how
	}
	return Failed, fmt.Sprintf("only %d of %d messages came back %s", o.Echoed, trips, how)
}

// nonStrict says what keeps an allowed outcome from being the best one.
func nonStrict(got, best []Event, peer string) string {
	if len(got) > len(best) {
		return fmt.Sprintf("the %s failed the connection only after wait %s; it could have seen the fault before", peer, got[len(best)].Tag)
	}
	return fmt.Sprintf("the %s failed the connection without %s, which was due before", peer, best[len(got)])
}

// difference names the first event that is not as it should be.
func difference(got, want []Event, peer string) string {
	for i := range max(len(got), len(want)) {
		switch {
		case i >= len(want):
			nothing := "nothing"
			if i > 0 {
				nothing = "nothing more"
			}
			if got[i].Kind == WaitPassed {
				return fmt.Sprintf("the %s should have failed the connection, but it was still open after wait %s", peer, got[i].Tag)
			}
			return fmt.Sprintf("%s was to come from the %s, but %s did", nothing, peer, got[i])
		case i >= len(got):
			return fmt.Sprintf("%s was to come from the %s and did not", want[i], peer)
		case !got[i].Equal(want[i]):
			return fmt.Sprintf("%s was to come from the %s, but %s came", want[i], peer, got[i])
		}
	}
	return ""
}

// behaviorClose judges the end of the connection.
func (c *Case) behaviorClose(o *Outcome, peer string, role Role) (Verdict, string) {
	switch {
	case c.Close.ByTester != o.ClosedByMe:
		switch {
		case o.ClosedByMe:
			return Failed, fmt.Sprintf("the %s should have failed the connection, but left that to the tester", peer)
		}
		return Failed, o.ending(peer) + ", where the tester was to close"
	case c.Close.Clean && !o.WasClean:
		return Unclean, "the closing handshake was not completed: " + o.NotClean
	case o.RemoteCode != nil && !containsCode(c.Close.Codes, *o.RemoteCode):
		return WrongCode, fmt.Sprintf("the Close of the %s has the code %d%s; allowed here: %s, or none", peer, *o.RemoteCode, o.reason(), codeList(c.Close.Codes))
	case role == ClientRole && o.DroppedByMe:
		return FailedByClient, "the server left it to the client to close the TCP connection"
	}
	return OK, ""
}

// ending says how the peer ended the connection: "the server sent a Close 1009
// (too long)".
func (o *Outcome) ending(peer string) string {
	switch {
	case !o.RemoteClosed:
		return "the " + peer + " closed the TCP connection"
	case o.RemoteCode == nil:
		return "the " + peer + " sent a Close without a code"
	}
	return fmt.Sprintf("the %s sent a Close %d%s", peer, *o.RemoteCode, o.reason())
}

// reason is the reason of the peer's Close, as it stands behind the code.
func (o *Outcome) reason() string {
	if o.RemoteReason == "" {
		return ""
	}
	return " (" + show([]byte(o.RemoteReason), len(o.RemoteReason)) + ")"
}

func containsCode(codes []uint16, code uint16) bool {
	for _, c := range codes {
		if c == code {
			return true
		}
	}
	return false
}

func codeList(codes []uint16) string {
	var parts []string
	seen := map[uint16]bool{}
	for _, c := range codes {
		if !seen[c] {
			seen[c] = true
			parts = append(parts, fmt.Sprint(c))
		}
	}
	return strings.Join(parts, ", ")
}

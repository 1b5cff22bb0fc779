package conformance

import "fmt"

// movesMuch says whether the case keeps the peer busy for long.
func (c *Case) movesMuch() bool { return c.Echo != nil || c.Deflate != nil }

// longest is the longest message of the case's steps, in octets, and the most
// fragments of one.
func (c *Case) longest() (length, fragments int) {
	if d := c.Deflate; d != nil {
		return d.Length, 1
	}
	open := 0 // fragments of the message under way
	sum := 0
	for _, s := range c.Steps {
		n, parts := 0, 0
		switch s := s.(type) {
		case Frame:
			if s.Opcode >= 8 {
				continue
			}
			if s.Opcode != 0 {
				open, sum = 0, 0
			}
			open, sum = open+1, sum+s.Payload.Len()
			n, parts = sum, open
		case Message:
			n, parts = s.Payload.Len(), 1
			if s.Fragment > 0 {
				parts = (n + s.Fragment - 1) / s.Fragment
			}
		}
		length, fragments = max(length, n), max(fragments, parts)
	}
	return length, fragments
}

// The Close codes by which a peer says that it takes no message of that kind
// (RFC 6455 §7.4.1).
const (
	codePolicy = 1008
	codeTooBig = 1009
)

// leastLimit is the longest message, in octets, that every peer is held to take.
const leastLimit = 4 << 10

// refusedAsTooBig says whether the peer ended the case by saying that it takes no
// message of that length, or of so many fragments.
func (r *Result) refusedAsTooBig() bool {
	o := &r.Outcome
	length, fragments := r.Case.longest()
	return r.Behavior == Failed && r.Case.Close.ByTester && !o.ClosedByMe && o.RemoteCode != nil &&
		(*o.RemoteCode == codeTooBig || *o.RemoteCode == codePolicy) && (length > leastLimit || fragments > leastLimit)
}

// SkipTooBig gives the verdict UNIMPLEMENTED to the cases whose messages the peer
// has refused as too long for it, by a Close with 1009 or 1008, where it has
// taken none that is as long in any other case: RFC 6455 §10.4 lets a peer have
// such limits. The original suite says FAILED.
func SkipTooBig(results []*Result) {
	var length, fragments int // the most that came back
	for _, r := range results {
		if r != nil && r.Passed() && r.Behavior == OK && r.Case.Close.ByTester {
			l, f := r.Case.longest()
			length, fragments = max(length, l), max(fragments, f)
		}
	}
	for _, r := range results {
		if r == nil || !r.refusedAsTooBig() {
			continue
		}
		l, f := r.Case.longest()
		what := "a message of " + humanSize(l)
		switch {
		case l > length && f <= fragments:
		case f > fragments:
			what = fmt.Sprintf("a message in %d fragments", f)
		default:
			continue
		}
		peer := peerName(r.Role)
		r.Skipped = sentence(fmt.Sprintf("the %s does not take %s: %s; RFC 6455 10.4 allows such a limit, the original suite says FAILED", peer, what, r.Outcome.ending(peer)))
		r.Behavior, r.BehaviorClose, r.Why = Unimplemented, Unimplemented, r.Skipped
	}
}

// tooBig is the result of a case that is not played, as its messages are longer
// than the caller allows.
func (c *Case) tooBig(agent string, number int, role Role, most int) *Result {
	length, _ := c.longest()
	r := &Result{Case: c, Agent: agent, Number: number, Role: role, Behavior: Unimplemented, BehaviorClose: Unimplemented}
	r.Skipped = fmt.Sprintf("Not played: its message has %d octets, and the longest that is to be sent has %d.", length, most)
	r.Why = r.Skipped
	return r
}

// peerName is what is tested where the tester has that role.
func peerName(tester Role) string {
	if tester == ServerRole {
		return "client"
	}
	return "server"
}

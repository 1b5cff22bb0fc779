package conformance

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A Verdict is the judgement of one case, in the words of the original suite.
type Verdict string

// The verdicts. Behavior is one of OK, NonStrict, Informational, Unimplemented
// and Failed; BehaviorClose one of OK, WrongCode, Unclean, FailedByClient,
// Informational, Unimplemented and Failed.
const (
	OK             Verdict = "OK"
	NonStrict      Verdict = "NON-STRICT"
	Informational  Verdict = "INFORMATIONAL"
	Unimplemented  Verdict = "UNIMPLEMENTED"
	WrongCode      Verdict = "WRONG CODE"
	Unclean        Verdict = "UNCLEAN"
	FailedByClient Verdict = "FAILED BY CLIENT"
	Failed         Verdict = "FAILED"
)

// A Rule is one rule of RFC 6455 in the RFC's own words.
type Rule struct {
	Section  string // "5.5.2"
	Sentence string
}

// A Case is one conversation and what must come of it.
type Case struct {
	ID          string
	Description string // what the tester does
	Expectation string // what a right peer does
	Rule        Rule   // the sentence of the RFC that is enforced
	Steps       []Step // what the tester does, in order
	// Want lists what may have come when the connection is over, best verdict
	// first. Empty for cases with an Echo.
	Want []Want
	// Echo, if set, takes the place of Want: so many messages, each equal to
	// the one sent, must come back before the close.
	Echo *Echo
	// Close says how the connection must end.
	Close CloseRule
	// Info cases are reported and never fail: the RFC leaves the choice open.
	Info bool
	// Deflate, if set, makes this a permessage-deflate case (RFC 7692).
	Deflate *Deflate
	// Only is the role of the peers that the case is for, "server" or "client";
	// empty for both.
	Only string
	// Opening, if set, is the case: Steps are played where it leads to a connection.
	Opening *Opening
	// LatestPong: of several pings it is enough that the last one is answered, as
	// RFC 6455 §5.5.3 has it.
	LatestPong bool
	// Frames is the number of frames that Steps must put on the wire, where the
	// case is about that number; otherwise 0. It checks the tester itself.
	Frames int
}

// A Want is one acceptable list of events and the verdict that it earns.
type Want struct {
	Verdict Verdict
	Events  []Event
	// The rest is of the cases W.*: who ends the connection, the codes of the peer's
	// Close (nil: any), that no Close came, that the peer ended TCP, what is said of the
	// verdict, and that the end of the connection is not judged.
	End        End
	Codes      []int
	Unanswered bool
	Gone       bool
	Say        string
	Dirty      bool
}

// An Echo is the expectation of a mass case: the message of the case's Steps
// comes back; with Trips it is sent so many times, each after the echo of the
// one before.
type Echo struct {
	Binary  bool
	Payload Payload
	Trips   int
	Within  time.Duration
}

// A CloseRule says how the connection of a case must end.
type CloseRule struct {
	// ByTester: the tester starts the closing handshake; otherwise the peer.
	ByTester bool
	// Codes are the status codes allowed in the peer's Close. A Close without
	// code, and no Close at all, are fine, unless Clean. When ByTester, the
	// tester's own Close has the first one.
	Codes []uint16
	// Clean: a full closing handshake must have taken place.
	Clean bool
	// WrongSideFatal: Behavior is Failed too when the wrong side closed.
	WrongSideFatal bool
	// WrongCodeFatal: Behavior is Failed too when the code is wrong.
	WrongCodeFatal bool
}

// Section is the id's first number, 0 for W.*.
func (c *Case) Section() int {
	n, _ := strconv.Atoi(c.ID[:strings.IndexByte(c.ID, '.')])
	return n
}

// Own says whether the case is one of this project's, W.*, not of the original
// suite.
func (c *Case) Own() bool { return strings.HasPrefix(c.ID, "W.") }

// Group is the id without its last number, or the section where the id has
// only two: "6.4" for 6.4.1, "2" for 2.3.
func (c *Case) Group() string { return c.ID[:strings.LastIndexByte(c.ID, '.')] }

// Catalogue lists all cases in the original's order: 301 of sections 1 to 10,
// then 216 of sections 12 and 13, and behind them this project's own, W.*.
func Catalogue() []*Case {
	var all []*Case
	for _, section := range [][]*Case{
		framing(), pings(), reservedBits(), opcodes(), fragmentation(), utf8Handling(),
		closeHandling(), mass(), autoFragmentation(), compression(), own(),
	} {
		all = append(all, section...)
	}
	return all
}

// DefaultCases selects the cases that need no extension.
const DefaultCases = "1.*,2.*,3.*,4.*,5.*,6.*,7.*,9.*,10.*"

// Select returns the cases that a comma-separated list of patterns names, in
// the catalogue's order: "5.7" is one case, "6.12.*" (or "6.12") a group, "*"
// all of the original suite's, "W.*" this project's own, "-9.7.*" takes a group away again. It is an error if a pattern
// names no case.
func Select(patterns string) ([]*Case, error) {
	all := Catalogue()
	if strings.TrimSpace(patterns) == "" {
		patterns = DefaultCases
	}
	chosen := make(map[string]bool)
	for i, p := range strings.Split(patterns, ",") {
		p = strings.TrimSpace(p)
		if p == "" {
			continue
		}
		pattern, drop := strings.CutPrefix(p, "-")
		if drop && i == 0 {
			for _, c := range all {
				chosen[c.ID] = c.Section() < 12 && !c.Own()
			}
		}
		found := false
		for _, c := range all {
			if matches(pattern, c.ID) {
				found = true
				chosen[c.ID] = !drop
			}
		}
		if !found {
			return nil, fmt.Errorf("no case matches %q: ids look like 5.7, 6.12.* or *", p)
		}
	}
	var picked []*Case
	for _, c := range all {
		if chosen[c.ID] {
			picked = append(picked, c)
		}
	}
	if len(picked) == 0 {
		return nil, fmt.Errorf("the patterns %q leave no case", patterns)
	}
	return picked, nil
}

func matches(pattern, id string) bool {
	prefix := strings.TrimSuffix(strings.TrimSuffix(pattern, "*"), ".")
	if prefix == "" {
		return strings.HasSuffix(pattern, "*") && !strings.HasPrefix(id, "W.")
	}
	return id == prefix || strings.HasPrefix(id, prefix+".")
}

// SortedIDs puts ids into the catalogue's order, those that it has not behind.
func SortedIDs(ids []string) []string {
	at := make(map[string]int)
	for i, c := range Catalogue() {
		at[c.ID] = i + 1
	}
	place := func(id string) int {
		if n := at[id]; n > 0 {
			return n
		}
		return len(at) + 1
	}
	slices.SortFunc(ids, func(a, b string) int {
		return cmp.Or(cmp.Compare(place(a), place(b)), strings.Compare(a, b))
	})
	return ids
}

// Passed says whether both verdicts are acceptable: no failure, in behaviour
// or in close. NonStrict counts as passed; Unimplemented too.
func Passed(behavior, closing Verdict) bool {
	ok := func(v Verdict) bool {
		return v == OK || v == NonStrict || v == Informational || v == Unimplemented
	}
	return ok(behavior) && ok(closing)
}

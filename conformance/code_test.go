package conformance

import "testing"

// TestOnlyTheCode has cases that failed by the code alone, and others.
func TestOnlyTheCode(t *testing.T) {
	code := func(n uint16) *uint16 { return &n }
	late := Event{Kind: WaitPassed, Tag: "a"}
	for _, c := range []struct {
		what     string
		received []Event
		fatal    bool
		code     *uint16
		fault    string
		want     string // the verdict by the RFC
		original string
	}{
		{"text that is not UTF-8 is refused by 1002", nil, false, code(1002), "", "NON-STRICT", "OK/WRONG CODE"},
		{"the same later than could be", []Event{late}, false, code(1002), "", "NON-STRICT", "NON-STRICT/WRONG CODE"},
		{"1006 is answered by 1001", nil, true, code(1001), "", "NON-STRICT", "FAILED/WRONG CODE"},
		{"1006 is answered by 1006", nil, true, code(1006), "", "FAILED/WRONG CODE", "FAILED/WRONG CODE"},
		{"5000 is answered by 5000", nil, true, code(5000), "", "FAILED/WRONG CODE", "FAILED/WRONG CODE"},
		{"a reason that is not UTF-8 is echoed", nil, true, code(1000), "a Close whose reason is not UTF-8", "FAILED/WRONG CODE", "FAILED/WRONG CODE"},
		{"an echo too many, and the code is wrong", []Event{text("a")}, false, code(1002), "", "FAILED/WRONG CODE", "FAILED/WRONG CODE"},
		{"the code is right", nil, false, code(1007), "", "OK", "OK"},
	} {
		for _, byRFC := range []bool{true, false} {
			r := &Result{Case: &Case{ID: "6.3.1", Close: CloseRule{Codes: []uint16{1007}, WrongCodeFatal: c.fatal}}, Role: ClientRole, byRFC: byRFC}
			r.Case.Want = []Want{{Verdict: OK}, {Verdict: NonStrict, Events: []Event{late}}}
			r.Outcome = Outcome{Received: c.received, RemoteClosed: true, RemoteCode: c.code, Fault: c.fault, WasClean: true}
			r.judge()
			want := c.original
			if byRFC {
				want = c.want
			}
			if r.Verdict() != want || r.Passed() != (want == "OK" || want == "NON-STRICT") || (r.Why == "") != (want == "OK") {
				t.Errorf("%s, by the RFC: %t: %s (%s), want %s", c.what, byRFC, r.Verdict(), r.Why, want)
			}
		}
	}
}

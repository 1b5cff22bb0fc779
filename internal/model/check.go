package model

import (
	"bytes"
	"fmt"
	"slices"
)

// Check compares what an adapter saw with what the model expects and returns the
// first difference in words, nil if there is none. It demands a Close frame with
// an allowed code wherever the transcript ends with one owed.
func Check(want, got Outcome) error { return check(want, got, true) }

// CheckLoosely is Check for libraries whose manners of closing are not judged:
// that a transcript is refused matters, and the class of the close code if one is
// sent (1002 and 1007 count as one, and so do 1008 and 1009), not whether a
// Close frame is sent at all.
func CheckLoosely(want, got Outcome) error { return check(want, got, false) }

// CheckAny returns nil if got fits one of the outcomes by check ([Check] or
// [CheckLoosely]), else the difference from the first.
func CheckAny(wants []Outcome, got Outcome, check func(want, got Outcome) error) error {
	var first error
	for _, want := range wants {
		err := check(want, got)
		if err == nil {
			return nil
		}
		if first == nil {
			first = err
		}
	}
	return first
}

func check(want, got Outcome, strict bool) error {
	for i, w := range want.Messages {
		if i >= len(got.Messages) {
			return fmt.Errorf("message %d (%v) was not delivered: %d of %d were; it %s, want %s", i+1, w, len(got.Messages), len(want.Messages), got.ending(), want.ending())
		}
		g := got.Messages[i]
		if g.Binary != w.Binary {
			return fmt.Errorf("message %d was delivered as %v, want %v", i+1, g, w)
		}
		if !bytes.Equal(g.Payload, w.Payload) {
			return fmt.Errorf("message %d was delivered with other bytes: %s; got %v, want %v", i+1, differ(g.Payload, w.Payload), g, w)
		}
	}
	if n := len(want.Messages); len(got.Messages) > n {
		return fmt.Errorf("message %d (%v) was delivered, want %d messages; %s", n+1, got.Messages[n], n, want.ending())
	}
	if err := checkPongs(want.Pongs, got.Pongs); err != nil {
		return err
	}
	if got.AfterClose != 0 {
		return fmt.Errorf("%d frames were sent, or messages delivered, after the Close (RFC 6455 §5.5.1)", got.AfterClose)
	}

	early := want.End == Open && want.Rule != "" && got.End == Failed // refused before the frame was complete
	if got.End != want.End && !early {
		return fmt.Errorf("it %s, want: it %s", got.ending(), want.ending())
	}
	if want.End == Closed && (got.Code != want.Code || got.Reason != want.Reason) {
		return fmt.Errorf("the peer's Close was read as %d %q, want %d %q", got.Code, got.Reason, want.Code, want.Reason)
	}
	if want.End == Failed && got.Rule != "" && !same(want.Rule, got.Rule) {
		return fmt.Errorf("it failed by rule %s, want %s", got.Rule, want.Rule)
	}
	if want.End == Failed && got.Offset > want.Offset {
		return fmt.Errorf("the breach of %s was noticed after %d bytes, want after %d at the latest", want.Rule, got.Offset, want.Offset)
	}
	if want.End == Open && !early {
		if strict && len(got.Codes) > 0 {
			return fmt.Errorf("a Close with %s was sent, want none", codes(got.Codes))
		}
		return nil
	}
	if strict && len(got.Codes) != 1 {
		return fmt.Errorf("%d Close frames were sent (%s), want one with %s: it %s", len(got.Codes), codes(got.Codes), codes(want.Codes), want.ending())
	}
	for _, code := range got.Codes {
		if slices.Contains(want.Codes, code) {
			continue
		}
		if !strict && (want.End == Closed || slices.ContainsFunc(want.Codes, func(w uint16) bool { return class(w) == class(code) })) {
			continue
		}
		return fmt.Errorf("a Close with %d was sent, want %s: it %s", code, codes(want.Codes), want.ending())
	}
	return nil
}

// ending says in words how the transcript ended.
func (o Outcome) ending() string {
	switch {
	case o.End == Closed:
		return fmt.Sprintf("was closed by the peer with %d %q", o.Code, o.Reason)
	case o.End == Failed && o.Rule != "":
		return fmt.Sprintf("failed by rule %s with %s at byte %d", o.Rule, codes(o.Codes), o.Offset)
	case o.End == Failed:
		return fmt.Sprintf("failed with %s", codes(o.Codes))
	case o.Rule != "":
		return fmt.Sprintf("stayed open after %d bytes of whole frames, or failed early by rule %s", o.Offset, o.Rule)
	}
	return fmt.Sprintf("stayed open after %d bytes of whole frames", o.Offset)
}

// checkPongs checks that got is a subsequence of the pongs owed that keeps the
// latest: "the endpoint MAY elect to send a Pong frame for only the most
// recently processed Ping frame" (§5.5.3).
func checkPongs(owed, got [][]byte) error {
	if len(owed) > 0 && len(got) == 0 {
		return fmt.Errorf("no pong was sent, want one for the latest of %d pings, %x", len(owed), cut(owed[len(owed)-1]))
	}
	next := 0
	for i, g := range got {
		for next < len(owed) && !bytes.Equal(owed[next], g) {
			next++
		}
		if next == len(owed) {
			return fmt.Errorf("pong %d (%x, %d bytes) answers no ping that was due", i+1, cut(g), len(g))
		}
		next++
	}
	if len(owed) > 0 && !bytes.Equal(owed[len(owed)-1], got[len(got)-1]) {
		return fmt.Errorf("the last pong is %x, want one for the latest ping, %x", cut(got[len(got)-1]), cut(owed[len(owed)-1]))
	}
	return nil
}

// class groups the close codes between which implementations choose.
func class(code uint16) uint16 {
	switch code {
	case 1003, 1007:
		return 1002
	case 1008:
		return 1009
	}
	return code
}

// differ says where two payloads part.
func differ(got, want []byte) string {
	if len(got) != len(want) {
		return fmt.Sprintf("%d bytes, want %d", len(got), len(want))
	}
	for i := range got {
		if got[i] != want[i] {
			return fmt.Sprintf("byte %d is %#02x, want %#02x", i, got[i], want[i])
		}
	}
	return "none"
}

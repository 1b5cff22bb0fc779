package conformance

import (
	"fmt"
	"time"
)

// opcodes is section 4: the opcodes that the RFC reserves.
func opcodes() []*Case {
	var cases []*Case
	for group, first := range []byte{3, 11} {
		kind := []string{"non-control", "control"}[group]
		for i := range 5 {
			opcode := first + byte(i)
			id := fmt.Sprintf("4.%d.%d", group+1, i+1)
			what := fmt.Sprintf("a frame with the reserved %s opcode %d", kind, opcode)
			payload := []string{"", "reserved opcode payload", "", "Hello, world!", "Hello, world!"}[i]
			f := Frame{Opcode: opcode, Fin: true, Payload: octets(payload)}
			if payload == "" {
				what += " and no payload"
			}
			switch i {
			case 0, 1:
				cases = append(cases, &Case{
					ID: id, Description: "A" + what[1:] + ".", Expectation: expectFail, Rule: ruleOpcode,
					Steps: []Step{f, FailAfter{time.Second}}, Want: exactly(), Close: byPeer1002,
				})
			case 2, 3:
				cases = append(cases, between(id, what, "", ruleOpcode, f, 0, false))
			case 4:
				cases = append(cases, between(id, what, ", in TCP writes of one octet", ruleOpcode, f, 1, false))
			}
		}
	}
	return cases
}

package conformance

import (
	"fmt"
	"time"

	"github.com/wsproof/wsproof/internal/wire"
)

// mass is section 9: long messages, many fragments, small writes, and many
// messages in turn.
func mass() []*Case {
	kinds := []struct {
		name   string
		binary bool
		opcode byte
		unit   string
		star   string
	}{
		{"text", false, wire.Text, "BAsd7&jh23", "*"},
		{"binary", true, wire.Binary, "\x00\xfe\x23\xfa\xf0", "\xfe"},
	}
	var cases []*Case
	add := func(c *Case, binary bool, p Payload, trips int, within time.Duration) {
		c.Echo = &Echo{Binary: binary, Payload: p, Trips: trips, Within: within}
		c.Close = byTester
		c.Expectation = fmt.Sprintf("The message comes back, equal in kind and octets, within %v; then the closing handshake that the tester starts is completed.", within)
		if trips > 1 {
			c.Expectation = fmt.Sprintf("All %d messages come back, each before the next is sent, equal in kind and octets, within %v in all; then the closing handshake that the tester starts is completed.", trips, within)
		}
		cases = append(cases, c)
	}
	// 9.1 and 9.2: one frame.
	for k, kind := range kinds {
		for i, size := range []int{64 << 10, 256 << 10, 1 << 20, 4 << 20, 8 << 20, 16 << 20} {
			within := 100 * time.Second
			if i < 2 || (kind.binary && i < 4) {
				within = 10 * time.Second
			}
			p := repeated(kind.unit, size)
			add(&Case{
				ID:          fmt.Sprintf("9.%d.%d", k+1, i+1),
				Description: fmt.Sprintf("One %s frame of %s.", kind.name, humanSize(size)), Rule: ruleLength64,
				Steps: []Step{Frame{Opcode: kind.opcode, Fin: true, Payload: p}, CloseAfter{within}},
			}, kind.binary, p, 1, within)
		}
	}
	// 9.3 and 9.4: 4 MiB in fragments.
	for k, kind := range kinds {
		for i, fragment := range []int{64, 256, 1 << 10, 4 << 10, 16 << 10, 64 << 10, 256 << 10, 1 << 20, 4 << 20} {
			const within = 100 * time.Second
			unit := "*"
			if kind.binary && i == 0 {
				unit = "\xfe"
			}
			p := repeated(unit, 4<<20)
			add(&Case{
				ID:          fmt.Sprintf("9.%d.%d", k+3, i+1),
				Description: fmt.Sprintf("A %s message of 4 MiB in fragments of %s.", kind.name, humanSize(fragment)), Rule: ruleAnySize,
				Steps: []Step{Message{Binary: kind.binary, Payload: p, Fragment: fragment}, CloseAfter{within}},
			}, kind.binary, p, 1, within)
		}
	}
	// 9.5 and 9.6: 1 MiB in small TCP writes.
	for k, kind := range kinds {
		for i, chop := range []int{64, 128, 256, 512, 1 << 10, 2 << 10} {
			const within = 1000 * time.Second
			p := repeated(kind.unit, 1<<20)
			add(&Case{
				ID:          fmt.Sprintf("9.%d.%d", k+5, i+1),
				Description: fmt.Sprintf("One %s frame of 1 MiB in TCP writes of %s.", kind.name, humanSize(chop)), Rule: ruleBoundaries,
				Steps: []Step{Frame{Opcode: kind.opcode, Fin: true, Payload: p, Chop: chop}, CloseAfter{within}},
			}, kind.binary, p, 1, within)
		}
	}
	// 9.7 and 9.8: 1000 messages, one in flight.
	for k, kind := range kinds {
		for i, size := range []int{0, 16, 64, 256, 1 << 10, 4 << 10} {
			within := []time.Duration{60, 60, 60, 120, 240, 480}[i] * time.Second
			p := repeated(kind.star, size)
			add(&Case{
				ID:          fmt.Sprintf("9.%d.%d", k+7, i+1),
				Description: fmt.Sprintf("1000 %s messages of %s, each sent after the echo of the one before.", kind.name, humanSize(size)), Rule: ruleUnfragmented,
				Steps: []Step{CloseAfter{within}, Frame{Opcode: kind.opcode, Fin: true, Payload: p}},
			}, kind.binary, p, 1000, within)
		}
	}
	return cases
}

func humanSize(n int) string {
	switch {
	case n >= 1<<20:
		return fmt.Sprintf("%d MiB", n>>20)
	case n >= 1<<10:
		return fmt.Sprintf("%d KiB", n>>10)
	case n == 1:
		return "1 octet"
	}
	return fmt.Sprintf("%d octets", n)
}

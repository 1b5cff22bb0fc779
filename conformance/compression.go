package conformance

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// A Deflate holds the facts of a permessage-deflate case: Count messages, one
// in flight, cut in sequence out of a data set, compressed, in fragments; each
// must come back equal. A peer that does not negotiate the extension gets
// UNIMPLEMENTED.
type Deflate struct {
	Data     string // the kind of data set: see dataSets
	Binary   bool
	Count    int
	Length   int // of a message: octets, or characters if it is text
	Fragment int // octets of a fragment, of what was compressed; 0: one frame
	Within   time.Duration
	// Offers are what the tester offers as a client, in order of preference.
	Offers []string
	// Accepts are what it accepts as a server: the first for which an offer is there.
	Accepts []acceptance
}

// Extensions is the offer as Sec-WebSocket-Extensions has it.
func (d *Deflate) Extensions() string { return strings.Join(d.Offers, ", ") }

// Compressed says whether a case of permessage-deflate is among the cases.
func Compressed(cases []*Case) bool {
	return slices.ContainsFunc(cases, func(c *Case) bool { return c.Deflate != nil })
}

// compression is sections 12 and 13: permessage-deflate.
func compression() []*Case {
	shapes := []struct{ length, fragment int }{
		{16, 0},
		{64, 0},
		{256, 0},
		{1 << 10, 0},
		{4 << 10, 0},
		{8 << 10, 0},
		{16 << 10, 0},
		{32 << 10, 0},
		{64 << 10, 0},
		{128 << 10, 0},
		{8 << 10, 256},
		{16 << 10, 256},
		{32 << 10, 256},
		{64 << 10, 256},
		{128 << 10, 256},
		{128 << 10, 1 << 10},
		{128 << 10, 4 << 10},
		{128 << 10, 32 << 10},
	}
	offer := func(noTakeover bool, bits int) string {
		s := "permessage-deflate; client_no_context_takeover; client_max_window_bits"
		if noTakeover {
			s += "; server_no_context_takeover"
		}
		if bits > 0 {
			s += fmt.Sprintf("; server_max_window_bits=%d", bits)
		}
		return s
	}
	plain := []string{offer(false, 0)}
	any := []acceptance{{}}
	sets := []struct {
		group   string
		data    string
		binary  bool
		offers  []string
		accepts []acceptance
	}{
		{"12.1", "JSON", false, plain, any},
		{"12.2", "bitmap", true, plain, any},
		{"12.3", "prose", true, plain, any},
		{"12.4", "HTML", false, plain, any},
		{"12.5", "PDF", true, plain, any},
		{"13.1", "JSON", false, plain, any},
		{"13.2", "JSON", false, []string{offer(true, 0)}, []acceptance{{true, 0}}},
		{"13.3", "JSON", false, []string{offer(false, 9)}, []acceptance{{false, 9}}},
		{"13.4", "JSON", false, []string{offer(false, 15)}, []acceptance{{false, 15}}},
		{"13.5", "JSON", false, []string{offer(true, 9)}, []acceptance{{true, 9}}},
		{"13.6", "JSON", false, []string{offer(true, 15)}, []acceptance{{true, 15}}},
		{"13.7", "JSON", false, []string{offer(true, 9), offer(true, 0), plain[0]}, []acceptance{{true, 9}, {true, 0}, {}}},
	}
	var cases []*Case
	for _, set := range sets {
		for i, shape := range shapes {
			within := 480 * time.Second
			if i < 4 {
				within = []time.Duration{60, 60, 120, 240}[i] * time.Second
			}
			d := &Deflate{
				Data: set.data, Binary: set.binary, Count: 1000, Length: shape.length, Fragment: shape.fragment,
				Within: within, Offers: set.offers, Accepts: set.accepts,
			}
			what := fmt.Sprintf("1000 compressed messages of %s of %s, one in flight", humanSize(d.Length), d.Data)
			if d.Fragment > 0 {
				what += ", in fragments of " + humanSize(d.Fragment)
			}
			cases = append(cases, &Case{
				ID:          fmt.Sprintf("%s.%d", set.group, i+1),
				Description: what + "; the offer is " + d.Extensions() + ".",
				Expectation: "Each message comes back equal, compressed as agreed on, or plain. A server that ignores a parameter that it was asked for is NON-STRICT, a peer that does not negotiate permessage-deflate (RFC 7692) is UNIMPLEMENTED.",
				Rule:        ruleExtension, Deflate: d, Steps: []Step{CloseAfter{within}, nextCompressed{}}, Close: byTester,
			})
		}
	}
	return cases
}

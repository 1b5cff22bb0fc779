package conformance

import (
	"fmt"
	"strings"
	"time"
)

// A Deflate holds the facts of a permessage-deflate case: Count messages, one
// in flight, cut in sequence out of a data set, compressed, in fragments; the
// echo must be equal. The tester offers the extension in its handshake; a peer
// that declines it gets UNIMPLEMENTED, as in the original suite.
//
// To run these cases: compress in (*session).frame where the case has a
// Deflate and the handshake negotiated it, inflate in (*session).message, and
// make the data sets; nothing else depends on it.
type Deflate struct {
	Data       string // the kind of data set
	Binary     bool
	Count      int
	Length     int // octets a message
	Fragment   int // octets a fragment; 0: one frame
	Within     time.Duration
	Extensions string // the offer, as Sec-WebSocket-Extensions has it
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
		s := "permessage-deflate"
		if noTakeover {
			s += "; server_no_context_takeover"
		}
		if bits > 0 {
			s += fmt.Sprintf("; server_max_window_bits=%d", bits)
		}
		return s + "; client_max_window_bits"
	}
	plain := offer(false, 0)
	sets := []struct {
		group  string
		data   string
		binary bool
		offers []string
	}{
		{"12.1", "JSON", false, []string{plain}},
		{"12.2", "bitmap", true, []string{plain}},
		{"12.3", "prose", true, []string{plain}},
		{"12.4", "HTML", false, []string{plain}},
		{"12.5", "PDF", true, []string{plain}},
		{"13.1", "JSON", false, []string{plain}},
		{"13.2", "JSON", false, []string{offer(true, 0)}},
		{"13.3", "JSON", false, []string{offer(false, 9)}},
		{"13.4", "JSON", false, []string{offer(false, 15)}},
		{"13.5", "JSON", false, []string{offer(true, 9)}},
		{"13.6", "JSON", false, []string{offer(true, 15)}},
		{"13.7", "JSON", false, []string{offer(true, 9), offer(true, 0), plain}},
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
				Within: within, Extensions: strings.Join(set.offers, ", "),
			}
			what := fmt.Sprintf("1000 compressed messages of %s of %s, one in flight", humanSize(d.Length), d.Data)
			if d.Fragment > 0 {
				what += ", in fragments of " + humanSize(d.Fragment)
			}
			cases = append(cases, &Case{
				ID:          fmt.Sprintf("%s.%d", set.group, i+1),
				Description: what + "; the offer is " + d.Extensions + ".",
				Expectation: "Each message comes back equal. A peer that does not negotiate permessage-deflate (RFC 7692) is UNIMPLEMENTED here.",
				Rule:        ruleExtension, Deflate: d, Close: byTester,
			})
		}
	}
	return cases
}

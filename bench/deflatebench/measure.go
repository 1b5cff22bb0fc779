package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"runtime"
	"slices"
)

// A measured is what a way takes for the messages of a corpus.
type measured struct {
	way      string
	compress bool
	ns       float64 // CPU time a message, the median or the least of the rounds
	octets   int     // of all payloads
}

// measure compresses and inflates messages by each way in turns, a round at a time,
// and returns the figures of both.
func measure(ctx context.Context, chosen []way, messages [][]byte, bits int, takeover bool, rounds int, least bool) ([]measured, error) {
	type track struct {
		measured
		run   func() (int, error)
		times []float64
	}
	var tracks []*track
	payloads := compressAll(messages, bits, takeover)
	for _, w := range chosen {
		if w.compress != nil {
			if compress := w.compress(bits, takeover); compress != nil {
				tracks = append(tracks, &track{measured: measured{way: w.name, compress: true}, run: func() (int, error) {
					n := 0
					for _, m := range messages {
						n += len(compress(m))
					}
					return n, nil
				}})
			}
		}
		if w.decompress != nil {
			tracks = append(tracks, &track{measured: measured{way: w.name}, run: func() (int, error) {
				decompress := w.decompress(bits, takeover)
				for i, z := range payloads {
					got, err := decompress(z)
					if err != nil || !bytes.Equal(got, messages[i]) {
						return 0, fmt.Errorf("%s: message %d of %d octets inflates to %d, %w", w.name, i, len(messages[i]), len(got), err)
					}
				}
				return 0, nil
			}})
		}
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for round := -1; round < rounds; round++ { // one to get warm
		for i := range tracks {
			t := tracks[(i+max(round, 0))%len(tracks)]
			runtime.GC()
			begin := threadTime()
			n, err := t.run()
			if err != nil {
				return nil, err
			}
			if round < 0 {
				t.octets = n
				continue
			}
			t.times = append(t.times, float64(threadTime()-begin)/float64(len(messages)))
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
		}
	}
	var all []measured
	for _, t := range tracks {
		slices.Sort(t.times)
		t.ns = t.times[len(t.times)/2]
		if least {
			t.ns = t.times[0]
		}
		all = append(all, t.measured)
	}
	return all, nil
}

// compressAll returns the payloads that are inflated: the core's at its best level,
// which are as others' of the usual levels in size and kind.
func compressAll(messages [][]byte, bits int, takeover bool) [][]byte {
	compress := ways[1].compress(bits, takeover)
	var payloads [][]byte
	for _, m := range messages {
		payloads = append(payloads, bytes.Clone(compress(m)))
	}
	return payloads
}

// printTable writes the figures of a case as lines of a table: each way beside the
// reference.
func printTable(w io.Writer, name string, messages [][]byte, all []measured) {
	plain := 0
	for _, m := range messages {
		plain += len(m)
	}
	for _, compress := range []bool{true, false} {
		verb := "inflate "
		if compress {
			verb = "compress"
		}
		var reference measured
		for _, m := range all {
			if m.way == "klauspost" && m.compress == compress {
				reference = m
			}
		}
		for _, m := range all {
			if m.compress != compress {
				continue
			}
			fmt.Fprintf(w, "%-44s %s %-10s %9.0f ns", name, verb, m.way, m.ns)
			if reference.ns > 0 {
				fmt.Fprintf(w, " %6.3f", m.ns/reference.ns)
			}
			if compress {
				fmt.Fprintf(w, "  size %.4f", float64(m.octets)/float64(plain))
				if reference.octets > 0 {
					fmt.Fprintf(w, " %6.3f", float64(m.octets)/float64(reference.octets))
				}
			}
			fmt.Fprintln(w)
		}
	}
}

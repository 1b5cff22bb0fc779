package conformance

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"unicode/utf8"

	"github.com/wsproof/wsproof/internal/model"
)

// TestDataSets wants sets of their kinds, and messages cut out of them without a
// gap, over the end as well.
func TestDataSets(t *testing.T) {
	for kind, makeSet := range dataSets {
		d := dataSetOf(kind)
		if len(d.octets) < dataSetSize || len(d.octets) > dataSetSize*5/4 {
			t.Errorf("%s has %d octets", kind, len(d.octets))
		}
		if !bytes.Equal(d.octets, makeSet(rand.New(rand.NewPCG(7692, uint64(len(kind)))))) {
			t.Errorf("%s is another one each time", kind)
		}
		text := kind == "JSON" || kind == "HTML"
		if utf8.Valid(d.octets) != text || (d.starts != nil) != text {
			t.Errorf("%s is UTF-8: %v, is cut by characters: %v", kind, utf8.Valid(d.octets), d.starts != nil)
		}
		var all []byte
		at, lengths := 0, []int{16, 1 << 10, 128 << 10, 1}
		for i := 0; len(all) < 2*len(d.octets); i++ {
			var m []byte
			n := lengths[i%len(lengths)]
			m, at = d.message(at, n)
			if length := utf8.RuneCount(m); text && length != n || !text && len(m) != n || text && !utf8.Valid(m) {
				t.Fatalf("%s: a message of %d has %d octets, %d characters", kind, n, len(m), length)
			}
			all = append(all, m...)
		}
		if twice := append(bytes.Clone(d.octets), d.octets...); !bytes.Equal(all[:len(twice)], twice) {
			t.Errorf("%s: the messages are not the set in turn", kind)
		}
	}
	if !json.Valid(dataSetOf("JSON").octets) {
		t.Error("the set JSON is no JSON")
	}
	if d := dataSetOf("HTML"); len(d.starts)-1 == len(d.octets) {
		t.Error("the set HTML has characters of one octet only")
	}
}

// TestCompressors reads what the tester would send, for each window.
func TestCompressors(t *testing.T) {
	for _, kind := range []string{"JSON", "bitmap", "PDF"} {
		data := dataSetOf(kind)
		for bits := 8; bits <= 15; bits++ {
			for _, takeover := range []bool{false, true} {
				agreed := model.Deflate{ClientMaxWindowBits: bits, ClientNoContextTakeover: !takeover}
				z := newDeflater(&Deflate{Data: kind}, agreed, ClientRole)
				var window, sent []byte
				at, farthest, octets, squeezed := 0, 0, 0, 0
				for i, n := range []int{0, 1, 2, 3, 16, 300, 300, 5000, 40000, 70000} {
					var m []byte
					m, at = data.message(at, n)
					b := z.out.compress(m)
					got := model.Inflate(window, b, 1<<bits)
					if got.Rule != "" || got.Padding || !bytes.Equal(got.Output, m) {
						t.Fatalf("%s, %d bits, takeover %v, message %d of %d octets: rule %q at octet %d, padding %v, %d octets", kind, bits, takeover, i, n, got.Rule, got.Octet, got.Padding, len(got.Output))
					}
					farthest, octets, squeezed = max(farthest, got.Distance), octets+len(m), squeezed+len(b)
					sent = append(sent, m...)
					if window = nil; takeover {
						window = append(window, sent...)
					}
				}
				z.out.release()
				if kind == "JSON" && (farthest < 1<<bits*3/4 || squeezed > octets*2/3) {
					t.Errorf("%d bits, takeover %v: refers back %d octets at most, and makes %d octets out of %d", bits, takeover, farthest, squeezed, octets)
				}
			}
		}
	}
}

// TestAcceptances holds the tester's answers, as a server, to offers.
func TestAcceptances(t *testing.T) {
	cases := make(map[string]*Case)
	for _, c := range compression() {
		cases[c.Group()] = c
	}
	const name = "permessage-deflate"
	for _, test := range []struct{ group, offer, answer string }{
		{"12.1", name, name},
		{"12.1", name + "; server_no_context_takeover; server_max_window_bits=10", name + "; server_no_context_takeover; server_max_window_bits=10"},
		{"12.1", "x-other", ""},
		{"12.1", name + "; foo, " + name, name},
		{"13.2", name, name + "; client_no_context_takeover"},
		{"13.2", name + "; client_no_context_takeover", name + "; client_no_context_takeover"},
		{"13.3", name + "; client_no_context_takeover", ""},
		{"13.3", name + "; client_max_window_bits", name + "; client_max_window_bits=9"},
		{"13.3", name + "; client_max_window_bits=8", name + "; client_max_window_bits=8"},
		{"13.4", name + "; client_max_window_bits=12", name + "; client_max_window_bits=12"},
		{"13.5", name, ""},
		{"13.5", name + "; client_max_window_bits", name + "; client_no_context_takeover; client_max_window_bits=9"},
		{"13.5", name + "; client_max_window_bits; client_no_context_takeover", name + "; client_no_context_takeover; client_max_window_bits=9"},
		{"13.6", name + ", " + name + "; client_max_window_bits; client_no_context_takeover", name + "; client_no_context_takeover; client_max_window_bits=15"},
		{"13.7", name + "; client_max_window_bits; client_no_context_takeover", name + "; client_no_context_takeover; client_max_window_bits=9"},
		{"13.7", name + "; client_no_context_takeover", name + "; client_no_context_takeover"},
		{"13.7", name, name + "; client_no_context_takeover"},
		{"13.7", name + ", " + name + "; client_max_window_bits", name + "; client_no_context_takeover; client_max_window_bits=9"},
	} {
		d := cases[test.group].Deflate
		answer, agreed := d.accept([]string{test.offer})
		if answer != test.answer || (agreed.deflate != nil) != (answer != "") {
			t.Errorf("%s: %q is answered %q, want %q", test.group, test.offer, answer, test.answer)
		}
		if answer != "" {
			if _, wrong := model.ReadAnswer([]string{test.offer}, []string{answer}); wrong != nil {
				t.Errorf("%s: %q is answered %q: %v", test.group, test.offer, answer, wrong)
			}
		}
	}
}

// TestOffers holds the tester's offers, as a client, and that each is valid.
func TestOffers(t *testing.T) {
	for _, c := range compression() {
		valid, declined, failed := model.Offers(c.Deflate.Offers)
		if failed != nil || len(declined) > 0 || fmt.Sprint(len(valid)) != map[bool]string{true: "3", false: "1"}[c.Group() == "13.7"] {
			t.Errorf("%s offers %v: %v, %v", c.ID, c.Deflate.Offers, declined, failed)
		}
		for _, offer := range valid {
			if !offer.ClientNoContextTakeover || !offer.ClientMaxWindowBitsBare {
				t.Errorf("%s offers %v", c.ID, offer)
			}
		}
	}
}

// TestRightPeerEveryShape plays every shape of message, a few messages each, with
// a peer that does everything right.
func TestRightPeerEveryShape(t *testing.T) {
	cases, err := Select("12.2.*,12.4.*,13.5.*,13.7.*")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		c.Deflate.Count = 6
		for role, play := range map[string]func(*testing.T, string, *Case) *Result{"server": playServer, "client": playClient} {
			synctest.Test(t, func(t *testing.T) {
				if r := play(t, "", c); r.Verdict() != "OK" || r.Outcome.Echoed != 6 {
					t.Errorf("%s in %s: %s, %d messages (%s)\n%s", role, c.ID, r.Verdict(), r.Outcome.Echoed, r.Why, logText(r.Log))
				}
			})
		}
	}
}

package model_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/wsproof/wsproof/internal/model"
	"github.com/wsproof/wsproof/internal/vector"
)

// TestNegotiations reads each vector of testdata/negotiation as a server and as
// a client.
func TestNegotiations(t *testing.T) {
	vectors, err := vector.LoadNegotiations()
	if err != nil {
		t.Fatal(err)
	}
	proved := map[string]int{}
	for _, n := range vectors {
		for _, rule := range n.Proves {
			proved[rule]++
		}
		t.Run(n.ID, func(t *testing.T) {
			valid, declined, failed := model.Offers(n.Offer)
			if (failed != nil) != n.Refused {
				t.Fatalf("%s: %q is refused: %v, want %v", n.Where(), n.Offer, failed, n.Refused)
			}
			if n.Refused {
				return
			}
			if (len(valid) > 0) != (n.Wins > 0) {
				t.Fatalf("%s: %q has the valid offers %v, want that number %d wins", n.Where(), n.Offer, valid, n.Wins)
			}
			if n.Wins > 0 {
				list, _ := model.ParseExtensions(n.Offer)
				alone, _, _ := model.Offers([]string{spelt(list[n.Wins-1])})
				if len(alone) != 1 || alone[0] != valid[0] {
					t.Errorf("%s: %v wins, want number %d of %q", n.Where(), valid[0], n.Wins, n.Offer)
				}
			}
			for _, d := range declined {
				if !strings.Contains(strings.Join(n.Proves, " "), d.Rule) {
					t.Errorf("%s: an offer is declined by %v, and the vector proves %v", n.Where(), d, n.Proves)
				}
			}
			for _, answer := range n.Right {
				if wrong := model.CheckAnswer(n.Offer, []string{answer}); wrong != nil {
					t.Errorf("%s: a server may answer %q, got %v", n.Where(), answer, wrong)
				}
				if agreed, wrong := model.ReadAnswer(n.Offer, []string{answer}); wrong != nil || agreed == nil {
					t.Errorf("%s: a client takes %q, got %v, %v", n.Where(), answer, agreed, wrong)
				}
			}
			if wrong := model.CheckAnswer(n.Offer, nil); (wrong == nil) != (n.Wins == 0) {
				t.Errorf("%s: no answer: %v, and number %d wins", n.Where(), wrong, n.Wins)
			}
			if agreed, wrong := model.ReadAnswer(n.Offer, nil); wrong != nil || agreed != nil {
				t.Errorf("%s: no answer: a client agreed on %v, %v", n.Where(), agreed, wrong)
			}
			for _, a := range n.Wrong {
				if model.CheckAnswer(n.Offer, a.Lines()) == nil {
					t.Errorf("%s: a server may not answer %q", n.Where(), a.Answer)
				}
				if agreed, wrong := model.ReadAnswer(n.Offer, a.Lines()); wrong == nil || wrong.Rule != a.Rule || agreed != nil {
					t.Errorf("%s: a client refuses %q by %s, got %v, %v", n.Where(), a.Answer, a.Rule, agreed, wrong)
				}
			}
			for _, a := range n.Unfit {
				if wrong := model.CheckAnswer(n.Offer, a.Lines()); wrong == nil || wrong.Rule != a.Rule {
					t.Errorf("%s: a server does not answer %q by %s, got %v", n.Where(), a.Answer, a.Rule, wrong)
				}
			}
		})
	}
	for i := 1; i <= 20; i++ {
		if rule := fmt.Sprintf("N%d", i); proved[rule] == 0 {
			t.Errorf("no vector proves %s", rule)
		}
	}
	for i := 1; i <= 14; i++ {
		if rule := fmt.Sprintf("C%d", i); proved[rule] == 0 {
			t.Errorf("no vector proves %s", rule)
		}
	}
}

// spelt writes an extension with every value quoted.
func spelt(e model.Extension) string {
	s := e.Name
	for _, p := range e.Parameters {
		s += ";" + p.Name
		if p.Valued {
			s += fmt.Sprintf("=%q", p.Value)
		}
	}
	return s
}

// TestElement writes elements and reads them back.
func TestElement(t *testing.T) {
	for _, text := range []string{
		"permessage-deflate",
		"permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=8; client_max_window_bits=15",
		"permessage-deflate; client_max_window_bits",
	} {
		valid, _, failed := model.Offers([]string{text})
		if failed != nil || len(valid) != 1 || valid[0].String() != text {
			t.Errorf("%q is read as %v, %v", text, valid, failed)
		}
	}
}

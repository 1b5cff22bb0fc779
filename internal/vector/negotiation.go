package vector

import (
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"github.com/wsproof/wsproof/testdata"
)

// A Negotiation is one offer of permessage-deflate and what may be answered
// (RFC 7692 §7.1). A right server, which supports all there is, answers with
// one of Right, or what else fits the offer that wins; a right client takes
// each of Right and fails the handshake for each of Wrong.
type Negotiation struct {
	ID     string // file/name, as in "offers/bits-7"; stable
	About  string
	File   string
	Line   int
	Proves []string // the rules, N1 to N20 and C1 to C14

	Offer   []string // the lines of Sec-WebSocket-Extensions in the request
	Wins    int      // the element of the offer that a server accepts, from 1; 0 for none
	Refused bool     // the handshake fails: the header is outside the grammar
	Right   []string
	Wrong   []Answer // for both sides
	Unfit   []Answer // that a server must not give, though no client can tell
}

// An Answer is one that breaks a rule. An Answer of "none" is no header at all,
// one of "empty" a header without a value.
type Answer struct{ Rule, Answer string }

// Lines are the header lines that a client gets.
func (a Answer) Lines() []string {
	switch a.Answer {
	case "none":
		return nil
	case "empty":
		return []string{""}
	}
	return []string{a.Answer}
}

// Where returns file and line, for messages.
func (n *Negotiation) Where() string { return fmt.Sprintf("%s:%d", n.File, n.Line) }

// LoadNegotiations returns the vectors of testdata/negotiation, in the order of
// files and lines.
func LoadNegotiations() ([]Negotiation, error) {
	var all []Negotiation
	names, err := fs.Glob(testdata.Negotiation, "negotiation/*.txt")
	if err != nil || len(names) == 0 {
		return nil, fmt.Errorf("negotiation: no *.txt file was found (was the folder moved?)")
	}
	seen := map[string]bool{}
	for _, name := range names {
		text, err := fs.ReadFile(testdata.Negotiation, name)
		if err != nil {
			return nil, fmt.Errorf("negotiation: %w", err)
		}
		more, err := ParseNegotiations(strings.TrimPrefix(name, "negotiation/"), string(text))
		if err != nil {
			return nil, err
		}
		for _, n := range more {
			if seen[n.ID] {
				return nil, fmt.Errorf("%s: there is a vector %s already", n.Where(), n.ID)
			}
			seen[n.ID] = true
		}
		all = append(all, more...)
	}
	return all, nil
}

// ParseNegotiations returns the vectors of one file: blocks as in [Parse], but
// without a first one.
func ParseNegotiations(file, text string) ([]Negotiation, error) {
	blocks, err := split(file, text)
	if err != nil {
		return nil, err
	}
	if len(blocks) == 0 {
		return nil, fmt.Errorf("%s: no vectors found: the file is empty", file)
	}
	var all []Negotiation
	for _, b := range blocks {
		n := Negotiation{File: file, Line: b.line}
		for _, f := range b.fields {
			if err := n.set(f); err != nil {
				return nil, fmt.Errorf("%s:%d: %w", file, f.line, err)
			}
		}
		if err := n.complete(b); err != nil {
			return nil, fmt.Errorf("%s: %w", n.Where(), err)
		}
		all = append(all, n)
	}
	return all, nil
}

func (n *Negotiation) set(f field) error {
	switch f.key {
	case "vector":
		name, about, ok := strings.Cut(f.value, ", ")
		if !ok || name == "" || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
			return fmt.Errorf("want a name of a-z, 0-9 and -, a comma and what it is about, got %q", f.value)
		}
		n.ID, n.About = strings.TrimSuffix(n.File, ".txt")+"/"+name, about
	case "proves":
		n.Proves = strings.Fields(f.value)
	case "offer":
		n.Offer = append(n.Offer, f.value)
	case "wins":
		switch f.value {
		case "refused":
			n.Refused = true
		case "none":
		default:
			var err error
			if n.Wins, err = strconv.Atoi(f.value); err != nil || n.Wins < 1 {
				return fmt.Errorf("wins %q: want none, refused or the number of an offer", f.value)
			}
		}
	case "right":
		n.Right = append(n.Right, f.value)
	case "wrong", "unfit":
		rule, answer, ok := strings.Cut(f.value, " ")
		if !ok {
			return fmt.Errorf("%s %q: want a rule and an answer", f.key, f.value)
		}
		to := &n.Wrong
		if f.key == "unfit" {
			to = &n.Unfit
		}
		*to = append(*to, Answer{rule, answer})
	default:
		return fmt.Errorf("unknown key %q: want one of vector, proves, offer, wins, right, wrong, unfit", f.key)
	}
	return nil
}

func (n *Negotiation) complete(b block) error {
	for _, key := range []string{"vector", "proves", "wins"} {
		count := 0
		for _, f := range b.fields {
			if f.key == key {
				count++
			}
		}
		if count != 1 {
			return fmt.Errorf("the key %s must stand there once", key)
		}
	}
	switch {
	case len(n.Proves) == 0:
		return fmt.Errorf("the key proves names no rule")
	case n.Wins > 0 && len(n.Right) == 0, n.Wins == 0 && len(n.Right) > 0:
		return fmt.Errorf("the key right goes with an offer that wins, and is needed there")
	case n.Wins == 0 && !n.Refused && len(n.Wrong)+len(n.Unfit) == 0 && slices.Contains(n.Proves, "C1"):
		return fmt.Errorf("nothing is wrong here")
	}
	return nil
}

package model

import (
	"fmt"
	"slices"
	"strings"
)

// A Refusal is the rule by which an offer is declined, or a handshake failed.
type Refusal struct {
	Rule string // N1 to N20 for a server, C1 to C14 for a client: see testdata/README.md
	Text string
}

// Error returns the rule and what is wrong.
func (r *Refusal) Error() string { return r.Text + " (rule " + r.Rule + ")" }

func refuse(rule, format string, args ...any) *Refusal {
	return &Refusal{rule, fmt.Sprintf(format, args...)}
}

// An Extension is one element of Sec-WebSocket-Extensions (RFC 6455 §9.1).
type Extension struct {
	Name       string
	Parameters []Parameter
}

// A Parameter is one of an extension. Value is what a quoted one means; Valued
// tells an empty value from none.
type Parameter struct {
	Name   string
	Value  string
	Valued bool
}

// ParseExtensions reads the values of the Sec-WebSocket-Extensions header lines,
// which are one list, "in order of preference" (RFC 6455 §9.1). Empty elements of
// the list count as none (RFC 2616 §2.1).
func ParseExtensions(lines []string) ([]Extension, *Refusal) {
	var list []Extension
	for _, line := range lines {
		p := headerParser{rest: line}
		for {
			p.blank()
			if p.rest == "" {
				break
			}
			if p.take(",") {
				continue
			}
			e, ok := p.extension()
			if ok && p.rest != "" {
				ok = p.take(",")
			}
			if !ok {
				return nil, refuse("N20", "%q is not a list of extensions: %q is out of place", line, p.rest)
			}
			list = append(list, e)
		}
	}
	return list, nil
}

type headerParser struct{ rest string }

func (p *headerParser) blank() { p.rest = strings.TrimLeft(p.rest, " \t") }

func (p *headerParser) take(what string) bool {
	p.blank()
	rest, ok := strings.CutPrefix(p.rest, what)
	if ok {
		p.rest = rest
		p.blank()
	}
	return ok
}

// extension = token *( ";" token [ "=" ( token / quoted-string ) ] )
func (p *headerParser) extension() (e Extension, ok bool) {
	if e.Name, ok = p.token(); !ok {
		return e, false
	}
	for p.take(";") {
		var a Parameter
		if a.Name, ok = p.token(); !ok {
			return e, false
		}
		if a.Valued = p.take("="); a.Valued {
			if strings.HasPrefix(p.rest, `"`) {
				a.Value, ok = p.quoted()
			} else {
				a.Value, ok = p.token()
			}
			if !ok {
				return e, false
			}
		}
		e.Parameters = append(e.Parameters, a)
	}
	p.blank()
	return e, true
}

func (p *headerParser) token() (string, bool) {
	end := strings.IndexFunc(p.rest, func(r rune) bool { return !isToken(r) })
	if end < 0 {
		end = len(p.rest)
	}
	token := p.rest[:end]
	p.rest = p.rest[end:]
	return token, token != ""
}

// isToken reports whether a token may hold the character (RFC 2616 §2.2).
func isToken(r rune) bool {
	return r > ' ' && r < 0x7F && !strings.ContainsRune(`()<>@,;:\"/[]?={}`, r)
}

// quoted reads a quoted-string. "When using the quoted-string syntax variant,
// the value after quoted-string unescaping MUST conform to the 'token' ABNF."
func (p *headerParser) quoted() (value string, ok bool) {
	for i := 1; i < len(p.rest); i++ {
		switch p.rest[i] {
		case '"':
			p.rest = p.rest[i+1:]
			ok = value != "" && strings.IndexFunc(value, func(r rune) bool { return !isToken(r) }) < 0
			return value, ok
		case '\\':
			if i++; i == len(p.rest) {
				return "", false
			}
		}
		value += p.rest[i : i+1]
	}
	return "", false
}

// The names that RFC 7692 §7 defines.
const (
	deflateName             = "permessage-deflate"
	serverNoContextTakeover = "server_no_context_takeover"
	clientNoContextTakeover = "client_no_context_takeover"
	serverMaxWindowBits     = "server_max_window_bits"
	clientMaxWindowBits     = "client_max_window_bits"
)

// An Element is what one permessage-deflate element says, as an offer or as an
// answer. Bits are 0 where the parameter is not there.
type Element struct {
	Deflate
	ClientMaxWindowBitsBare bool // the parameter without a value
}

// String writes the element as it stands in the header.
func (e Element) String() string {
	s := deflateName
	if e.ServerNoContextTakeover {
		s += "; " + serverNoContextTakeover
	}
	if e.ClientNoContextTakeover {
		s += "; " + clientNoContextTakeover
	}
	if e.ServerMaxWindowBits != 0 {
		s += fmt.Sprintf("; %s=%d", serverMaxWindowBits, e.ServerMaxWindowBits)
	}
	switch {
	case e.ClientMaxWindowBitsBare:
		s += "; " + clientMaxWindowBits
	case e.ClientMaxWindowBits != 0:
		s += fmt.Sprintf("; %s=%d", clientMaxWindowBits, e.ClientMaxWindowBits)
	}
	return s
}

// The rules that the parameters of an element keep, by the side that reads it.
type elementRules struct{ unknown, value, noBits, bits, twice string }

var (
	offerRules  = elementRules{"N4", "N5", "N6", "N7", "N8"}
	answerRules = elementRules{"C3", "C4", "C4", "C4", "C5"}
)

func readElement(e Extension, rules elementRules) (Element, *Refusal) {
	var out Element
	seen := map[string]bool{}
	for _, p := range e.Parameters {
		// "contains multiple extension parameters with the same name" (RFC 7692 §7.1)
		if seen[p.Name] {
			return out, refuse(rules.twice, "the parameter %s stands there twice", p.Name)
		}
		seen[p.Name] = true
		switch p.Name {
		case serverNoContextTakeover, clientNoContextTakeover:
			// "This parameter has no value." (§7.1.1.1, §7.1.1.2)
			if p.Valued {
				return out, refuse(rules.value, "%s has the value %q, and may have none", p.Name, p.Value)
			}
			if p.Name == serverNoContextTakeover {
				out.ServerNoContextTakeover = true
			} else {
				out.ClientNoContextTakeover = true
			}
		case serverMaxWindowBits, clientMaxWindowBits:
			if !p.Valued {
				// "This parameter has no value or a decimal integer value" is said of
				// client_max_window_bits in an offer alone (§7.1.2.2).
				if p.Name == serverMaxWindowBits || rules != offerRules {
					return out, refuse(rules.noBits, "%s has no value", p.Name)
				}
				out.ClientMaxWindowBitsBare = true
				continue
			}
			// "a decimal integer value without leading zeroes between 8 to 15" (§7.1.2)
			bits := slices.Index([]string{"8", "9", "10", "11", "12", "13", "14", "15"}, p.Value) + 8
			if bits < 8 {
				return out, refuse(rules.bits, "%s=%q: want 8 to 15", p.Name, p.Value)
			}
			if p.Name == serverMaxWindowBits {
				out.ServerMaxWindowBits = bits
			} else {
				out.ClientMaxWindowBits = bits
			}
		default:
			return out, refuse(rules.unknown, "there is no parameter %s", p.Name)
		}
	}
	return out, nil
}

// Offers returns the valid offers of permessage-deflate in the lines of a
// request, in order of preference, and why others are declined. The refusal is
// that of the whole handshake, for a header outside the grammar.
func Offers(lines []string) (valid []Element, declined []*Refusal, failed *Refusal) {
	list, failed := ParseExtensions(lines)
	if failed != nil {
		return nil, nil, failed
	}
	for _, e := range list {
		if e.Name != deflateName {
			continue // of other extensions, and of other spellings, nothing is known
		}
		offer, declinedBy := readElement(e, offerRules)
		if declinedBy != nil {
			declined = append(declined, declinedBy)
			continue
		}
		valid = append(valid, offer)
	}
	return valid, declined, nil
}

// fits returns what an answer does to an offer that it may not.
func fits(offer, answer Element) *Refusal {
	switch {
	case offer.ServerNoContextTakeover && !answer.ServerNoContextTakeover:
		// "A server accepts an extension negotiation offer that includes [it] by
		// including [it] in the corresponding extension negotiation response" (§7.1.1.1)
		return refuse("C6", "%s was asked for and is not in the answer", serverNoContextTakeover)
	case offer.ServerMaxWindowBits != 0 && answer.ServerMaxWindowBits == 0:
		// "with the same or smaller value as the offer" (§7.1.2.1)
		return refuse("C7", "%s=%d was asked for and is not in the answer", serverMaxWindowBits, offer.ServerMaxWindowBits)
	case offer.ServerMaxWindowBits != 0 && answer.ServerMaxWindowBits > offer.ServerMaxWindowBits:
		return refuse("C7", "%s=%d was asked for, and the answer has %d", serverMaxWindowBits, offer.ServerMaxWindowBits, answer.ServerMaxWindowBits)
	case answer.ClientMaxWindowBits != 0 && offer.ClientMaxWindowBits == 0 && !offer.ClientMaxWindowBitsBare:
		// "the corresponding extension negotiation response [...] MUST NOT include" it (§7.1.2.2)
		return refuse("C8", "%s was not offered and is in the answer", clientMaxWindowBits)
	case offer.ClientMaxWindowBits != 0 && answer.ClientMaxWindowBits > offer.ClientMaxWindowBits:
		return refuse("C9", "%s=%d was offered, and the answer has %d", clientMaxWindowBits, offer.ClientMaxWindowBits, answer.ClientMaxWindowBits)
	}
	return nil
}

// Agreed reads one element as an answer has it, such as
// "permessage-deflate; server_max_window_bits=9", apart from any offer.
func Agreed(element string) (Deflate, *Refusal) {
	list, wrong := ParseExtensions([]string{element})
	if wrong != nil {
		return Deflate{}, wrong
	}
	if len(list) != 1 || list[0].Name != deflateName {
		return Deflate{}, refuse("C1", "%q is not one element that accepts %s", element, deflateName)
	}
	e, wrong := readElement(list[0], answerRules)
	return e.Deflate, wrong
}

// ReadAnswer is what a client that sent the offers makes of the lines of the
// answer: what was agreed on, nil if nothing was, or why the handshake fails. An
// answer does not say which of the offers it accepts: it may fit any of them.
func ReadAnswer(offers, answer []string) (*Deflate, *Refusal) {
	list, failed := ParseExtensions(answer)
	if failed != nil {
		return nil, failed
	}
	if len(list) == 0 {
		return nil, nil
	}
	valid, _, failed := Offers(offers)
	if failed != nil {
		return nil, failed
	}
	for i, e := range list {
		if e.Name != deflateName || len(valid) == 0 {
			return nil, refuse("C1", "the extension %s was not offered", e.Name)
		}
		if i > 0 {
			return nil, refuse("C2", "%s was accepted twice", e.Name)
		}
	}
	agreed, failed := readElement(list[0], answerRules)
	if failed != nil {
		return nil, failed
	}
	for _, offer := range valid {
		if failed = fits(offer, agreed); failed == nil {
			return &agreed.Deflate, nil
		}
	}
	return nil, failed
}

// CheckAnswer holds what a server answered against the offers that it had, and
// returns the difference, nil if the answer is right. The server supports all
// there is, so that it accepts the first valid offer; what it adds is its own
// choice, within what that offer allows.
func CheckAnswer(offers, answer []string) *Refusal {
	valid, _, failed := Offers(offers)
	if failed != nil {
		return failed // there may be no answer at all
	}
	list, wrong := ParseExtensions(answer)
	switch {
	case wrong != nil:
		return refuse("N19", "%s", wrong.Text)
	case len(list) == 0 && len(answer) > 0:
		return refuse("N19", "there is an empty Sec-WebSocket-Extensions")
	case len(list) == 0 && len(valid) > 0:
		return refuse("N10", "%v was offered, and declined", valid[0])
	case len(list) == 0:
		return nil
	case len(list) > 1 || list[0].Name != deflateName:
		return refuse("N19", "%q is not one element that accepts %s", answer, deflateName)
	case len(valid) == 0:
		return refuse("N4", "%q accepts an offer that is not there or not valid", answer)
	}
	accepted, wrong := readElement(list[0], answerRules)
	if wrong != nil {
		return refuse("N19", "%s", wrong.Text)
	}
	if wrong = fits(valid[0], accepted); wrong != nil {
		return refuse(map[string]string{"C6": "N11", "C7": "N14", "C8": "N16", "C9": "N18"}[wrong.Rule], "%s", wrong.Text)
	}
	return nil
}

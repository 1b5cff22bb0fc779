package deflate

import (
	"errors"
	"fmt"
	"strconv"
)

// The names of the parameters (RFC 7692 §7.1).
const (
	serverNoContextTakeover = "server_no_context_takeover"
	clientNoContextTakeover = "client_no_context_takeover"
	serverMaxWindowBits     = "server_max_window_bits"
	clientMaxWindowBits     = "client_max_window_bits"
)

// The rules that an offer or an answer can break: one error a rule. Such an offer
// is declined, which is no error of [Accept]; such an answer fails the handshake.
var (
	// ErrParameterUnknown: the parameters are the four of RFC 7692 §7.1.
	ErrParameterUnknown = errors.New("unknown parameter (RFC 7692 §7)")
	// ErrParameterTwice: no parameter stands twice, not even with one value (RFC 7692 §7).
	ErrParameterTwice = errors.New("parameter given twice (RFC 7692 §7)")
	// ErrParameterValue: a parameter has no value, or one of 8 to 15 in decimal digits
	// without a leading zero (RFC 7692 §7.1.1, §7.1.2).
	ErrParameterValue = errors.New("invalid value of a parameter (RFC 7692 §7.1)")
	// ErrNotOffered: an answer has only what was offered (RFC 6455 §9.1, RFC 7692 §7.1.2.2).
	ErrNotOffered = errors.New("answer to what was not offered (RFC 6455 §9.1, RFC 7692 §7.1.2.2)")
	// ErrExtensionTwice: the answer uses the extension once (RFC 7692 §5.1).
	ErrExtensionTwice = errors.New("extension answered twice (RFC 7692 §5.1)")
	// ErrNotGranted: what the client requires of the server's messages must be in the
	// answer (RFC 7692 §7.1.1.1, §7.1.2.1).
	ErrNotGranted = errors.New("answer without what the offer requires (RFC 7692 §7.1.1.1, §7.1.2.1)")
)

// An AnswerError is why a client fails the handshake over the server's answer. It
// unwraps to a rule, such as [ErrNotOffered].
type AnswerError struct {
	// Part is the extension or the parameter that is wrong or missing.
	Part string
	Rule error
}

func (e *AnswerError) Error() string {
	return fmt.Sprintf("deflate: %s: %v", strconv.Quote(e.Part), e.Rule)
}

// Unwrap returns the rule.
func (e *AnswerError) Unwrap() error { return e.Rule }

// An element is an offer or an answer with the meaning of its parameters. A number
// of bits is 0 where there is none.
type element struct {
	serverNoContextTakeover, clientNoContextTakeover bool
	serverMaxWindowBits, clientMaxWindowBits         int
	clientMaxWindow                                  bool // it stands there, with or without a value
}

// read reads the parameters of an offer or an answer. An error names the parameter.
func read(e *extension) (element, *AnswerError) {
	var el element
	for i, p := range e.params {
		for _, before := range e.params[:i] {
			if before.name == p.name {
				return el, &AnswerError{p.name, ErrParameterTwice}
			}
		}
		ok := true
		switch p.name {
		case serverNoContextTakeover:
			el.serverNoContextTakeover, ok = true, !p.valued
		case clientNoContextTakeover:
			el.clientNoContextTakeover, ok = true, !p.valued
		case serverMaxWindowBits:
			el.serverMaxWindowBits, ok = windowBits(p.value)
		case clientMaxWindowBits:
			el.clientMaxWindow = true
			if p.valued {
				el.clientMaxWindowBits, ok = windowBits(p.value)
			}
		default:
			return el, &AnswerError{p.name, ErrParameterUnknown}
		}
		if !ok {
			return el, &AnswerError{p.name, ErrParameterValue}
		}
	}
	return el, nil
}

// windowBits reads a number of bits, as RFC 7692 §7.1.2 writes it.
func windowBits(value string) (int, bool) {
	switch value {
	case "8", "9", "10", "11", "12", "13", "14", "15":
		n, _ := strconv.Atoi(value)
		return n, true
	}
	return 0, false
}

// Accept is the server's side of the negotiation: header are the values of the
// request's Sec-WebSocket-Extensions, config is what the server wants. The first
// offer of permessage-deflate that is valid and suits is accepted (RFC 7692 §5.1,
// §7.1): answer is the value of the response's Sec-WebSocket-Extensions, and params
// are what holds from then on. If ok is false, there is none, and the response goes
// without that header and the connection without the extension.
//
// An error is a [*HeaderError]: the request is refused (RFC 6455 §9.1).
func Accept(header []string, config Config) (answer string, params Params, ok bool, err error) {
	serverBits, clientBits := config.windowBits()
	offers, err := parse(header)
	if err != nil {
		return "", Params{}, false, err
	}
	for i := range offers {
		if offers[i].name != Name {
			continue // RFC 6455 §9.1: what one does not know is passed over
		}
		offer, wrong := read(&offers[i])
		if wrong != nil {
			continue // RFC 7692 §7: declined
		}
		p := Params{
			ServerNoContextTakeover: config.ServerNoContextTakeover || offer.serverNoContextTakeover,
			ClientNoContextTakeover: config.ClientNoContextTakeover,
			ServerMaxWindowBits:     serverBits,
			ClientMaxWindowBits:     MaxWindowBits,
		}
		answer = Name
		if p.ServerNoContextTakeover {
			answer += "; " + serverNoContextTakeover
		}
		if offer.serverMaxWindowBits > 0 { // RFC 7692 §7.1.2.1
			p.ServerMaxWindowBits = min(serverBits, offer.serverMaxWindowBits)
		}
		switch {
		case offer.clientMaxWindow: // RFC 7692 §7.1.2.2
			p.ClientMaxWindowBits = clientBits
			if offer.clientMaxWindowBits > 0 {
				p.ClientMaxWindowBits = min(clientBits, offer.clientMaxWindowBits)
			}
		case clientBits < MaxWindowBits:
			p.ClientNoContextTakeover = true
		}
		if p.ClientNoContextTakeover {
			answer += "; " + clientNoContextTakeover
		}
		if offer.serverMaxWindowBits > 0 || p.ServerMaxWindowBits < MaxWindowBits {
			answer += "; " + serverMaxWindowBits + "=" + strconv.Itoa(p.ServerMaxWindowBits)
		}
		if p.ClientMaxWindowBits < MaxWindowBits {
			answer += "; " + clientMaxWindowBits + "=" + strconv.Itoa(p.ClientMaxWindowBits)
		}
		return answer, p, true, nil
	}
	return "", Params{}, false, nil
}

// Offer is the client's offer of what config wants, the value of the request's
// Sec-WebSocket-Extensions. It always lets the server bound the client's window
// (RFC 7692 §7.1.2.2).
func Offer(config Config) string {
	serverBits, clientBits := config.windowBits()
	offer := Name
	if config.ServerNoContextTakeover {
		offer += "; " + serverNoContextTakeover
	}
	if config.ClientNoContextTakeover {
		offer += "; " + clientNoContextTakeover
	}
	if serverBits < MaxWindowBits {
		offer += "; " + serverMaxWindowBits + "=" + strconv.Itoa(serverBits)
	}
	offer += "; " + clientMaxWindowBits
	if clientBits < MaxWindowBits {
		offer += "=" + strconv.Itoa(clientBits)
	}
	return offer
}

// Check is the client's side of the answer: header are the values of the response's
// Sec-WebSocket-Extensions, config is what [Offer] was made of, and nothing else was
// offered. params are what holds from then on; if ok is false, the server has not
// accepted the offer, and the connection goes without the extension.
//
// An error is a [*HeaderError] or an [*AnswerError]: the handshake has failed (RFC
// 7692 §5.1, §7.1).
func Check(header []string, config Config) (params Params, ok bool, err error) {
	serverBits, clientBits := config.windowBits()
	answers, err := parse(header)
	if err != nil || len(answers) == 0 {
		return Params{}, false, err
	}
	fail := func(part string, rule error) (Params, bool, error) {
		return Params{}, false, &AnswerError{part, rule}
	}
	for i := range answers {
		if answers[i].name != Name {
			return fail(answers[i].name, ErrNotOffered)
		}
		if i > 0 {
			return fail(Name, ErrExtensionTwice)
		}
	}
	answer, wrong := read(&answers[0])
	switch {
	case wrong != nil:
		return Params{}, false, wrong
	case answer.clientMaxWindow && answer.clientMaxWindowBits == 0: // only an offer may go without
		return fail(clientMaxWindowBits, ErrParameterValue)
	case config.ServerNoContextTakeover && !answer.serverNoContextTakeover:
		return fail(serverNoContextTakeover, ErrNotGranted)
	case serverBits < MaxWindowBits && (answer.serverMaxWindowBits == 0 || answer.serverMaxWindowBits > serverBits):
		return fail(serverMaxWindowBits, ErrNotGranted)
	case answer.clientMaxWindowBits > clientBits:
		return fail(clientMaxWindowBits, ErrNotOffered)
	}
	params = Params{
		ServerNoContextTakeover: answer.serverNoContextTakeover,
		// What the client promised, it keeps, whether the server wants it or not.
		ClientNoContextTakeover: answer.clientNoContextTakeover || config.ClientNoContextTakeover,
		ServerMaxWindowBits:     MaxWindowBits,
		ClientMaxWindowBits:     clientBits,
	}
	if answer.serverMaxWindowBits > 0 {
		params.ServerMaxWindowBits = answer.serverMaxWindowBits
	}
	if answer.clientMaxWindowBits > 0 {
		params.ClientMaxWindowBits = answer.clientMaxWindowBits
	}
	return params, true, nil
}

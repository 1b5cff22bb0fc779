package conformance

import (
	"github.com/wsproof/wsproof/internal/model"
)

// An acceptance is what the tester, as a server, accepts and asks for.
type acceptance struct {
	noTakeover bool // asks for client_no_context_takeover, which each client must obey (RFC 7692 7.1.1.2)
	bits       int  // asks for client_max_window_bits, of clients that know it; 0: does not ask
}

// answer is the answer to the first of the offers that the acceptance fits.
func (a acceptance) answer(offers []model.Element) (answer model.Element, ok bool) {
	for _, offer := range offers {
		knowsBits := offer.ClientMaxWindowBitsBare || offer.ClientMaxWindowBits != 0
		if a.bits != 0 && !knowsBits {
			continue
		}
		answer.ServerNoContextTakeover = offer.ServerNoContextTakeover
		answer.ServerMaxWindowBits = offer.ServerMaxWindowBits
		answer.ClientNoContextTakeover = a.noTakeover
		answer.ClientMaxWindowBits = a.bits
		if a.bits != 0 && offer.ClientMaxWindowBits != 0 {
			answer.ClientMaxWindowBits = min(a.bits, offer.ClientMaxWindowBits) // no larger than offered (RFC 7692 7.1.2.2)
		}
		return answer, true
	}
	return answer, false
}

// An agreement is what came of the negotiation in a case's opening handshake.
type agreement struct {
	deflate *model.Deflate // nil: not negotiated
	// lax is what a server ignored of what it was asked for, which a client that
	// can do without need not mind.
	lax string
	// broken is why a client fails the handshake.
	broken string
}

// accept is the tester's answer, as a server, to the lines of a request: the
// value of Sec-WebSocket-Extensions, "" if it accepts nothing.
func (d *Deflate) accept(lines []string) (answer string, agreed agreement) {
	offers, _, failed := model.Offers(lines)
	if failed != nil {
		return "", agreement{broken: "the client's offer cannot be read: " + failed.Text}
	}
	for _, a := range d.Accepts {
		if element, ok := a.answer(offers); ok {
			return element.String(), agreement{deflate: &element.Deflate}
		}
	}
	return "", agreement{}
}

// read is what the tester, as a client, makes of a server's answer.
func (d *Deflate) read(answer string) agreement {
	if answer == "" {
		return agreement{}
	}
	agreed, wrong := model.ReadAnswer(d.Offers, []string{answer})
	switch {
	case wrong == nil:
		return agreement{deflate: agreed}
	case wrong.Rule != "C6" && wrong.Rule != "C7":
		return agreement{broken: "the server's answer " + answer + " is wrong: " + wrong.Text + " (RFC 7692 7.1)"}
	}
	deflate, _ := model.Agreed(answer) // it is an element: only what was asked for is missing
	return agreement{deflate: &deflate, lax: "the server ignores what it was asked for: " + wrong.Text + " (RFC 7692 7.1); the original suite says OK"}
}

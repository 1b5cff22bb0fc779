package task

import "net/http"

// A Broadcast sends one message to many connections of a server. The ways: prepared is
// the library's own call for that, each writes the message to one after the other.
type Broadcast struct {
	API string
	// Open opens a connection on each stream by the request, whose offer of
	// permessage-deflate the server accepts: with context takeover where the offer and
	// the library have it. It returns what sends payload, prepared anew with each call,
	// to all of them, and returns when it is written.
	Open func(r *http.Request, streams []*Stream, payload []byte) (send func() error, err error)
}

// Offers of permessage-deflate by a client.
const (
	OfferNone       = ""
	OfferTakeover   = "permessage-deflate; client_max_window_bits"
	OfferNoTakeover = "permessage-deflate; server_no_context_takeover; client_no_context_takeover; client_max_window_bits"
)

// Offering returns the request of a client with an offer.
func Offering(offer string) *http.Request {
	r := Request()
	if offer != OfferNone {
		r.Header.Set("Sec-WebSocket-Extensions", offer)
	}
	return r
}

package protocol

// A State says how far the end of a connection has come (RFC 6455 §7).
type State uint8

// The states.
const (
	// Open: nothing ends it yet.
	Open State = iota
	// CloseSent: this side's Close went out, and the peer's is awaited (§7.1.2).
	CloseSent
	// CloseReceived: the peer's Close came, and this side's went out before or answers
	// it: the closing handshake is done (§7.1.3, §5.5.1).
	CloseReceived
	// Failed: this side fails the connection (§7.1.7); what comes no longer counts.
	Failed
	// Cut: the peer's bytes ended without a Close; what waits still goes out.
	Cut
	// Ended: the transport is closed (§7.1.4).
	Ended
)

// A ClosingEvent is what may happen to the end of a connection.
type ClosingEvent uint8

// The events.
const (
	// ThisSideCloses: the application wants to close.
	ThisSideCloses ClosingEvent = iota
	// ThisSideFails: the application's handler has returned an error, or panicked.
	ThisSideFails
	// PeerCloses: a valid Close came.
	PeerCloses
	// PeerFails: the peer broke a rule, or a timeout of this side, or a hook of this side
	// panicked, so that nothing of the peer's can be taken any more.
	PeerFails
	// BytesEnd: the peer's direction of the transport has ended.
	BytesEnd
	// Drained: what the peer still had to send has come, or as much as is waited for.
	Drained
	// Lost: the transport failed, closing took too long, or it is given up.
	Lost
)

// An Action is what is to be done about a ClosingEvent: a set of bits.
type Action uint8

// The actions, in the order in which they are done.
const (
	// SendClose: queue a Close frame (§5.5.1).
	SendClose Action = 1 << iota
	// Settle: what the application is told of the end is decided by this event, unless
	// it is.
	Settle
	// Bound: the time that closing may take begins, unless it runs: at its end the
	// connection is Lost.
	Bound
	// Shut: end this side's direction of the transport once all is written, the Close
	// included. In CloseReceived that is for the server (§7.1.1).
	Shut
	// Drain: read and drop what the peer still sends until it ends its direction, so
	// that nothing that is on its way to the peer is destroyed by bytes that nobody
	// read; then the connection is Drained.
	Drain
	// Drop: close the transport.
	Drop
)

type transition struct {
	to State
	do Action
}

// closing is the end of a connection: what follows from an event in a state. Where it
// has nothing, nothing does.
var closing = [Ended + 1][Lost + 1]transition{
	Open: {
		ThisSideCloses: {CloseSent, SendClose | Bound},
		ThisSideFails:  {CloseSent, SendClose | Settle | Bound},
		PeerCloses:     {CloseReceived, SendClose | Settle | Bound | Shut | Drain},
		PeerFails:      {Failed, SendClose | Settle | Bound | Shut | Drain},
		BytesEnd:       {Cut, Settle | Bound | Shut | Drain},
		Lost:           {Ended, Settle | Drop},
	},
	CloseSent: {
		ThisSideCloses: {CloseSent, Bound},
		ThisSideFails:  {CloseSent, Bound},
		PeerCloses:     {CloseReceived, Settle | Bound | Shut | Drain},
		PeerFails:      {Failed, Settle | Bound | Shut | Drain},
		BytesEnd:       {Cut, Settle | Bound | Shut | Drain},
		Lost:           {Ended, Settle | Drop},
	},
	CloseReceived: {
		Drained: {Ended, Drop},
		Lost:    {Ended, Drop},
	},
	Failed: {
		Drained: {Ended, Drop},
		Lost:    {Ended, Drop},
	},
	Cut: {
		Drained: {Ended, Drop},
		Lost:    {Ended, Drop},
	},
}

// On returns the state behind an event in state s, and what is to be done about it: in
// that state nothing, where the event changes nothing.
func (s State) On(event ClosingEvent) (State, Action) {
	t := closing[s][event]
	if t.do == 0 {
		return s, 0
	}
	return t.to, t.do
}

// String returns the state's name.
func (s State) String() string {
	names := [...]string{"open", "close sent", "close received", "failed", "cut", "ended"}
	if int(s) < len(names) {
		return names[s]
	}
	return "no state"
}

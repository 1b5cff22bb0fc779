package live

import "github.com/wsproof/wsproof/fuzz/input"

// Targets returns the targets of this package.
func Targets() []input.Target {
	return []input.Target{
		{Name: "Handshake", Check: Handshake, Words: explainHandshake, SeedsFrom: seedHandshake},
		{Name: "Dial", Check: Dial, Words: explainDial, SeedsFrom: seedDial},
		{Name: "Serve", Check: Serve, Words: explainServe, SeedsFrom: seedServe},
		{Name: "Stream", Check: Stream, Words: explainStream, SeedsFrom: seedStream, Compressed: true},
		{Name: "Socket", Check: Socket, Words: explainSocket, SeedsFrom: seedSocket},
		{Name: "Handler", Check: Handler, Words: explainHandler, SeedsFrom: seedHandler},
		{Name: "Options", Check: Options, Words: explainOptions, SeedsFrom: seedOptions},
	}
}

// target returns the target of that name.
func target(name string) *input.Target {
	t, _ := input.Find(Targets(), name)
	return &t
}

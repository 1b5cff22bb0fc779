// Package conformance runs the 517 cases of the Autobahn test suite,
// the yardstick of WebSocket implementations, natively: same ids, same
// verdicts, no Python and no Docker. Start with Catalogue and Select for the
// cases, Tester for servers under test, FuzzingServer for clients under test,
// and Report for what is written.
//
// Terms. The tester is this package; the peer is what is tested. One case is
// one connection: the tester plays the Case's Steps, the peer echoes each
// message, and when the connection is over two verdicts are given. Behavior
// says whether the events that came (messages, pongs, waits that passed) are
// those that the case expects; BehaviorClose whether the right side closed, in
// the right way, with a right code.
//
// The tester speaks through internal/wire and its own state machine, never
// through package websocket: a bug there cannot hide itself.
//
// Cases 12.* and 13.* are about permessage-deflate (RFC 7692). The tester sends
// with compress/flate, or with a small compressor of its own where the window is
// smaller, and reads with the inflater of internal/model, which measures how far
// back a peer refers. Sections 8 and 11 do not exist.
package conformance

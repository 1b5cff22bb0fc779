// Package wirefuzz fuzzes a running echo server of any kind over the wire
// (wsproof fuzz, and the target FuzzTarget).
//
// A transcript is what a client sends behind the opening handshake. Each is played
// on a connection of its own (exchange.go): first the part that is in order, whose
// echoes and pongs are awaited, so that nothing that follows can destroy them; then
// what breaks a rule, or a Close, or the end of TCP. What came back is held against
// package model (judge.go) in three levels: a MUST that is broken is a finding, a
// server that is stricter, or otherwise than the RFC has it typically, gets a note,
// and what RFC 6455 leaves open is nothing.
//
// A Run (run.go) plays many at once. Its inputs are the vectors, what the generator
// of the fuzz targets makes, and variants of those that a kind of answer came to
// which had not been seen before. What is seen is grouped by rule and behaviour
// (group.go). What may have come of a busy machine is played again alone, with
// patience, before it counts, and each group's transcript is made smaller (shrink.go).
// A server that ends, answers no more, or grows is told apart (down.go, grow.go).
//
// With Config.Compression each connection has permessage-deflate (RFC 7692), as the server
// agrees to it: inputs are also its vectors and compressed messages, right and wrong, and
// the model inflates what comes back (compressed.go).
package wirefuzz

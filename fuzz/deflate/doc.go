// Package deflate holds the harnesses and oracles of the fuzz targets of
// permessage-deflate (RFC 7692). As in package fuzz, the targets themselves
// (fuzz_test.go) are thin: each hands its input to one function, which returns an
// error in words if an oracle is offended. It is a package of its own so that its
// test binary links neither a connection nor net/http: the engine looks at the
// counters of all that is linked after each input.
//
//	go test -fuzz=Inflate ./fuzz/deflate
//
// Every check is a function of the input alone. The oracles are independent of the
// code under test: compress/flate, and plain code for the rules of the negotiation.
package deflate

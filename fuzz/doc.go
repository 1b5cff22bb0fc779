// Package fuzz holds the generators, harnesses and oracles of the fuzz targets.
// The targets themselves (fuzz_test.go) are thin: each hands its input to one
// function of this package, which returns an error in words if an oracle is
// offended, and nil otherwise. The commands below this folder use the same
// functions to run, replay and explain.
//
// Every check is a function of the input alone: randomness comes from the input
// bytes, transports are in memory, and nothing waits for a clock. The oracle is
// always independent of the code under test: package model (RFC 6455 as an
// executable reading), package wire (frames by plain code), or another way to
// the same result.
//
// # Inputs
//
// An input is one []byte. Structured targets decode it with a [Source], in which
// each byte is one decision. Whoever changes what a byte means makes the
// committed corpus mean something else: regenerate it (README.md).
package fuzz

// Package conform is the conformance suite as a command: the flags, the runs with
// engines, servers, clients and the original suite, what is printed, and what is
// written. Run is wsconform, Test is wsproof test; the cases and the tester are
// package conformance's.
package conform

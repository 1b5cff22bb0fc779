// Package live fuzzes what needs more than bytes: connections of the core, with their
// time, their locks and their transports, and the opening handshake.
package live

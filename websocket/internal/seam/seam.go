// Package seam is where this module's tests put something of their own below package
// websocket (package seamtest): a kernel that they play, or a watch of the memory that goes
// round. But in such tests all of it is nil.
package seam

// Taken is called with the memory of each buffer that comes out of a pool, or is made for
// one, and Freed with that of each that goes back.
var Taken, Freed func(p []byte)

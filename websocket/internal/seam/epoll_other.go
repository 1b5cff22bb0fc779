//go:build unix && !linux

package seam

// Epoll is Linux's.
type Epoll interface{}

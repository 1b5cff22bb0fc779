//go:build unix && !linux

package live

// Epoll is Linux's: elsewhere nothing is parked.
type epoll struct{ kernel *kernel }

func (*epoll) changed()   {}
func (*epoll) forget(int) {}

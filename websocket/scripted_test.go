package websocket

import (
	"bytes"
	"io"
	"sync"
)

// A scripted is a transport in memory: it delivers what it was given, in the way it
// was told to, and keeps what is written. It has neither deadlines nor CloseWrite.
type scripted struct {
	in    []byte
	chunk int   // bytes a Read; 0: as many as fit
	empty int   // every so many Reads return (0, nil); 0: none
	err   error // behind in; nil: Read blocks until Close
	reads int

	mu       sync.Mutex
	out      bytes.Buffer
	writes   int
	failAt   int // bytes that are taken before Write fails; 0: no failure
	writeErr error
	short    bool // Write takes less than it was given and reports nothing
	closes   int

	closed chan struct{}
}

func newScripted(in ...[]byte) *scripted {
	return &scripted{in: bytes.Join(in, nil), closed: make(chan struct{})}
}

func (s *scripted) Read(p []byte) (int, error) {
	s.reads++
	if s.empty > 0 && s.reads%s.empty == 0 {
		return 0, nil
	}
	if s.isClosed() {
		return 0, io.ErrClosedPipe
	}
	if len(s.in) > 0 {
		if s.chunk > 0 {
			p = p[:min(s.chunk, len(p))]
		}
		n := copy(p, s.in)
		s.in = s.in[n:]
		return n, nil
	}
	if s.err != nil {
		return 0, s.err
	}
	<-s.closed
	return 0, io.ErrClosedPipe
}

func (s *scripted) isClosed() bool {
	select {
	case <-s.closed:
		return true
	default:
		return false
	}
}

func (s *scripted) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.writes++
	if s.closes > 0 {
		return 0, io.ErrClosedPipe
	}
	if s.failAt > 0 && s.out.Len()+len(p) >= s.failAt {
		n, _ := s.out.Write(p[:max(0, s.failAt-1-s.out.Len())])
		if s.short {
			return n, nil
		}
		return n, s.writeErr
	}
	return s.out.Write(p)
}

func (s *scripted) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closes++; s.closes == 1 {
		close(s.closed)
	}
	return nil
}

func (s *scripted) written() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return bytes.Clone(s.out.Bytes())
}

package wirefuzz

import (
	"context"
	"slices"
)

// A Server is a running echo server to which transcripts are given one at a time, for
// whoever has an engine of their own.
type Server struct{ r *run }

// Open sees whether the server answers, speaks WebSocket, and echoes.
func Open(ctx context.Context, c Config) (*Server, error) {
	c.Only = true // nothing is chosen here
	r, err := newRun(ctx, c)
	if err != nil {
		return nil, err
	}
	return &Server{r}, nil
}

// Close ends what Open started.
func (s *Server) Close() { s.r.close() }

// Play gives a transcript, or the request of an opening handshake, to the server and
// returns what is to be said of its answer. What may come of a busy machine is played
// again, with patience, before it counts. The error says that there was no connection.
func (s *Server) Play(ctx context.Context, b []byte, handshake bool) ([]*Group, error) {
	r := s.r
	var list []sighting
	if handshake {
		var err error
		if list, _, err = r.shake(ctx, b, r.patient().owed); err != nil {
			return nil, err
		}
	} else {
		p := r.plan(b)
		for _, w := range []waits{r.company(p), r.patient()} {
			a, err := r.try(ctx, p, w)
			if err != nil {
				return nil, err
			}
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			if list = judge(p, a); !slices.ContainsFunc(list, func(s sighting) bool { return s.timed }) {
				break
			}
		}
	}
	groups := make([]*Group, 0, len(list))
	for _, s := range list {
		info := Info(s.Rule)
		groups = append(groups, &Group{
			Level: s.Level, Rule: s.Rule, Kind: s.Kind, What: s.What, Place: info.Place(), Sentence: info.Sentence,
			Why: s.Why, Count: 1, Alone: true, Input: b, Handshake: handshake,
		})
	}
	return groups, nil
}

// Alive is nil if the server echoes.
func (s *Server) Alive(ctx context.Context) error { return s.r.down(ctx, s.r.patient()) }

package field

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/wsproof/wsproof/conformance"
)

const (
	// clientJobs is how many clients run at once.
	clientJobs = 4
	// clientCases is how many cases a client's process plays.
	clientCases = 25
	// clientTime bounds a case of a client: the longest ones have 100 s, and thrice
	// that where they are played again.
	clientTime = 6 * time.Minute
	// afterCase is how long a client may live when its last case is over.
	afterCase = 500 * time.Millisecond
	// againPatience is the factor on all waits where failed cases are played again.
	againPatience = 3
)

// playClient is a player for a client. What fails is played again, each case by a
// process of its own, with patience: what fails only in company is no finding.
func (p place) playClient(im *Implementation) player {
	return func(ctx context.Context, cases []*conformance.Case) ([]judged, error) {
		all, err := p.clientRound(ctx, im, cases, clientCases, 1)
		if err != nil {
			return nil, err
		}
		var again []*conformance.Case
		var index []int
		for i, j := range all {
			if j.failed() {
				again, index = append(again, cases[i]), append(index, i)
			}
		}
		results, err := p.clientRound(ctx, im, again, 1, againPatience)
		for k, j := range results {
			all[index[k]] = j
		}
		list := make([]*conformance.Result, len(all))
		for i, j := range all {
			list[i] = j.result
		}
		conformance.SkipTooBig(list)
		return all, err
	}
}

// clientRound plays the cases, so many in a process.
func (p place) clientRound(ctx context.Context, im *Implementation, cases []*conformance.Case, size int, patience float64) ([]judged, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	r := &clientRun{place: p, im: im, over: make([]chan struct{}, len(cases)), once: make([]sync.Once, len(cases))}
	for i := range cases {
		r.over[i] = make(chan struct{})
		r.urls = append(r.urls, fmt.Sprintf("ws://%s/runCase?case=%d&agent=%s", l.Addr(), i+1, im.Name))
	}
	fuzzing := &conformance.FuzzingServer{Cases: cases, Patience: patience, ByRFC: true, Finished: func(result *conformance.Result) {
		i := result.Number - 1
		r.once[i].Do(func() { close(r.over[i]) })
	}}
	serving, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- fuzzing.Serve(serving, l) }()

	slots := make(chan struct{}, clientJobs)
	var wg sync.WaitGroup
	var mu sync.Mutex
	var errs []error
	for from := 0; from < len(cases); from += size {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			if err := r.play(ctx, from, min(from+size, len(cases))); err != nil {
				mu.Lock()
				errs = append(errs, err)
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	stop()
	if err := errors.Join(append(errs, <-done, ctx.Err())...); err != nil {
		return nil, err
	}
	all := make([]judged, len(cases))
	for _, result := range fuzzing.Results() {
		all[result.Number-1].result = result
	}
	return all, nil
}

// A clientRun is what the processes of one round share.
type clientRun struct {
	place
	im   *Implementation
	urls []string
	over []chan struct{} // closed when the case is
	once []sync.Once
}

// play runs a client for some of the cases, until it ends, or they are over, or
// nothing goes on.
func (r *clientRun) play(ctx context.Context, from, to int) error {
	dir, err := os.MkdirTemp("", "field-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	var words []string
	for word := range strings.FieldsSeq(r.im.Start) {
		if word == "{url}" {
			words = append(words, r.urls[from:to]...)
		} else {
			words = append(words, r.expand(word, "{dir}", dir))
		}
	}
	client, err := launch(words, r.env(), dir)
	if err != nil {
		return err
	}
	defer client.stop()
	late := time.NewTimer(clientTime)
	defer late.Stop()
	for _, over := range r.over[from:to] {
		select {
		case <-client.done:
			return nil // the verdicts tell
		case <-over:
			late.Reset(clientTime)
		case <-late.C:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	late.Reset(afterCase)
	select {
	case <-client.done:
	case <-late.C:
	}
	return nil
}

package conformance

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"sync"
	"time"
)

// probePath is where TestClient asks whether a client echoes.
const probePath = "/echoes"

// TestClient plays the cases with a client that it calls once for each, jobs at
// once, and returns their results in order. It listens on a port of its own on
// loopback. As Tester.Run, it first makes sure that the client connects and echoes,
// plays what may have failed for want of time again alone, and returns what it has
// where ctx ends before.
func (f *FuzzingServer) TestClient(ctx context.Context, client Client, agent string, jobs int) ([]*Result, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	serving, stop := context.WithCancel(ctx)
	var served sync.WaitGroup
	served.Go(func() { f.Serve(serving, l) })
	defer served.Wait()
	defer stop()
	base := "ws://" + l.Addr().String()
	f.mu.Lock()
	f.hold = true
	f.prepare(agent)
	f.mu.Unlock()
	if err := f.probe(ctx, client, base, agent); err != nil {
		return nil, err
	}
	errs := make([]error, len(f.Cases))
	run := func(picked []int, jobs int) {
		var chosen []*Case
		for _, i := range picked {
			chosen = append(chosen, f.Cases[i])
		}
		inParallel(chosen, newGate(max(jobs, 1)), func(k int) {
			i := picked[k]
			if ctx.Err() != nil {
				return
			}
			caseCtx, cancel := context.WithCancel(ctx)
			defer cancel()
			go f.release(caseCtx, cancel, agent, i+1)
			errs[i] = client(caseCtx, fmt.Sprintf("%s/runCase?case=%d&agent=%s", base, i+1, url.QueryEscape(agent)), echoBack)
		})
		f.settle(ctx, agent) // a client may end before the tester has judged
	}
	all := make([]int, len(f.Cases))
	for i := range all {
		all[i] = i
	}
	run(all, jobs)
	results := make([]*Result, len(f.Cases))
	collect := func() {
		for i, c := range f.Cases {
			switch r := f.result(agent, i+1); {
			case r != nil && r.Outcome.GaveUp == "":
				results[i] = r
			case r == nil && ctx.Err() == nil:
				results[i] = c.notPlayed(agent, i+1, errs[i])
			}
		}
	}
	collect()
	replayUncertain(f.Cases, results, jobs, func(picked []int, jobs int, patience float64) {
		if ctx.Err() == nil {
			f.setPatience(max(f.Patience, 1) * patience)
			run(picked, jobs)
			collect()
		}
	})
	if ctx.Err() != nil {
		leaveUncertain(results)
	}
	SkipTooBig(results)
	if f.Finished != nil {
		for _, r := range results {
			if r != nil && f.first(r.Number) {
				f.tell(func() { f.Finished(r) })
			}
		}
	}
	return results, ctx.Err()
}

// release ends a client that goes on for long behind the end of its connection, or
// behind the time that its case may take.
func (f *FuzzingServer) release(ctx context.Context, cancel func(), agent string, number int) {
	old := f.result(agent, number)
	longest := 30 * time.Second
	if e := f.Cases[number-1].Echo; e != nil {
		longest += e.Within
	}
	for over := time.Now().Add(time.Duration(float64(longest) * max(f.Patience, 1) * againPatience)); time.Now().Before(over); {
		f.mu.Lock()
		changed, r := f.changed, f.results[agent][number]
		f.mu.Unlock()
		if r != old {
			pause(ctx, 2*time.Second)
			break
		}
		wait := time.NewTimer(time.Until(over))
		select {
		case <-changed:
		case <-wait.C:
		case <-ctx.Done():
		}
		wait.Stop()
		if ctx.Err() != nil {
			return
		}
	}
	cancel()
}

func echoBack(_ bool, payload []byte) []byte {
	if payload == nil {
		payload = []byte{}
	}
	return payload
}

// notPlayed is the result of a case that the client has not connected for.
func (c *Case) notPlayed(agent string, number int, err error) *Result {
	if err == nil {
		err = errors.New("the client did not connect")
	}
	r := &Result{Case: c, Agent: agent, Number: number, Role: ServerRole, Started: time.Now(), Opening: err.Error()}
	r.judge()
	return r
}

// probe makes sure that the client connects, and that it echoes.
func (f *FuzzingServer) probe(ctx context.Context, client Client, base, agent string) error {
	err := client(ctx, base+probePath, echoBack)
	f.settle(ctx, probePath)
	f.mu.Lock()
	seen := f.probed
	f.mu.Unlock()
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case seen == nil && err != nil:
		return fmt.Errorf("the client %s does not connect: %w", agent, err)
	case seen == nil:
		return fmt.Errorf("the client %s does not connect: no WebSocket handshake came", agent)
	case *seen != "":
		return fmt.Errorf("the client %s is no echo client: a text message was sent, and %s. The cases need a client that sends each message back", agent, *seen)
	}
	return nil
}

// playProbe is what stands at probePath.
func (f *FuzzingServer) playProbe(ctx context.Context, o *opened) {
	f.begin(probePath)
	c := echoProbe(time.Duration(float64(3*time.Second) * max(f.Patience, 1)))
	out := play(ctx, c, ServerRole, o.conn, o.early, newWireLog(nil), 1)
	instead := c.instead(&out, "client")
	f.mu.Lock()
	f.probed = &instead
	f.running[probePath]--
	close(f.changed)
	f.changed = make(chan struct{})
	f.mu.Unlock()
}

// echoProbe is a case that asks whether a peer echoes.
func echoProbe(wait time.Duration) *Case {
	message := octets("wsproof asks: does this come back?")
	return &Case{
		ID: "0.0", Steps: []Step{Frame{Opcode: 1, Fin: true, Payload: message}, CloseAfter{wait}},
		Want: exactly(textEvent(message)), Close: byTester,
	}
}

// nothing is what instead says of a peer that is awake, and sends nothing.
const nothing = "nothing came back"

// instead says what came of an echoProbe; "" if the message came back.
func (c *Case) instead(out *Outcome, peer string) string {
	received, _ := c.counted(out.Received)
	switch {
	case slices.ContainsFunc(received, c.Want[0].Events[0].Equal):
		return ""
	case out.Fault != "":
		return "what came back breaks a rule: " + out.Fault
	case len(received) > 0:
		return received[0].String() + " came back"
	case !out.ClosedByMe:
		return out.ending(peer)
	case out.WasClean:
		return nothing
	}
	return "neither the message nor the Close behind it was answered"
}

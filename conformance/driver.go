package conformance

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"
)

// A Client connects to a URL and answers each message with what onMessage
// returns, until the connection is over. The error says why there was no
// connection.
type Client func(ctx context.Context, url string, onMessage func(binary bool, payload []byte) (reply []byte)) error

// Drive runs a client under test through the cases of the fuzzing server at
// base (ws://host:port), jobs at once, as the agent of that name.
func Drive(ctx context.Context, client Client, base, agent string, cases []*Case, jobs int) error {
	var first []byte
	err := client(ctx, base+"/getCaseCount", func(_ bool, payload []byte) []byte {
		if first == nil {
			first = append([]byte(nil), payload...)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("client %s cannot connect: %w", agent, err)
	}
	if count, err := strconv.Atoi(string(first)); err != nil || count != len(cases) {
		return fmt.Errorf("client %s got %q as the number of cases, not %d", agent, first, len(cases))
	}
	errs := make([]error, len(cases))
	inParallel(cases, newGate(max(jobs, 1)), func(i int) {
		if ctx.Err() != nil {
			return
		}
		u := fmt.Sprintf("%s/runCase?case=%d&agent=%s", base, i+1, url.QueryEscape(agent))
		errs[i] = client(ctx, u, echoBack)
	})
	if ctx.Err() != nil {
		return ctx.Err()
	}
	err = client(ctx, base+"/updateReports?agent="+url.QueryEscape(agent), func(bool, []byte) []byte { return nil })
	for i, c := range cases {
		if c.Opening != nil {
			errs[i] = nil // a client that refuses the handshake is right
		}
	}
	if err := errors.Join(append(errs, err)...); err != nil {
		return fmt.Errorf("client %s: %w", agent, err)
	}
	return nil
}

package conformance

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/wsproof/wsproof/internal/opening"
)

// probe makes sure that there is something to test: that a WebSocket server
// answers, and that it echoes. Otherwise the error says in one line what it does
// instead. It also finds out whether the server takes one connection at a time.
func (t *Tester) probe(ctx context.Context) error {
	idle, err := t.firstContact(ctx)
	if err != nil {
		return err
	}
	release := func() {
		play(ctx, &Case{Steps: []Step{CloseAfter{0}}, Close: byTester}, ClientRole, idle.conn, idle.early, newWireLog(nil), t.Patience)
	}
	// A second connection beside the first.
	beside, err := t.openBeside(ctx)
	switch {
	case err == nil && beside == nil:
		t.gate = newGate(1)
		release()
		if beside, err = t.open(ctx, ""); err != nil {
			return fmt.Errorf("the target %s answers no more after one connection: %w", t.URL, err)
		}
	case err != nil:
		release()
		return err
	default:
		defer release()
	}
	wait := t.within(3 * time.Second)
	instead := t.echoes(ctx, beside, wait)
	if instead == nothing && ctx.Err() == nil {
		// Once more, with patience: it may have been slow to start.
		if beside, err = t.open(ctx, ""); err != nil {
			return fmt.Errorf("the target %s answers no more after one message: %w", t.URL, err)
		}
		instead = t.echoes(ctx, beside, 2*wait)
	}
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case instead != "":
		return fmt.Errorf("the target %s is no echo server: a text message was sent, and %s. The cases need a server that sends each message back", t.URL, instead)
	}
	return nil
}

// Reach says why the server cannot be reached, or that it is no WebSocket server;
// nil if it is one. It plays nothing.
func (t *Tester) Reach(ctx context.Context) error {
	_, err := t.Server(ctx)
	return err
}

// Server is what the server calls itself in the Server header of its opening
// handshake; empty if it does not say. The errors are Reach's.
func (t *Tester) Server(ctx context.Context) (string, error) {
	if err := t.configure(); err != nil {
		return "", err
	}
	o, err := t.firstContact(ctx)
	if err != nil {
		return "", err
	}
	play(ctx, &Case{Steps: []Step{CloseAfter{0}}, Close: byTester}, ClientRole, o.conn, o.early, newWireLog(nil), 1)
	for line := range strings.SplitSeq(o.response, "\r\n") {
		if name, value, found := strings.Cut(line, ":"); found && strings.EqualFold(name, "Server") {
			return strings.TrimSpace(value), nil
		}
	}
	return "", nil
}

// firstContact opens the first connection. A server that does not answer gets a
// second chance, of three times the length: it may be busy with what was before.
func (t *Tester) firstContact(ctx context.Context) (*opened, error) {
	for _, patience := range []time.Duration{1, 3} {
		conn, err := t.dial(ctx)
		if err != nil {
			return nil, fmt.Errorf("the target %s cannot be reached: %w", t.URL, err)
		}
		o, err := openAsClient(ctx, conn, t.client, "", t.within(patience*handshakeTimeout))
		if err == nil {
			return o, nil
		}
		conn.Close()
		if ctx.Err() != nil || patience > 1 || !errors.Is(err, context.DeadlineExceeded) {
			return nil, fmt.Errorf("the target %s is no WebSocket server: %w", t.URL, err)
		}
	}
	panic("unreachable")
}

// openBeside opens a connection while another one is open. It returns nil if that
// takes longer than any server needs that serves both.
func (t *Tester) openBeside(ctx context.Context) (*opened, error) {
	conn, err := t.dial(ctx)
	if err != nil {
		return nil, fmt.Errorf("the target %s takes no second connection: %w", t.URL, err)
	}
	o, err := openAsClient(ctx, conn, t.client, "", t.within(2*time.Second))
	if err != nil {
		conn.Close()
		return nil, ctx.Err()
	}
	return o, nil
}

// echoes says what the server did on the connection instead of sending a message
// back; "" if it did.
func (t *Tester) echoes(ctx context.Context, o *opened, wait time.Duration) (instead string) {
	c := echoProbe(wait)
	out := play(ctx, c, ClientRole, o.conn, o.early, newWireLog(nil), 1)
	return c.instead(&out, "server")
}

// open opens a connection for a case. It tries again while nothing listens, as a
// server may be restarted, and tells the gate how fast the server is.
func (t *Tester) open(ctx context.Context, offer string) (*opened, error) {
	for try := 0; ; try++ {
		begun := time.Now()
		conn, err := t.dial(ctx)
		gone := err != nil && refused(err)
		if err == nil {
			var o *opened
			if o, err = openAsClient(ctx, conn, t.client, offer, t.within(handshakeTimeout)); err == nil {
				t.gate.opened(begun)
				t.failures.Store(0)
				return o, nil
			}
			conn.Close()
		}
		t.gate.opened(begun)
		switch {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case gone && try < 5:
			pause(ctx, 50*time.Millisecond<<try)
			continue
		case gone:
			t.dead(&DiedError{Target: t.URL, Cases: t.suspects(), Err: err})
		case unanswered(err) && t.failures.Add(1) >= int64(max(3, min(8, t.gate.now()))):
			t.unlessItAnswers(ctx, err)
		}
		return nil, err
	}
}

// unlessItAnswers ends the run if the server, after many failed openings, does not
// answer one that has all the time it needs.
func (t *Tester) unlessItAnswers(ctx context.Context, cause error) {
	t.asking.Lock()
	defer t.asking.Unlock()
	if ctx.Err() != nil || t.failures.Load() == 0 {
		return
	}
	conn, err := t.dial(ctx)
	if err == nil {
		var o *opened
		if o, err = openAsClient(ctx, conn, t.client, "", t.within(3*handshakeTimeout)); err == nil {
			t.failures.Store(0)
			play(ctx, &Case{Steps: []Step{CloseAfter{0}}, Close: byTester}, ClientRole, o.conn, o.early, newWireLog(nil), 1)
			return
		}
		conn.Close()
	}
	if ctx.Err() == nil {
		t.dead(&DiedError{Target: t.URL, Cases: t.suspects(), Hangs: true, Err: cause})
	}
}

// refused says whether nothing listens at the address.
func refused(err error) bool {
	return errors.Is(err, syscall.ECONNREFUSED) || strings.Contains(err.Error(), "refused")
}

// unanswered says whether nothing came back for an opening handshake, or TCP was
// dropped before it was through.
func unanswered(err error) bool {
	return errors.Is(err, opening.ErrNoResponse) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) ||
		errors.Is(err, io.EOF) || errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded)
}

// within is the time that the peer has, with patience.
func (t *Tester) within(d time.Duration) time.Duration {
	return time.Duration(float64(d) * max(t.patience, t.Patience, 1))
}

// A DiedError says that the server under test has stopped to answer in the middle
// of a run.
type DiedError struct {
	Target string
	// Cases are those that were played when it stopped: one of them did it.
	Cases []string
	// Hangs: something listens still, and answers nothing.
	Hangs bool
	Err   error // of the last try to connect
}

// Unwrap is the error of the last try to connect.
func (e *DiedError) Unwrap() error { return e.Err }

// Error is one line.
func (e *DiedError) Error() string {
	what := "has died: nothing listens there any more"
	if e.Hangs {
		what = "answers no more"
	}
	who := ", after the last case was over"
	switch len(e.Cases) {
	case 0:
	case 1:
		who = "; it was playing case " + e.Cases[0]
	default:
		who = "; it was playing one of the cases " + strings.Join(e.Cases, ", ") + " (played one at a time, with 1 job, they tell which)"
	}
	return fmt.Sprintf("the target %s %s%s", e.Target, what, who)
}

// dead ends the run.
func (t *Tester) dead(err *DiedError) {
	if t.end != nil {
		t.end(err)
	}
}

// An ending is when the connection of a case was over, and whether by the peer
// alone, without a closing handshake.
type ending struct {
	id     string
	at     time.Time
	abrupt bool
}

// ended keeps the ending of a case.
func (t *Tester) ended(r *Result) {
	t.mu.Lock()
	defer t.mu.Unlock()
	abrupt := r.Opening == "" && !r.Outcome.DroppedByMe && !r.Outcome.RemoteClosed
	t.endings = append(t.endings, ending{r.Case.ID, r.Started.Add(r.Duration), abrupt})
}

// suspects are the cases whose connections ended when the server did.
func (t *Tester) suspects() (ids []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	var last time.Time
	for _, e := range t.endings {
		if e.abrupt && e.at.After(last) {
			last = e.at
		}
	}
	for _, e := range t.endings {
		if e.abrupt && last.Sub(e.at) < 100*time.Millisecond {
			ids = append(ids, e.id)
		}
	}
	return ids
}

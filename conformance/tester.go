package conformance

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/wsproof/wsproof/internal/opening"
)

// DefaultJobs is the number of cases that are played side by side unless told
// otherwise. Most cases wait; few work.
const DefaultJobs = 48

// A Tester plays cases against a server.
type Tester struct {
	// URL of the server under test: it must echo every message.
	URL string
	// Agent is the server's name in results. Default: the URL's host.
	Agent string
	// Jobs is the number of cases played at once. Default: DefaultJobs.
	Jobs int
	// Patience, where above 1, multiplies the time that the peer has to answer:
	// for machines so busy that half a second is nothing. The waits between
	// frames stay as the cases have them.
	Patience float64
	// Header is sent along with each opening handshake, and Subprotocols are
	// offered in it.
	Header       http.Header
	Subprotocols []string
	// TLS is for wss. Default: the zero tls.Config, which trusts the certificates
	// that the system trusts.
	TLS *tls.Config
	// Dial opens a transport to the server. Default: TCP, with TLS for wss.
	Dial func(ctx context.Context) (net.Conn, error)
	// Started and Finished, if set, are told of each case. They may be called
	// from several goroutines, but not at the same time.
	Started  func(*Case)
	Finished func(*Result)
	// Wire, if set, sees each entry of the wire logs as it is made.
	Wire func(*Case, LogEntry)

	// MaxMessage, if set, is the longest message in octets that the server is
	// sent: cases with longer ones are not played.
	MaxMessage int
	// Original keeps the original suite's verdict where a server refuses long
	// messages: see SkipTooBig.
	Original bool
	// ByRFC makes NON-STRICT of a failure that is only the code of the server's Close,
	// where it may be sent: RFC 6455 does not fix it, though the original suite does.
	ByRFC bool

	client   *opening.Client
	patience float64 // of the round that is played
	gate     *gate
	end      func(error) // ends the run
	failures atomic.Int64
	asking   sync.Mutex
	mu       sync.Mutex
	endings  []ending
}

// Run plays the cases, several at once, and returns their results in the order
// of the cases. Before that it makes sure that there is an echo server: if not,
// the error says what there is, and no case is played. A case that fails in a way
// that may come of too little time is played again alone, with patience, before
// that counts. If ctx is done, or the server dies (a *DiedError), the error says
// so, and the results of the cases that were not played to their end are nil.
func (t *Tester) Run(ctx context.Context, cases []*Case) ([]*Result, error) {
	if err := t.configure(); err != nil {
		return nil, err
	}
	if err := t.probe(ctx); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	t.end = cancel
	results := make([]*Result, len(cases))
	inParallel(cases, t.gate, func(i int) {
		c := cases[i]
		if length, _ := c.longest(); t.MaxMessage > 0 && length > t.MaxMessage {
			results[i] = c.tooBig(t.Agent, i+1, ClientRole, t.MaxMessage)
			return
		}
		if ctx.Err() != nil {
			return
		}
		t.tell(func() {
			if t.Started != nil {
				t.Started(c)
			}
		})
		if r := t.play(ctx, i+1, c); r.Outcome.GaveUp == "" {
			results[i] = r
			if r.final() {
				t.finished(r)
			}
		}
	})
	open := make([]bool, len(cases)) // not told to Finished yet
	for i, r := range results {
		open[i] = r != nil && (!r.final() || r.Skipped != "")
	}
	replayUncertain(cases, results, t.gate.now(), func(picked []int, jobs int, patience float64) {
		t.gate, t.patience = newGate(jobs), max(t.Patience, 1)*patience
		var chosen []*Case
		for _, i := range picked {
			chosen = append(chosen, cases[i])
		}
		inParallel(chosen, t.gate, func(k int) {
			i := picked[k]
			if ctx.Err() != nil {
				return
			}
			if r := t.play(ctx, i+1, cases[i]); r.Outcome.GaveUp == "" {
				results[i] = r
			}
		})
	})
	if errors.Is(context.Cause(ctx), context.Canceled) || errors.Is(context.Cause(ctx), context.DeadlineExceeded) {
		leaveUncertain(results)
	}
	if !t.Original {
		SkipTooBig(results)
	}
	for i, r := range results {
		if open[i] && r != nil {
			t.finished(r)
		}
	}
	return results, context.Cause(ctx)
}

func (t *Tester) finished(r *Result) {
	t.tell(func() {
		if t.Finished != nil {
			t.Finished(r)
		}
	})
}

// configure checks the URL, and fills in what is left to its default.
func (t *Tester) configure() error {
	u, err := ParseTarget(t.URL)
	if err != nil {
		return err
	}
	t.client = &opening.Client{URL: u, Header: t.Header, Subprotocols: t.Subprotocols, TLS: t.TLS}
	if t.Agent == "" {
		t.Agent = u.Host
	}
	if t.Dial == nil {
		t.Dial = t.client.Connect
	}
	if t.Jobs <= 0 {
		t.Jobs = DefaultJobs
	}
	t.patience = t.Patience
	t.gate = newGate(t.Jobs)
	return nil
}

func (t *Tester) dial(ctx context.Context) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, handshakeTimeout)
	defer cancel()
	return t.Dial(ctx)
}

// ParseTarget reads the URL of a server under test.
func ParseTarget(s string) (*url.URL, error) { return opening.ParseURL(s) }

// play plays one case.
func (t *Tester) play(ctx context.Context, number int, c *Case) *Result {
	r := &Result{Case: c, Agent: t.Agent, Number: number, Role: ClientRole, Started: time.Now(), byRFC: t.ByRFC}
	if c.Opening != nil {
		t.playOpening(ctx, r)
		t.ended(r)
		return r
	}
	offer := ""
	if c.Deflate != nil {
		offer = c.Deflate.Extensions()
	}
	o, err := t.open(ctx, offer)
	if err != nil {
		if ctx.Err() != nil {
			r.Outcome.GaveUp = ctx.Err().Error()
		}
		r.Opening = err.Error()
		r.judge()
		return r
	}
	r.open(ctx, o, t.observer(c), t.patience)
	t.ended(r)
	return r
}

// open plays the result's case on a connection that is open, and judges.
func (r *Result) open(ctx context.Context, o *opened, observe func(LogEntry), patience float64) {
	r.Request, r.Response = o.request, o.response
	log := newWireLog(observe)
	c := r.Case
	if c.Deflate != nil {
		r.openDeflated(ctx, o, log, patience)
	} else {
		r.Outcome = play(ctx, c, r.Role, o.conn, o.early, log, patience)
		r.judge()
	}
	r.Duration = time.Since(r.Started)
	log.finish()
	r.Log = log.entries
}

// openDeflated plays a permessage-deflate case, if the extension was negotiated.
func (r *Result) openDeflated(ctx context.Context, o *opened, log *wireLog, patience float64) {
	c, agreed := r.Case, o.agreed
	if r.Role == ClientRole {
		agreed = c.Deflate.read(o.deflate)
	}
	switch {
	case agreed.broken != "":
		o.conn.Close()
		r.Opening = agreed.broken
		r.judge()
	case agreed.deflate == nil:
		r.Outcome = play(ctx, &Case{ID: c.ID, Steps: []Step{CloseAfter{0}}, Close: byTester}, r.Role, o.conn, o.early, log, patience)
		r.Outcome.Declined = "the " + peerName(r.Role) + " did not negotiate permessage-deflate"
		if r.Role == ServerRole && o.deflate != "" {
			r.Outcome.Declined = "the client does not offer what the case asks for: " + o.deflate
		}
		r.judge()
	default:
		r.Outcome = playDeflated(ctx, c, newDeflater(c.Deflate, *agreed.deflate, r.Role), r.Role, o.conn, o.early, log, patience)
		r.Outcome.Lax = agreed.lax
		r.judge()
	}
}

func (t *Tester) observer(c *Case) func(LogEntry) {
	if t.Wire == nil {
		return nil
	}
	return func(e LogEntry) { t.tell(func() { t.Wire(c, e) }) }
}

func (t *Tester) tell(f func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	f()
}

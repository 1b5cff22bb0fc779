package conformance

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/url"
	"runtime"
	"sync"
	"time"
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
	// Dial opens a transport to the server. Default: TCP, with TLS for wss.
	Dial func(ctx context.Context) (net.Conn, error)
	// Started and Finished, if set, are told of each case. They may be called
	// from several goroutines, but not at the same time.
	Started  func(*Case)
	Finished func(*Result)
	// Wire, if set, sees each entry of the wire logs as it is made.
	Wire func(*Case, LogEntry)

	target *url.URL
	mu     sync.Mutex
}

// Run plays the cases, several at once, and returns their results in the order
// of the cases. Before that it opens and closes one connection: if that fails,
// the error says why, and no case is played.
func (t *Tester) Run(ctx context.Context, cases []*Case) ([]*Result, error) {
	if err := t.prepare(ctx); err != nil {
		return nil, err
	}
	results := make([]*Result, len(cases))
	inParallel(cases, t.Jobs, func(i int) {
		if ctx.Err() != nil {
			return
		}
		results[i] = t.play(ctx, i+1, cases[i])
	})
	return results, ctx.Err()
}

// inParallel calls do for each case, jobs at once. The cases that move much are
// held to the number of processors, so that they do not starve the cases whose
// bounds are short.
func inParallel(cases []*Case, jobs int, do func(i int)) {
	if jobs <= 0 {
		jobs = DefaultJobs
	}
	var wg sync.WaitGroup
	slots := make(chan struct{}, jobs)
	heavy := make(chan struct{}, max(1, min(jobs, runtime.GOMAXPROCS(0))))
	run := func(i int) {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			do(i)
		})
	}
	for i, c := range cases {
		if c.Section() != 9 {
			run(i)
		}
	}
	for i, c := range cases {
		if c.Section() == 9 {
			heavy <- struct{}{}
			slots <- struct{}{}
			wg.Go(func() {
				defer func() { <-slots; <-heavy }()
				do(i)
			})
		}
	}
	wg.Wait()
}

// prepare checks the URL and that a WebSocket server answers there.
func (t *Tester) prepare(ctx context.Context) error {
	u, err := ParseTarget(t.URL)
	if err != nil {
		return err
	}
	t.target = u
	if t.Agent == "" {
		t.Agent = u.Host
	}
	if t.Dial == nil {
		t.Dial = func(ctx context.Context) (net.Conn, error) { return dialTarget(ctx, u) }
	}
	conn, err := t.dial(ctx)
	if err != nil {
		return fmt.Errorf("the target %s cannot be reached: %w", t.URL, err)
	}
	o, err := openAsClient(ctx, conn, t.target, "")
	if err != nil {
		conn.Close()
		return fmt.Errorf("the target %s is no WebSocket server: %w", t.URL, err)
	}
	log := newWireLog(nil)
	play(ctx, &Case{Steps: []Step{CloseAfter{0}}, Close: byTester}, ClientRole, o.conn, o.early, log, t.Patience)
	return nil
}

func (t *Tester) dial(ctx context.Context) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, handshakeTimeout)
	defer cancel()
	return t.Dial(ctx)
}

// ParseTarget reads the URL of a server under test.
func ParseTarget(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	if err != nil {
		return nil, fmt.Errorf("the target %q is no URL: %w", s, err)
	}
	if (u.Scheme != "ws" && u.Scheme != "wss") || u.Host == "" {
		return nil, fmt.Errorf("the target %q is no WebSocket URL: it must look like ws://host:port/path", s)
	}
	return u, nil
}

func dialTarget(ctx context.Context, u *url.URL) (net.Conn, error) {
	host, port := u.Hostname(), u.Port()
	var d net.Dialer
	if u.Scheme == "wss" {
		if port == "" {
			port = "443"
		}
		// The certificate of a server under test is often its own.
		t := tls.Dialer{Config: &tls.Config{ServerName: host, InsecureSkipVerify: true, NextProtos: []string{"http/1.1"}}}
		return t.DialContext(ctx, "tcp", net.JoinHostPort(host, port))
	}
	if port == "" {
		port = "80"
	}
	return d.DialContext(ctx, "tcp", net.JoinHostPort(host, port))
}

// play plays one case.
func (t *Tester) play(ctx context.Context, number int, c *Case) *Result {
	r := &Result{Case: c, Agent: t.Agent, Number: number, Role: ClientRole, Started: time.Now()}
	t.tell(func() {
		if t.Started != nil {
			t.Started(c)
		}
	})
	defer t.tell(func() {
		if t.Finished != nil {
			t.Finished(r)
		}
	})
	offer := ""
	if c.Deflate != nil {
		offer = c.Deflate.Extensions
	}
	conn, err := t.dial(ctx)
	var o *opened
	if err == nil {
		if o, err = openAsClient(ctx, conn, t.target, offer); err != nil {
			conn.Close()
		}
	}
	if err != nil {
		r.Opening = err.Error()
		r.judge()
		return r
	}
	r.open(ctx, o, t.observer(c), t.Patience)
	return r
}

// open plays the result's case on a connection that is open, and judges.
func (r *Result) open(ctx context.Context, o *opened, observe func(LogEntry), patience float64) {
	r.Request, r.Response = o.request, o.response
	log := newWireLog(observe)
	c := r.Case
	if c.Deflate != nil {
		// See Deflate: only the negotiation is there so far.
		r.Outcome = play(ctx, &Case{Steps: []Step{CloseAfter{0}}, Close: byTester}, r.Role, o.conn, o.early, log, patience)
		r.Behavior, r.BehaviorClose = Unimplemented, Unimplemented
		r.Why = "The peer did not negotiate permessage-deflate."
		if r.Role == ClientRole && o.deflate != "" {
			r.Why = "The tester cannot compress yet; the server would: " + o.deflate + "."
		}
	} else {
		r.Outcome = play(ctx, c, r.Role, o.conn, o.early, log, patience)
		r.judge()
	}
	r.Duration = time.Since(r.Started)
	log.finish()
	r.Log = log.entries
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

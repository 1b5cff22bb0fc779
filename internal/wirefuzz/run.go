package wirefuzz

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/wsproof/wsproof/internal/model"
	"github.com/wsproof/wsproof/internal/opening"
)

// A Config says what to fuzz, and how.
type Config struct {
	Client *opening.Client
	// Jobs is how many connections there are at once. Default: 16.
	Jobs int
	// Patience is a factor on the time that the server gets. Default: 1.
	Patience float64
	// MaxMessage is the longest frame, in bytes, that the server is known to take: what
	// it does with longer ones may be for a limit of its own. Default: 16 KiB.
	MaxMessage int
	// Duration and Executions bound the run; 0 is no bound.
	Duration   time.Duration
	Executions int
	// Seed chooses the inputs.
	Seed uint64
	// Inputs are played before all others, and only they if Only is set.
	Inputs [][]byte
	Only   bool
	// PID is the server's process, whose memory is watched; 0: none is.
	PID int
	// Restart is a command of the shell that starts the server, and stays or not.
	Restart string
	// Again starts the server instead, and returns where it is then.
	Again func(ctx context.Context) (*opening.Client, error)
	// Handshake adds opening handshakes to the inputs.
	Handshake bool
	// Compression has each connection use permessage-deflate (RFC 7692): the server must
	// agree on it.
	Compression bool
	// Progress is called about every ten seconds, and with each new group.
	Progress func(Progress)
}

// A Progress is how far a run is.
type Progress struct {
	Elapsed    time.Duration
	Executions int
	Rate       float64 // a second, since the last one
	Answers    int     // kinds of answer that were seen
	Findings   int     // groups
	Notes      int
	New        *Group // the group that has just been found, if one has
	Say        string // what else is to be told
}

// DefaultJobs and DefaultMaxMessage are the defaults of a Config.
const (
	DefaultJobs       = 16
	DefaultMaxMessage = 16 << 10
)

// A run is a Config that is being done.
type run struct {
	Config
	began  time.Time
	source *source

	// alone is held for reading by whoever plays an input among others, for writing by
	// whoever must be alone with the server.
	alone sync.RWMutex
	soft  atomic.Int64 // how long a server gets, in company: ns

	executions atomic.Int64
	stopped    atomic.Bool

	mu      sync.Mutex // guards all below
	groups  map[string]*group
	order   []string
	kinds   map[string]bool // of answers that were seen
	recent  [recents]record
	next    int // in recent
	current []record
	epoch   int // how often the server went down
	slow    map[waitKey]bool
	avoid   []model.Rule // that bring the server down
	fell    int
	gone    error // why the run had to end

	// What the server agrees on, of permessage-deflate, and its words; nil without
	// Compression. Set by contact, for all connections.
	deflate *model.Deflate
	agreed  string

	child   *process
	memory  *memory
	skipped int // inputs that had no connection
	last    time.Time
	lastN   int
}

// recents is how many inputs are remembered, for what shows late.
const recents = 4096

// A record is an input that was played.
type record struct {
	b         []byte
	handshake bool
}

// A noEchoError says that the server is none for this.
type noEchoError struct {
	instead string
	nothing bool // came, for as long as it was waited
}

func (e *noEchoError) Error() string {
	return fmt.Sprintf("the server is no echo server: a text message was sent, and %s; the fuzzer needs one that sends each message back", e.instead)
}

// Run fuzzes until it is over, or ctx is. The error says why it could not be done; the
// report holds what was done until then, and is nil if that is nothing.
func Run(ctx context.Context, c Config) (*Report, error) {
	r, err := newRun(ctx, c)
	if err != nil {
		return nil, err
	}
	defer r.close()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if r.Duration > 0 {
		// No deadline: what is under way then would fail by it, and not be cancelled.
		over := time.AfterFunc(r.Duration, cancel)
		defer over.Stop()
	}
	var others sync.WaitGroup
	watching, stopWatching := context.WithCancel(ctx)
	others.Go(func() { r.report(watching) })
	if r.memory != nil {
		others.Go(func() { r.watchMemory(watching) })
	}
	var workers sync.WaitGroup
	for i := range r.Jobs {
		workers.Go(func() { r.work(ctx, i) })
	}
	workers.Wait()
	stopWatching()
	others.Wait()
	return r.result(), r.gone
}

// newRun starts the server if that is the user's wish, and sees whether it echoes.
func newRun(ctx context.Context, c Config) (*run, error) {
	if c.Jobs == 0 {
		c.Jobs = DefaultJobs
	}
	if c.Patience == 0 {
		c.Patience = 1
	}
	if c.MaxMessage == 0 {
		c.MaxMessage = DefaultMaxMessage
	}
	r := &run{Config: c, groups: map[string]*group{}, kinds: map[string]bool{}, slow: map[waitKey]bool{}, current: make([]record, c.Jobs), began: time.Now()}
	r.last = r.began
	r.soft.Store(int64(r.within(250 * time.Millisecond)))
	var err error
	if r.Restart != "" {
		if conn, err := r.Client.Connect(ctx); err == nil {
			conn.Close()
		} else if err := r.restart(ctx); err != nil {
			return nil, err
		}
	}
	if err := r.contact(ctx); err != nil {
		r.close()
		return nil, err
	}
	if r.source, err = newSource(&r.Config, r.deflate); err != nil {
		r.close()
		return nil, err
	}
	if r.memory, err = newMemory(r); err != nil {
		r.close()
		return nil, err
	}
	return r, nil
}

func (r *run) close() {
	if r.child != nil {
		r.child.stop()
	}
}

// within is d with patience.
func (r *run) within(d time.Duration) time.Duration {
	return time.Duration(float64(d) * r.Patience)
}

// patient is how long a server gets that has nothing else to do.
func (r *run) patient() waits {
	return waits{open: r.within(10 * time.Second), owed: r.within(5 * time.Second), end: r.within(3 * time.Second), quiet: r.within(400 * time.Millisecond)}
}

// A waitKey is what a server is known to let one wait for.
type waitKey struct {
	rule model.Rule
	kind Kind
}

// company is how long the server gets among others. Where it is known to be of no use
// to wait, it is short.
func (r *run) company(p *plan) waits {
	soft := time.Duration(r.soft.Load())
	w := waits{open: max(2*time.Second, 2*soft), owed: soft, end: soft, quiet: max(soft/8, 20*time.Millisecond)}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.slow) == 0 {
		return w
	}
	if r.slow[waitKey{TCPClosed, LeavesOpen}] || r.slow[waitKey{TCPEnds, LeavesOpen}] {
		w.end = w.quiet
	}
	if r.slow[waitKey{p.breaks(), Stays}] || r.slow[waitKey{MessageReceived, Loses}] || r.slow[waitKey{model.PingAnswered, Loses}] {
		w.owed = max(w.quiet, soft/4)
	}
	return w
}

// contact sees whether the server answers, speaks WebSocket, and echoes.
func (r *run) contact(ctx context.Context) error {
	if r.Compression {
		if err := r.negotiate(ctx); err != nil {
			return err
		}
	}
	err := r.echoes(ctx, r.patient())
	if late := new(noEchoError); errors.As(err, &late) && ctx.Err() == nil {
		return r.echoes(ctx, r.patient()) // it may have been slow to start
	}
	return err
}

// hello is a plain message, and its plan.
var hello = own(1, []byte("is this an echo server?"))

// echoes is nil if a plain message comes back.
func (r *run) echoes(ctx context.Context, w waits) error {
	p := r.plan(hello)
	w.end = min(w.end, 20*time.Millisecond) // what it does behind that is another's matter
	a, err := r.try(ctx, p, w)
	switch {
	case err != nil:
		return err
	case ctx.Err() != nil:
		return ctx.Err()
	case len(a.messages) > 0 && same(a.messages[0], p.want.Messages[0]):
		return nil
	case len(a.messages) > 0:
		return &noEchoError{instead: fmt.Sprintf("%v came back", a.messages[0])}
	case len(a.codes) > 0:
		return &noEchoError{instead: "the server closed with " + a.closeText()}
	case a.end != stillOpen:
		return &noEchoError{instead: "the server " + a.endText()}
	}
	return &noEchoError{instead: "nothing came back", nothing: true}
}

// An openError says that there was no connection, or no opening handshake.
type openError struct {
	err     error
	connect bool // there was no connection
}

func (e *openError) Error() string {
	if e.connect {
		return "the server cannot be reached: " + e.err.Error()
	}
	return "no WebSocket server: " + e.err.Error()
}

func (e *openError) Unwrap() error { return e.err }

// try plays a transcript on a connection of its own.
func (r *run) try(ctx context.Context, p *plan, w waits) (*answer, error) {
	open, cancel := context.WithTimeout(ctx, w.open)
	defer cancel()
	conn, err := r.Client.Connect(open)
	if err != nil {
		return nil, &openError{err, true}
	}
	offer := ""
	if p.deflate != nil {
		offer = deflateOffer
	}
	o, err := r.Client.Handshake(open, conn, offer)
	if err == nil && o.Extensions != r.agreed {
		err = fmt.Errorf("the same offer was answered by %q before, and by %q now", r.agreed, o.Extensions)
	}
	if err != nil {
		conn.Close()
		return nil, &openError{err, false}
	}
	return play(ctx, o, p, w), nil
}

// work plays inputs until the run is over.
func (r *run) work(ctx context.Context, worker int) {
	for ctx.Err() == nil && !r.stopped.Load() {
		in, ok := r.source.take()
		if !ok || r.Executions > 0 && r.executions.Add(1) > int64(r.Executions) {
			return
		}
		if r.Executions == 0 {
			r.executions.Add(1)
		}
		r.one(ctx, worker, in)
	}
}

// one plays an input.
func (r *run) one(ctx context.Context, worker int, in *item) {
	r.alone.RLock()
	r.mu.Lock()
	epoch := r.epoch
	r.mu.Unlock()
	if in.handshake {
		r.begin(worker, in)
		list, kind, err := r.shake(ctx, in.b, r.patient().owed)
		r.done(worker)
		r.alone.RUnlock()
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			r.trouble(ctx, epoch, err)
			return
		}
		r.news(kind, in)
		for _, s := range list {
			r.see(ctx, s, in)
		}
		return
	}
	p := r.plan(in.b)
	if r.avoids(p) {
		r.alone.RUnlock()
		return
	}
	r.begin(worker, in)
	a, err := r.try(ctx, p, r.company(p))
	r.done(worker)
	r.alone.RUnlock()
	if ctx.Err() != nil {
		return // what is missing may be because of that
	}
	if err != nil {
		r.trouble(ctx, epoch, err)
		return
	}
	list := judge(p, a)
	r.news(kindOf(p, a, list), in)
	for _, s := range list {
		r.see(ctx, s, in)
	}
}

// begin notes that a worker plays an input.
func (r *run) begin(worker int, in *item) {
	r.mu.Lock()
	r.current[worker] = record{in.b, in.handshake}
	r.mu.Unlock()
}

// done notes that a worker has played its input.
func (r *run) done(worker int) {
	r.mu.Lock()
	r.recent[r.next%recents] = r.current[worker]
	r.next++
	r.current[worker] = record{}
	r.mu.Unlock()
}

// news keeps an input whose answer is of a kind that was not seen before.
func (r *run) news(kind string, in *item) {
	r.mu.Lock()
	fresh := !r.kinds[kind]
	r.kinds[kind] = true
	r.mu.Unlock()
	if fresh {
		r.source.keep(in)
	}
}

// kindOf is the kind of an answer, by the state in which it came: what the bytes did,
// and what the server did.
func kindOf(p *plan, a *answer, list []sighting) string {
	few := func(n int) int { return min(n, 3) }
	var last, before byte = 0xFF, 0xFF
	size := 0
	if n := len(p.spans); n > 0 {
		f := &p.spans[n-1].Frame
		if p.last != nil {
			f = &p.last.Frame
		}
		last = f.Opcode
		if f.Fin {
			last |= 0x80
		}
		for l := f.Length; l > 0; l >>= 3 {
			size++
		}
		if n > 1 {
			before = p.spans[n-2].Frame.Opcode
		}
	}
	code := uint16(0)
	if len(a.codes) > 0 {
		code = a.codes[0]
	}
	keys := make([]string, 0, len(list))
	for i := range list {
		keys = append(keys, list[i].key())
	}
	slices.Sort(keys)
	return fmt.Sprint(p.want.End, p.want.Rule, p.whole, last, before, size, a.part, a.end, code, len(a.close), few(len(a.messages)), few(len(a.pongs)), few(len(p.want.Messages)), keys)
}

// report calls Progress.
func (r *run) report(ctx context.Context) {
	tick := time.NewTicker(10 * time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			r.tell(nil, "")
		}
	}
}

// tell calls Progress with what there is now.
func (r *run) tell(g *Group, say string) {
	if r.Progress == nil {
		return
	}
	r.mu.Lock()
	p := r.progress(g, say)
	r.mu.Unlock()
	r.Progress(p)
}

func (r *run) progress(g *Group, say string) Progress {
	now, n := time.Now(), r.played()
	p := Progress{Elapsed: now.Sub(r.began), Executions: n, Answers: len(r.kinds), New: g, Say: say}
	if since := now.Sub(r.last).Seconds(); since > 0 {
		p.Rate = float64(n-r.lastN) / since
	}
	if g == nil && say == "" {
		r.last, r.lastN = now, n
	}
	for _, g := range r.groups {
		switch {
		case !g.counts:
		case g.Level == Finding:
			p.Findings++
		default:
			p.Notes++
		}
	}
	return p
}

// played is how many inputs were played.
func (r *run) played() int {
	n := int(r.executions.Load())
	if r.Executions > 0 {
		n = min(n, r.Executions)
	}
	return n
}

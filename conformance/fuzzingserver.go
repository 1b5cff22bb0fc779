package conformance

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// A FuzzingServer plays cases against clients that connect to it. A client asks
// for /getCaseCount, then, for each number from 1, connects to
// /runCase?case=N&agent=NAME and echoes until the connection is over, and at
// last calls /updateReports?agent=NAME. It may run cases side by side, and ask
// for /getCaseInfo?case=N and /getCaseStatus?case=N&agent=NAME. The paths and
// answers are those of the original suite: existing drivers work.
type FuzzingServer struct {
	// Cases in the order of their numbers.
	Cases []*Case
	// Update is called for /updateReports with all results so far. An error is
	// told to the client in the Close.
	Update func([]*Result) error
	// Patience, ByRFC, Started, Finished and Wire are as in Tester.
	Patience float64
	ByRFC    bool
	Started  func(agent string, c *Case)
	Finished func(*Result)
	Wire     func(*Case, LogEntry)

	// Exclude, if set, says which cases are not played with an agent: its
	// connection is closed at once, and there is no result.
	Exclude func(agent, id string) bool
	// Stop, if set, is called when a client asks for it: by /stopServer, or by
	// shutdownOnComplete=true in /updateReports.
	Stop func()

	mu      sync.Mutex
	results map[string]map[int]*Result // agent → number
	running map[string]int             // agent → cases under way
	changed chan struct{}              // closed when a case ends
	told    sync.Mutex

	patience float64 // of the round that TestClient plays; 0: Patience
	hold     bool    // TestClient tells Finished what is final
	finished map[int]bool
	probed   *string // what came of the probe: see instead
}

// Serve accepts clients until ctx is done; then it drops the connections that
// are left. It closes the listener.
func (f *FuzzingServer) Serve(ctx context.Context, l net.Listener) error {
	stop := context.AfterFunc(ctx, func() { l.Close() })
	defer stop()
	var wg sync.WaitGroup
	defer wg.Wait()
	for {
		conn, err := l.Accept()
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			l.Close()
			return err
		}
		wg.Go(func() { f.ServeConn(ctx, conn) })
	}
}

// Results returns the results so far, by agent and number.
func (f *FuzzingServer) Results() []*Result {
	f.mu.Lock()
	defer f.mu.Unlock()
	var all []*Result
	for _, byNumber := range f.results {
		for _, r := range byNumber {
			all = append(all, r)
		}
	}
	slices.SortFunc(all, func(a, b *Result) int {
		if c := strings.Compare(a.Agent, b.Agent); c != 0 {
			return c
		}
		return a.Number - b.Number
	})
	return all
}

func (f *FuzzingServer) result(agent string, number int) *Result {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.results[agent][number]
}

func (f *FuzzingServer) setPatience(patience float64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.patience = patience
}

// begin counts a case that is under way.
func (f *FuzzingServer) begin(agent string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.prepare(agent)
	f.running[agent]++
}

// prepare makes room for an agent's results. f.mu is held.
func (f *FuzzingServer) prepare(agent string) {
	if f.results == nil {
		f.results = make(map[string]map[int]*Result)
		f.running = make(map[string]int)
		f.changed = make(chan struct{})
	}
	if f.results[agent] == nil {
		f.results[agent] = make(map[int]*Result)
	}
}

// keep stores the result of a case that was begun.
func (f *FuzzingServer) keep(r *Result) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.results[r.Agent][r.Number] = r
	f.running[r.Agent]--
	close(f.changed)
	f.changed = make(chan struct{})
}

// settle waits until no case of the agent is under way: a client may see the
// end of its connection before the result is there.
func (f *FuzzingServer) settle(ctx context.Context, agent string) {
	patience := time.NewTimer(2 * closeTimeout)
	defer patience.Stop()
	for {
		f.mu.Lock()
		n, changed := f.running[agent], f.changed
		f.mu.Unlock()
		if n == 0 {
			return
		}
		select {
		case <-changed:
		case <-patience.C:
			return
		case <-ctx.Done():
			return
		}
	}
}

// badRequest is a request that is answered with 400 instead of 101.
type badRequest string

func (b badRequest) Error() string { return string(b) }

const usage = "This is a fuzzing server for WebSocket clients. Connect to /getCaseCount, /runCase?case=N&agent=NAME, " +
	"/getCaseInfo?case=N, /getCaseStatus?case=N&agent=NAME or /updateReports?agent=NAME."

// ServeConn serves one connection, and closes it.
func (f *FuzzingServer) ServeConn(ctx context.Context, conn net.Conn) {
	defer conn.Close()
	started := time.Now()
	drop := context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })
	br, request, err := readRequest(conn)
	if err != nil {
		drop()
		if request != nil {
			refuse(conn, http.StatusBadRequest, err.Error()+". "+usage)
		}
		return
	}
	do, c, err := f.route(request.URL)
	if err != nil {
		drop()
		status := http.StatusNotFound
		if bad := badRequest(""); errors.As(err, &bad) {
			status = http.StatusBadRequest
		}
		refuse(conn, status, err.Error())
		return
	}
	var d *Deflate
	if c != nil {
		d = c.Deflate
	}
	var o *opened
	if c != nil && c.Opening != nil {
		o, err = openRaw(conn, br, request, c.Opening)
	} else {
		o, err = openAsServer(conn, br, request, d)
	}
	drop()
	if err != nil {
		return
	}
	do(ctx, o, started)
}

// route finds what a request asks for, and which case is to be played, if one is.
func (f *FuzzingServer) route(u *url.URL) (do func(context.Context, *opened, time.Time), played *Case, err error) {
	q := u.Query()
	agent := strings.TrimSpace(q.Get("agent"))
	switch u.Path {
	case "/getCaseCount":
		return answer(strconv.Itoa(len(f.Cases))), nil, nil
	case "/updateReports":
		return func(ctx context.Context, o *opened, _ time.Time) {
			f.settle(ctx, agent)
			code, reason := 1000, ""
			if f.Update != nil {
				if err := f.Update(f.Results()); err != nil {
					code, reason = 1011, err.Error()
				}
			}
			say(ctx, o, SendClose{Code: code, Reason: octets(reason[:min(len(reason), 123)])})
			if last := strings.ToLower(q.Get("shutdownOnComplete")); f.Stop != nil && (last == "true" || last == "yes") {
				f.Stop()
			}
		}, nil, nil
	case "/stopServer":
		if f.Stop == nil {
			return nil, nil, badRequest("this server is not stopped by its clients")
		}
		return func(ctx context.Context, o *opened, _ time.Time) {
			say(ctx, o, SendClose{Code: 1000})
			f.Stop()
		}, nil, nil
	case probePath:
		return func(ctx context.Context, o *opened, _ time.Time) { f.playProbe(ctx, o) }, nil, nil
	case "/getCaseInfo", "/getCaseStatus", "/runCase":
	default:
		return nil, nil, fmt.Errorf("no such path: %s. %s", u.Path, usage)
	}
	number, err := f.number(q)
	if err != nil {
		return nil, nil, err
	}
	c := f.Cases[number-1]
	if u.Path == "/getCaseInfo" {
		return answer(toJSON(map[string]string{"id": c.ID, "description": c.Description})), nil, nil
	}
	if agent == "" {
		return nil, nil, badRequest("the agent is missing: " + u.Path + "?case=N&agent=NAME")
	}
	if u.Path == "/getCaseStatus" {
		if f.result(agent, number) == nil {
			f.settle(context.Background(), agent)
		}
		r := f.result(agent, number)
		if r == nil {
			return nil, nil, badRequest(fmt.Sprintf("agent %s has not run case %d", agent, number))
		}
		return answer(toJSON(map[string]string{"behavior": string(r.Behavior)})), nil, nil
	}
	if f.Exclude != nil && f.Exclude(agent, c.ID) {
		return func(ctx context.Context, o *opened, _ time.Time) { say(ctx, o, SendClose{Code: 1000}) }, nil, nil
	}
	return func(ctx context.Context, o *opened, started time.Time) { f.play(ctx, o, started, agent, number) }, c, nil
}

// number reads which case is meant: case=N, or casetuple=5.7.
func (f *FuzzingServer) number(q url.Values) (int, error) {
	if id := q.Get("casetuple"); id != "" {
		for i, c := range f.Cases {
			if c.ID == id {
				return i + 1, nil
			}
		}
		return 0, badRequest(fmt.Sprintf("case %s is not among the %d of this run", id, len(f.Cases)))
	}
	n, err := strconv.Atoi(q.Get("case"))
	if err != nil || n < 1 || n > len(f.Cases) {
		return 0, badRequest(fmt.Sprintf("case=%q is not a number from 1 to %d", q.Get("case"), len(f.Cases)))
	}
	return n, nil
}

func (f *FuzzingServer) play(ctx context.Context, o *opened, started time.Time, agent string, number int) {
	c := f.Cases[number-1]
	f.begin(agent)
	if f.Started != nil {
		f.tell(func() { f.Started(agent, c) })
	}
	r := &Result{Case: c, Agent: agent, Number: number, Role: ServerRole, Started: started, byRFC: f.ByRFC}
	var observe func(LogEntry)
	if f.Wire != nil {
		observe = func(e LogEntry) { f.tell(func() { f.Wire(c, e) }) }
	}
	f.mu.Lock()
	patience := max(f.Patience, f.patience)
	f.mu.Unlock()
	r.open(ctx, o, observe, patience)
	f.keep(r)
	if f.Finished != nil && (!f.hold || r.final() && f.first(number)) {
		f.tell(func() { f.Finished(r) })
	}
}

// first says whether Finished, of a run of TestClient, is told of the case for the
// first time.
func (f *FuzzingServer) first(number int) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.finished[number] {
		return false
	}
	if f.finished == nil {
		f.finished = make(map[int]bool)
	}
	f.finished[number] = true
	return true
}

func (f *FuzzingServer) tell(do func()) {
	f.told.Lock()
	defer f.told.Unlock()
	do()
}

// answer sends one text message and closes.
func answer(text string) func(context.Context, *opened, time.Time) {
	return func(ctx context.Context, o *opened, _ time.Time) {
		say(ctx, o, Message{Payload: octets(text)}, SendClose{Code: 1000})
	}
}

func say(ctx context.Context, o *opened, steps ...Step) {
	play(ctx, &Case{Steps: steps, Close: byTester}, ServerRole, o.conn, o.early, newWireLog(nil), 1)
}

func toJSON(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // maps of strings always marshal
	}
	return string(b)
}

package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/wsproof/wsproof/conformance"
	"github.com/wsproof/wsproof/internal/cli"
	"github.com/wsproof/wsproof/internal/engine/engines"
	"github.com/wsproof/wsproof/internal/engine/serve"
)

// errFailed says that cases failed; which ones is printed already.
var errFailed = cli.Finding(errors.New("cases failed"))

// A config is the command line.
type config struct {
	cases     string
	engine    string
	role      string
	target    string
	agent     string
	listen    string
	reportDir string
	open      bool
	debug     bool
	json      bool
	jobs      int
	patience  float64
	driver    string
	list      bool

	selected []*conformance.Case
	out      *output
}

const usage = `wsconform runs the cases of the Autobahn suite, without Docker and Python.

usage: wsconform [flags]

  wsconform                                    the core's echo server
  wsconform -engine all -report-dir reports    all engines, and one matrix as a page
  wsconform -cases '5.7,6.12.*,9.*' -debug     some cases, with their wire log
  wsconform -target ws://127.0.0.1:9001/echo   a server of yours, which echoes
  wsconform -role client                       the core's client
  wsconform -listen 127.0.0.1:9001             clients of yours, which connect

flags:
`

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	c := &config{}
	f := flag.NewFlagSet("wsconform", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.StringVar(&c.cases, "cases", "", "`patterns` of cases: 5.7, 6.12.*, *, -9.7.* (default: sections 1 to 10)")
	f.StringVar(&c.engine, "engine", "core", "`names` of the engines under test: "+strings.Join(engines.Names(), ", ")+", or all")
	f.StringVar(&c.role, "role", "server", "what is under test: `server`, client or both")
	f.StringVar(&c.target, "target", "", "`URL` of a server under test, instead of an engine: ws://host:port/path")
	f.StringVar(&c.agent, "agent", "", "`name` of the target in reports (default: its host)")
	f.StringVar(&c.listen, "listen", "", "`address` to wait on for clients under test, until interrupted")
	f.StringVar(&c.reportDir, "report-dir", "", "`folder` for the reports: index.html, index.json and a JSON file a case (default: none)")
	f.BoolVar(&c.open, "open", false, "open the report in a browser")
	f.BoolVar(&c.debug, "debug", false, "print what the tester does and the wire log")
	f.BoolVar(&c.json, "json", false, "print events as JSON, one a line, and nothing else")
	f.IntVar(&c.jobs, "jobs", conformance.DefaultJobs, "`number` of cases at once")
	f.Float64Var(&c.patience, "patience", 1, "`factor` on the time that peers have to answer, for busy machines")
	f.StringVar(&c.driver, "driver", "native", "who plays the cases: `native`, or the original suite as wstest or docker")
	f.BoolVar(&c.list, "list", false, "print the cases and what they expect")
	f.Usage = func() {
		fmt.Fprint(stderr, usage)
		f.PrintDefaults()
	}
	if err := f.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return nil
		}
		return errors.New("see wsconform -h")
	}
	if f.NArg() > 0 {
		return fmt.Errorf("unknown argument %q; see wsconform -h", f.Arg(0))
	}
	if err := c.check(); err != nil {
		return err
	}
	if c.list {
		return list(stdout, c.selected)
	}
	c.out = newOutput(stdout, c.json, c.debug, len(c.selected))
	switch {
	case c.driver != "native":
		return c.runOriginal(ctx)
	case c.listen != "":
		return c.waitForClients(ctx)
	}
	return c.runNative(ctx)
}

// check reads what the flags mean together.
func (c *config) check() (err error) {
	if c.selected, err = conformance.Select(c.cases); err != nil {
		return err
	}
	if c.jobs < 1 {
		return fmt.Errorf("-jobs %d: at least 1 is needed", c.jobs)
	}
	if c.patience < 1 {
		return fmt.Errorf("-patience %v: at least 1 is needed", c.patience)
	}
	if !slices.Contains([]string{"server", "client", "both"}, c.role) {
		return fmt.Errorf("-role %q: want server, client or both", c.role)
	}
	if !slices.Contains([]string{"native", "wstest", "docker"}, c.driver) {
		return fmt.Errorf("-driver %q: want native, wstest or docker", c.driver)
	}
	if c.target != "" {
		if _, err := conformance.ParseTarget(c.target); err != nil {
			return err
		}
		if c.role != "server" || c.listen != "" {
			return errors.New("-target is a server under test: leave -role and -listen away")
		}
	}
	for _, e := range c.engines() {
		if !slices.Contains(engines.Names(), e) {
			return fmt.Errorf("no engine %q: want %s, or all", e, strings.Join(engines.Names(), ", "))
		}
	}
	if c.open && c.reportDir == "" {
		c.reportDir = "reports"
	}
	return nil
}

func (c *config) engines() []string {
	if c.engine == "all" {
		return engines.Names()
	}
	var names []string
	for e := range strings.SplitSeq(c.engine, ",") {
		names = append(names, strings.TrimSpace(e))
	}
	return names
}

// dir is the folder of a role's reports.
func (c *config) dir(role string) string {
	if c.role == "both" {
		return filepath.Join(c.reportDir, role+"s")
	}
	return c.reportDir
}

// runNative plays the cases with this package's tester.
func (c *config) runNative(ctx context.Context) error {
	failed := false
	for _, role := range []string{"server", "client"} {
		if c.role != role && c.role != "both" {
			continue
		}
		var all []*conformance.Result
		agents := c.engines()
		if c.target != "" {
			agents = []string{c.agent}
		}
		for _, agent := range agents {
			results, err := c.play(ctx, role, agent)
			if err != nil {
				return err
			}
			all = append(all, results...)
		}
		if err := c.report(role, all); err != nil {
			return err
		}
		failed = failed || slices.ContainsFunc(all, func(r *conformance.Result) bool { return !r.Passed() })
	}
	if failed {
		return errFailed
	}
	return nil
}

// play plays all cases with one peer.
func (c *config) play(ctx context.Context, role, agent string) ([]*conformance.Result, error) {
	if role == "client" {
		return c.playClient(ctx, agent)
	}
	url := c.target
	if url == "" {
		var stop func()
		var err error
		if url, stop, err = startServer(agent); err != nil {
			return nil, err
		}
		defer stop()
	} else if agent == "" {
		u, _ := conformance.ParseTarget(c.target)
		agent = u.Host
	}
	tester := &conformance.Tester{
		URL: url, Agent: agent, Jobs: c.jobs, Patience: c.patience,
		Started:  func(k *conformance.Case) { c.out.started(agent, k) },
		Finished: c.out.finished,
		Wire:     c.out.wire(agent),
	}
	c.out.begin(agent, role, url)
	started := time.Now()
	results, err := tester.Run(ctx, c.selected)
	if err != nil {
		return nil, err
	}
	c.out.end(agent, role, results, time.Since(started))
	c.again(agent, role, results)
	return results, nil
}

// again says how each case can be played again.
func (c *config) again(agent, role string, results []*conformance.Result) {
	what := " ENGINE=" + agent
	if role == "client" {
		what += " ROLE=client"
	}
	if c.target != "" {
		what = " TARGET=" + c.target
	}
	for _, r := range results {
		r.Again = "make testautobahn" + what + " CASES=" + r.Case.ID + " DEBUG=1"
	}
}

// startServer serves an engine's echo on a free port.
func startServer(engine string) (url string, stop func(), err error) {
	e, err := engines.Find(engine)
	if err != nil {
		return "", nil, err
	}
	server := e.NewServer(serve.Echo, serve.Options{})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	h := &http.Server{Handler: server, ReadHeaderTimeout: 10 * time.Second}
	go h.Serve(l)
	stop = func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		server.Shutdown(ctx)
		h.Close()
	}
	return "ws://" + l.Addr().String() + "/echo", stop, nil
}

func (c *config) playClient(ctx context.Context, agent string) ([]*conformance.Result, error) {
	client, err := engines.Find(agent)
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	url := "ws://" + l.Addr().String()
	fuzzing := &conformance.FuzzingServer{Cases: c.selected, Patience: c.patience, Started: c.out.started, Finished: c.out.finished, Wire: c.out.wire(agent)}
	serving, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- fuzzing.Serve(serving, l) }()
	c.out.begin(agent, "client", url)
	started := time.Now()
	err = conformance.Drive(ctx, client.Client, url, agent, c.selected, c.jobs)
	stop()
	if serveErr := <-done; err == nil {
		err = serveErr
	}
	if err != nil {
		return nil, err
	}
	results := fuzzing.Results()
	if len(results) != len(c.selected) {
		return nil, fmt.Errorf("client %s: only %d of %d cases have a result", agent, len(results), len(c.selected))
	}
	c.out.end(agent, "client", results, time.Since(started))
	c.again(agent, "client", results)
	return results, nil
}

// waitForClients serves clients of others until it is interrupted.
func (c *config) waitForClients(ctx context.Context) error {
	l, err := net.Listen("tcp", c.listen)
	if err != nil {
		return err
	}
	fuzzing := &conformance.FuzzingServer{Cases: c.selected, Patience: c.patience, Started: c.out.started, Finished: c.out.finished, Wire: c.out.wire("")}
	fuzzing.Update = func(results []*conformance.Result) error { return c.report("client", results) }
	c.out.listening(l.Addr().String(), len(c.selected))
	if err := fuzzing.Serve(ctx, l); err != nil {
		return err
	}
	results := fuzzing.Results()
	if len(results) == 0 {
		return errors.New("no client has run a case")
	}
	for start := 0; start < len(results); {
		end := start
		for end < len(results) && results[end].Agent == results[start].Agent {
			end++
		}
		c.out.end(results[start].Agent, "client", results[start:end], 0)
		start = end
	}
	if err := c.report("client", results); err != nil {
		return err
	}
	if slices.ContainsFunc(results, func(r *conformance.Result) bool { return !r.Passed() }) {
		return errFailed
	}
	return nil
}

// report writes the reports, if they are wanted.
func (c *config) report(role string, results []*conformance.Result) error {
	if c.reportDir == "" {
		return nil
	}
	dir := c.dir(role)
	if err := conformance.WriteReports(dir, "WebSocket "+role+"s", results); err != nil {
		return err
	}
	page := filepath.Join(dir, "index.html")
	c.out.reported(page)
	if c.open {
		if err := openBrowser(page); err != nil {
			c.out.say("no browser could be opened (%v); the report is %s", err, page)
		}
	}
	return nil
}

// list prints the cases.
func list(w io.Writer, cases []*conformance.Case) error {
	for _, k := range cases {
		if _, err := fmt.Fprintf(w, "%-8s %s\n         Expected: %s\n         RFC 6455 %s: %q\n", k.ID, k.Description, k.Expectation, k.Rule.Section, k.Rule.Sentence); err != nil {
			return err
		}
	}
	return nil
}

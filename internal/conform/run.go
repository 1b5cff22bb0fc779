package conform

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/wsproof/wsproof/conformance"
	"github.com/wsproof/wsproof/internal/cli"
	"github.com/wsproof/wsproof/internal/engine/engines"
	"github.com/wsproof/wsproof/internal/engine/serve"
	"github.com/wsproof/wsproof/internal/known"
)

// ErrFailed says that cases failed; which ones is printed already.
var ErrFailed = cli.Finding(errors.New("cases failed"))

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
	client    string
	most      int
	junit     string
	known     string
	write     string
	rows      []known.Row
	name      string                    // of the command
	defaults  string                    // the cases, where -cases is not given
	direct    bool                      // wsproof test: the command has no engines
	dialing   func(*conformance.Tester) // the flags about a server

	selected []*conformance.Case
	out      *output
}

const usage = `%[1]s runs the cases of the Autobahn suite, without Docker and Python.

usage: %[1]s [flags]

  %[1]s                                    the core's echo server
  %[1]s -engine all -report-dir reports    all engines, and one matrix as a page
  %[1]s -cases '5.7,6.12.*,9.*' -debug     some cases, with their wire log
  %[1]s -target ws://127.0.0.1:9001/echo   a server of yours, which echoes
  %[1]s -role client                       the core's client
  %[1]s -client 'node echo.js {url}'       a client of yours: one process a case, which echoes
  %[1]s -listen 127.0.0.1:9001             clients of yours, which connect as to Autobahn's fuzzingserver

flags:
`

// Run is the command wsconform: args are its flags. The error is nil where all
// cases passed, a cli.Finding where the peer is to blame, and otherwise says in
// one line why the cases could not be played.
func Run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	c := &config{name: "wsconform", defaults: conformance.DefaultCases}
	f := flag.NewFlagSet(c.name, flag.ContinueOnError)
	f.StringVar(&c.engine, "engine", "core", "`names` of the engines under test: "+strings.Join(engines.Names(), ", ")+", or all")
	f.StringVar(&c.role, "role", "server", "what is under test: `server`, client or both")
	f.StringVar(&c.target, "target", "", "`URL` of a server under test, instead of an engine: ws://host:port/path")
	f.BoolVar(&c.debug, "debug", false, "print what the tester does and the wire log")
	f.StringVar(&c.driver, "driver", "native", "who plays the cases: `native`, or the original suite as wstest or docker")
	c.define(f, "report-dir", "folder for the reports: index.html, index.json and a JSON file a case (default: none)")
	f.Usage = func() {
		f.SetOutput(stderr)
		fmt.Fprintf(stderr, usage, c.name)
		f.PrintDefaults()
	}
	if err := cli.Parse(f, args, stderr); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return nil
		}
		return err
	}
	if f.NArg() > 0 {
		return cli.Usagef("unknown argument %q; see %s -h", f.Arg(0), c.name)
	}
	return c.run(ctx, stdout)
}

// define adds the flags that wsconform and wsproof test have in common.
func (c *config) define(f *flag.FlagSet, dirFlag, dirUsage string) {
	f.StringVar(&c.cases, "cases", "", "`patterns` of cases: 5.7, 6.12.*, W.*, *, -9.7.* (default: "+c.defaults+")")
	f.StringVar(&c.agent, "agent", "", "`name` of the peer in reports (default: its host)")
	f.StringVar(&c.client, "client", "", "`command` of a client under test: it is run for each case, with {url} replaced, and echoes until the connection is over")
	f.StringVar(&c.listen, "listen", "", "`address` to wait on for clients under test, until interrupted")
	f.StringVar(&c.reportDir, dirFlag, "", "`"+strings.Replace(dirUsage, "folder", "folder`", 1))
	f.BoolVar(&c.open, "open", false, "open the report in a browser")
	f.BoolVar(&c.json, "json", false, "print events as JSON, one a line, and nothing else")
	f.StringVar(&c.junit, "junit", "", "`file` to write the verdicts into as JUnit XML")
	f.StringVar(&c.known, "known", "", "`file` of failures that are known: the run passes on them, and fails on new ones and on rows that no longer hold")
	f.StringVar(&c.write, "write-known", "", "`file` to write the failures into, for -known")
	f.IntVar(&c.jobs, "jobs", conformance.DefaultJobs, "`number` of cases at once, at most: fewer where the server is slow")
	f.Float64Var(&c.patience, "patience", 1, "`factor` on the time that peers have to answer, for busy machines")
	f.IntVar(&c.most, "max-message", 0, "longest message in `octets` to send: cases with longer ones are skipped (default: no limit)")
	f.BoolVar(&c.list, "list", false, "print the cases and what they expect")
}

// run does what the flags say.
func (c *config) run(ctx context.Context, stdout io.Writer) error {
	if err := c.check(); err != nil {
		return cli.Usage(err)
	}
	if c.list {
		return list(stdout, c.selected)
	}
	c.out = newOutput(stdout, c.json, c.debug, len(c.selected))
	defer c.out.close()
	switch {
	case c.driver != "native":
		return c.runOriginal(ctx)
	case c.listen != "":
		return c.waitForClients(ctx)
	}
	return c.runNative(ctx)
}

// mostPatience makes an hour of a wait of half a second: more are no durations at
// some point.
const mostPatience = 7200

// check reads what the flags mean together.
func (c *config) check() (err error) {
	if strings.TrimSpace(c.cases) == "" {
		c.cases = c.defaults
	}
	if c.selected, err = conformance.Select(c.cases); err != nil {
		return err
	}
	if c.known != "" {
		if c.rows, err = known.Read(c.known); err != nil {
			return err
		}
	}
	if c.most < 0 {
		return fmt.Errorf("-max-message %d: want octets, or 0 for no limit", c.most)
	}
	if c.client != "" {
		if !strings.Contains(c.client, "{url}") {
			return fmt.Errorf("-client %q: it has no {url}, which stands for where the client is to connect", c.client)
		}
		if c.target != "" || c.listen != "" {
			return errors.New("-client is a client under test: leave the target and -listen away")
		}
		c.role = "client"
	}
	if c.jobs < 1 {
		return fmt.Errorf("-jobs %d: at least 1 is needed", c.jobs)
	}
	if !(c.patience >= 1 && c.patience <= mostPatience) {
		return fmt.Errorf("-patience %v: a factor from 1 to %d is needed", c.patience, mostPatience)
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

// runNative plays the cases with this project's tester. Whatever stops it, what was
// played until then is reported.
func (c *config) runNative(ctx context.Context) error {
	var everything []*conformance.Result
	var stopped error
	for _, role := range []string{"server", "client"} {
		if c.role != role && c.role != "both" {
			continue
		}
		var all []*conformance.Result
		agents := c.engines()
		switch {
		case c.client != "":
			agents = []string{c.clientName()}
		case c.target != "":
			agents = []string{c.agent}
		}
		for _, agent := range agents {
			results, err := c.play(ctx, role, agent)
			all = append(all, results...)
			if stopped = err; err != nil {
				break
			}
		}
		if len(all) > 0 {
			if err := c.report(role, all); err != nil {
				return err
			}
		}
		everything = append(everything, all...)
		if stopped != nil {
			break
		}
	}
	return c.judge(everything, stopped)
}

// judge says how the run ends: as it was stopped, or as its failures, and what is
// known of them, have it.
func (c *config) judge(results []*conformance.Result, stopped error) error {
	if c.junit != "" && len(results) > 0 {
		if err := writeFile(c.junit, func(w io.Writer) error { return conformance.WriteJUnit(w, results) }); err != nil {
			return err
		}
	}
	if c.write != "" && len(results) > 0 {
		if err := c.writeKnown(results); err != nil {
			return err
		}
	}
	died := new(conformance.DiedError)
	switch {
	case errors.As(stopped, &died):
		return cli.Finding(stopped)
	case errors.Is(stopped, context.Canceled):
		return fmt.Errorf("interrupted: %d cases were played: %w", len(results), stopped)
	case stopped != nil:
		return stopped
	case c.known != "":
		return c.compareKnown(results)
	case slices.ContainsFunc(results, func(r *conformance.Result) bool { return !r.Passed() }):
		return ErrFailed
	}
	return nil
}

// writeKnown writes the failures, each with its reason for a start.
func (c *config) writeKnown(results []*conformance.Result) error {
	var rows []known.Row
	for _, r := range results {
		if !r.Passed() {
			rows = append(rows, known.Row{Subject: c.subject(r), Found: r.Verdict(), Reason: r.Why})
		}
	}
	c.out.say("%d known failures: %s", len(rows), c.write)
	return known.Write(c.write, "Known failures: case, verdict, and the reason why it may stay, with tabs between them.\n-known takes this file. A row that no longer holds fails the run.", rows)
}

// subject is how a list of what is known names the case of a result.
func (c *config) subject(r *conformance.Result) string {
	if c.target != "" || c.client != "" {
		return r.Case.ID
	}
	return r.Agent + " " + r.Case.ID
}

// compareKnown holds the failures against what is known.
func (c *config) compareKnown(results []*conformance.Result) error {
	failures, played := make(map[string]string), make(map[string]bool)
	for _, r := range results {
		if r.Skipped == "" {
			played[c.subject(r)] = true
		}
		if !r.Passed() {
			failures[c.subject(r)] = r.Verdict()
		}
	}
	unknown, gone := known.Compare(c.rows, failures, func(s string) bool { return played[s] })
	for _, s := range unknown {
		c.out.say("NEW     %s %s is not in %s", s, failures[s], c.known)
	}
	for _, r := range gone {
		c.out.say("GONE    %s %s no longer holds: take the row out of %s", r.Subject, r.Found, c.known)
	}
	if len(unknown)+len(gone) > 0 {
		return cli.Finding(fmt.Errorf("%d failures are new, %d known ones no longer hold", len(unknown), len(gone)))
	}
	if len(failures) > 0 {
		c.out.say("known   all %d failures are in %s", len(failures), c.known)
	}
	return nil
}

// writeFile makes a file of what write writes.
func writeFile(name string, write func(io.Writer) error) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	return errors.Join(write(f), f.Close())
}

// played are the results that are there.
func played(results []*conformance.Result) []*conformance.Result {
	return slices.DeleteFunc(results, func(r *conformance.Result) bool { return r == nil })
}

// spared are cases that an engine does not survive in this process: the finding is
// its maintainers' first (SECURITY.md).
var spared = map[string][]string{"gws": {"W.2.7"}}

// casesFor are the selected cases that can be played with the peer.
func (c *config) casesFor(role, agent string) []*conformance.Case {
	peer := conformance.ClientRole
	if role == "server" {
		peer = conformance.ServerRole
	}
	cases := conformance.CasesFor(peer, c.selected)
	if c.target == "" && c.client == "" {
		cases = slices.DeleteFunc(cases, func(k *conformance.Case) bool {
			if !slices.Contains(spared[agent], k.ID) {
				return false
			}
			c.out.say("%s as %s: %s is not played; rule %s of RFC 6455 %s, see SECURITY.md", agent, role, k.ID, "length-top-bit", k.Rule.Section)
			return true
		})
	}
	c.out.total = len(cases)
	return cases
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
		if url, stop, err = startServer(agent, conformance.Compressed(c.selected)); err != nil {
			return nil, err
		}
		defer stop()
	} else if agent == "" {
		u, _ := conformance.ParseTarget(c.target)
		agent = u.Host
	}
	cases := c.casesFor("server", agent)
	tester := &conformance.Tester{
		URL: url, Agent: agent, Jobs: c.jobs, Patience: c.patience, MaxMessage: c.most, ByRFC: c.direct,
		Started:  func(k *conformance.Case) { c.out.started(agent, k) },
		Finished: c.out.finished,
		Wire:     c.out.wire(agent),
	}
	if c.dialing != nil {
		c.dialing(tester)
	}
	c.out.begin(agent, role, url)
	started := time.Now()
	results, err := tester.Run(ctx, cases)
	results = played(results)
	if len(results) > 0 {
		c.out.end(agent, role, results, time.Since(started))
	}
	c.again(agent, role, results)
	return results, err
}

// again says how each case can be played again.
func (c *config) again(agent, role string, results []*conformance.Result) {
	what := " ENGINE=" + agent
	if role == "client" {
		what += " ROLE=client"
	}
	for _, r := range results {
		r.Again = "make testautobahn" + what + " CASES=" + r.Case.ID + " DEBUG=1"
		switch {
		case c.client != "":
			r.Again = fmt.Sprintf("%s -client %q -cases %s", c.name, c.client, r.Case.ID)
		case c.target != "":
			r.Again = fmt.Sprintf("%s -target %s -cases %s -debug", c.name, c.target, r.Case.ID)
			if c.direct {
				r.Again = fmt.Sprintf("%s -cases %s -v %s", c.name, r.Case.ID, c.target)
			}
		}
	}
}

// startServer serves an engine's echo on a free port.
func startServer(engine string, compression bool) (url string, stop func(), err error) {
	e, err := engines.Find(engine)
	if err != nil {
		return "", nil, err
	}
	server := e.NewServer(serve.Echo, serve.Options{Compression: compression})
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

// clientName is how the client that -client runs is called in reports.
func (c *config) clientName() string {
	if c.agent != "" {
		return c.agent
	}
	return strings.TrimSpace(strings.ReplaceAll(c.client, "{url}", ""))
}

func (c *config) playClient(ctx context.Context, agent string) ([]*conformance.Result, error) {
	cases := c.casesFor("client", agent)
	fuzzing := &conformance.FuzzingServer{Cases: cases, Patience: c.patience, ByRFC: c.direct, Started: c.out.started, Finished: c.out.finished, Wire: c.out.wire(agent)}
	var client conformance.Client
	jobs := c.jobs
	if c.client != "" {
		client, jobs = commandClient(c.client), min(jobs, 4*runtime.GOMAXPROCS(0))
	} else {
		e, err := engines.Find(agent)
		if err != nil {
			return nil, err
		}
		client = conformance.Client(e.ClientFor(conformance.Compressed(c.selected)))
	}
	c.out.begin(agent, "client", "")
	started := time.Now()
	results, err := fuzzing.TestClient(ctx, client, agent, jobs)
	results = played(results)
	if len(results) > 0 {
		c.out.end(agent, "client", results, time.Since(started))
	}
	c.again(agent, "client", results)
	return results, err
}

// waitForClients serves clients of others until it is interrupted.
func (c *config) waitForClients(ctx context.Context) error {
	l, err := net.Listen("tcp", c.listen)
	if err != nil {
		return err
	}
	fuzzing := &conformance.FuzzingServer{Cases: conformance.CasesFor(conformance.ClientRole, c.selected), Patience: c.patience, ByRFC: c.direct, Started: c.out.started, Finished: c.out.finished, Wire: c.out.wire("")}
	fuzzing.Update = func(results []*conformance.Result) error { return c.report("client", results) }
	c.out.listening(l.Addr().String(), len(fuzzing.Cases))
	if err := fuzzing.Serve(ctx, l); err != nil {
		return err
	}
	results := fuzzing.Results()
	if len(results) == 0 {
		return errors.New("no client has run a case")
	}
	conformance.SkipTooBig(results)
	for agent, of := range byAgent(results) {
		c.out.end(agent, "client", of, 0)
	}
	if err := c.report("client", results); err != nil {
		return err
	}
	return c.judge(results, nil)
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

package conform

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/wsproof/wsproof/conformance"
	"github.com/wsproof/wsproof/internal/cli"
)

const wstestHelp = `usage: {name} -m fuzzingclient -s FILE   with servers
       {name} -m fuzzingserver -s FILE   with clients

Plays the cases that a spec file of Autobahn's wstest names, as it is, and
writes reports where it says: index.html, index.json, and an HTML and a JSON
file a case, by the original's names. As with the original, failed cases are no
failure of the command: index.json has them.

  -m MODE         fuzzingclient or fuzzingserver  (or -mode)
  -s FILE         the spec file (default: the mode's name with .json; or -spec)
  -k FILE, -c FILE  key and certificate of a fuzzingserver with wss, instead of
                  the spec's key and cert
  -interface HOST where a fuzzingserver listens (default: everywhere, as the
                  original does; the port is the one of the spec's url)
  -u PORT         taken, and ignored: no web pages are served  (or -webport)
  -jobs N         cases at once (default 48)
  -patience F     times the time that peers have (default 1)
  -d              print what the tester does and the wire log  (or -debug)
`

// A Spec is a spec file of the original suite, of either mode. What stands in
// options is about the original's own implementation: it is taken and has no
// effect.
type Spec struct {
	OutDir       string              `json:"outdir"`
	Servers      []SpecServer        `json:"servers"` // of a fuzzingclient
	URL          string              `json:"url"`     // of a fuzzingserver
	Key          string              `json:"key"`
	Cert         string              `json:"cert"`
	Cases        []string            `json:"cases"`
	Exclude      []string            `json:"exclude-cases"`
	ExcludeAgent map[string][]string `json:"exclude-agent-cases"`
	Options      json.RawMessage     `json:"options"`
}

// A SpecServer is a server under test.
type SpecServer struct {
	Agent     string          `json:"agent"` // default: what it says it is in its Server header
	URL       string          `json:"url"`
	Hostname  string          `json:"hostname"` // for TLS, where it is not the URL's
	Origin    string          `json:"origin"`
	Protocols []string        `json:"protocols"`
	Options   json.RawMessage `json:"options"`
}

// ReadSpec reads a spec file.
func ReadSpec(name string) (*Spec, error) {
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	var s Spec
	if err := json.Unmarshal(b, &s); err != nil {
		return nil, fmt.Errorf("%s is no spec file: %w", name, err)
	}
	return &s, nil
}

// pattern is a pattern of a spec file: an asterisk stands for anything. Of cases the
// original asks only how they begin.
func pattern(p string, whole bool) *regexp.Regexp {
	expression := "^" + strings.ReplaceAll(regexp.QuoteMeta(p), `\*`, ".*")
	if whole {
		expression += "$"
	}
	return regexp.MustCompile(expression)
}

// Selected returns the cases that the spec file wants, in the catalogue's order.
// This project's own cases are among them only where a pattern says W.
func (s *Spec) Selected() ([]*conformance.Case, error) {
	all := conformance.Catalogue()
	resolve := func(patterns []string, named map[string]bool) error {
		for _, p := range patterns {
			found := false
			re := pattern(p, !strings.Contains(p, "*"))
			for _, c := range all {
				if re.MatchString(c.ID) && (!c.Own() || strings.HasPrefix(p, "W")) {
					named[c.ID], found = true, true
				}
			}
			if !found && !strings.Contains(p, "*") {
				return fmt.Errorf("there is no case %q", p)
			}
		}
		return nil
	}
	wanted, unwanted := make(map[string]bool), make(map[string]bool)
	if err := resolve(s.Cases, wanted); err != nil {
		return nil, err
	}
	_ = resolve(s.Exclude, unwanted) // excluding what is not there is no mistake
	var picked []*conformance.Case
	for _, c := range all {
		if wanted[c.ID] && !unwanted[c.ID] {
			picked = append(picked, c)
		}
	}
	if len(picked) == 0 {
		return nil, errors.New("the spec file's cases and exclude-cases leave no case")
	}
	return picked, nil
}

// Excludes says whether exclude-agent-cases has the case for the agent.
func (s *Spec) Excludes(agent, id string) bool {
	for a, cases := range s.ExcludeAgent {
		if !pattern(a, true).MatchString(agent) {
			continue
		}
		for _, c := range cases {
			if pattern(c, true).MatchString(id) {
				return true
			}
		}
	}
	return false
}

// WSTest is the command wsproof wstest; name is how the user calls it.
func WSTest(ctx context.Context, name string, args []string, stdout, stderr io.Writer) error {
	c := &config{name: name}
	var mode, file, host, key, cert string
	f := flag.NewFlagSet(name, flag.ContinueOnError)
	for _, m := range []string{"m", "mode"} {
		f.StringVar(&mode, m, "", "")
	}
	for _, s := range []string{"s", "spec"} {
		f.StringVar(&file, s, "", "")
	}
	for _, u := range []string{"u", "webport"} {
		f.Int(u, 0, "")
	}
	for _, d := range []string{"d", "debug"} {
		f.BoolVar(&c.debug, d, false, "")
	}
	for _, k := range []string{"k", "key"} {
		f.StringVar(&key, k, "", "")
	}
	for _, k := range []string{"c", "cert"} {
		f.StringVar(&cert, k, "", "")
	}
	f.StringVar(&host, "interface", "", "")
	f.IntVar(&c.jobs, "jobs", conformance.DefaultJobs, "")
	f.Float64Var(&c.patience, "patience", 1, "")
	f.Usage = func() { fmt.Fprint(stdout, strings.ReplaceAll(wstestHelp, "{name}", name)) }
	if err := cli.Parse(f, args, stdout); err != nil {
		return err
	}
	switch {
	case f.NArg() > 0:
		return cli.Usagef("unexpected argument %q (%s -h tells more)", f.Arg(0), name)
	case mode != "fuzzingclient" && mode != "fuzzingserver":
		return cli.Usagef("-m %q: want fuzzingclient or fuzzingserver (%s -h tells more)", mode, name)
	case c.jobs < 1 || !(c.patience >= 1 && c.patience <= mostPatience):
		return cli.Usagef("-jobs must be at least 1, -patience from 1 to %d", mostPatience)
	case file == "":
		file = mode + ".json"
	}
	s, err := ReadSpec(file)
	if err != nil {
		return cli.Usage(err)
	}
	if c.selected, err = s.Selected(); err != nil {
		return cli.Usagef("%s: %w", file, err)
	}
	c.out = newOutput(stdout, false, c.debug, len(c.selected))
	defer c.out.close()
	if mode == "fuzzingclient" {
		return c.fuzzingClient(ctx, s)
	}
	if key != "" || cert != "" {
		s.Key, s.Cert = key, cert
	}
	return c.fuzzingServer(ctx, s, host)
}

// fuzzingClient plays the cases with the servers, one after the other. Those that
// cannot be reached do not keep the others from it.
func (c *config) fuzzingClient(ctx context.Context, s *Spec) error {
	if len(s.Servers) == 0 {
		return cli.Usagef("the spec file names no servers")
	}
	if s.OutDir == "" {
		s.OutDir = "./reports/servers/"
	}
	c.out.say("%d cases, %d servers", len(c.selected), len(s.Servers))
	var all []*conformance.Result
	var failures []error
	for _, server := range s.Servers {
		results, err := c.specServer(ctx, s, server)
		all = append(all, results...)
		if err != nil {
			failures = append(failures, err)
		}
		if ctx.Err() != nil {
			break
		}
	}
	if len(all) > 0 {
		if err := c.writeOriginal(s.OutDir, "WebSocket servers", all); err != nil {
			return err
		}
	}
	for _, err := range failures[min(1, len(failures)):] {
		c.out.say("%v", err)
	}
	if len(failures) > 0 {
		return failures[0]
	}
	return nil
}

func (c *config) specServer(ctx context.Context, s *Spec, server SpecServer) ([]*conformance.Result, error) {
	agent := server.Agent
	tester := &conformance.Tester{
		URL: server.URL, Agent: agent, Jobs: c.jobs, Patience: c.patience, Original: true, Subprotocols: server.Protocols,
		// The original checks no certificate.
		TLS:      &tls.Config{InsecureSkipVerify: true, ServerName: server.Hostname},
		Started:  func(k *conformance.Case) { c.out.started(agent, k) },
		Finished: c.out.finished,
		Wire:     c.out.wire(agent),
	}
	if server.Origin != "" {
		tester.Header = http.Header{"Origin": {server.Origin}}
	}
	if agent == "" {
		said, err := tester.Server(ctx)
		if err != nil {
			return nil, err
		}
		if agent = said; agent == "" {
			agent = "UnknownServer"
		}
		tester.Agent = agent
	}
	var cases []*conformance.Case
	for _, k := range conformance.CasesFor(conformance.ServerRole, c.selected) {
		if !s.Excludes(agent, k.ID) {
			cases = append(cases, k)
		}
	}
	if len(cases) == 0 {
		c.out.say("%s: exclude-agent-cases leaves no case", agent)
		return nil, nil
	}
	c.out.total = len(cases)
	c.out.begin(agent, "server", server.URL)
	started := time.Now()
	results, err := tester.Run(ctx, cases)
	if results = played(results); len(results) > 0 {
		c.out.end(agent, "server", results, time.Since(started))
	}
	return results, err
}

// fuzzingServer waits for clients until it is interrupted, or told to stop.
func (c *config) fuzzingServer(ctx context.Context, s *Spec, host string) error {
	u, err := url.Parse(s.URL)
	if err != nil || u.Host == "" || u.Scheme != "ws" && u.Scheme != "wss" {
		return cli.Usagef("the spec file's url %q is not like ws://127.0.0.1:9001", s.URL)
	}
	if s.OutDir == "" {
		s.OutDir = "./reports/clients/"
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"ws": "80", "wss": "443"}[u.Scheme]
	}
	var l net.Listener
	l, err = (&net.ListenConfig{}).Listen(ctx, "tcp", net.JoinHostPort(host, port))
	if err != nil {
		return err
	}
	if u.Scheme == "wss" {
		pair, err := tls.LoadX509KeyPair(s.Cert, s.Key)
		if err != nil {
			l.Close()
			return fmt.Errorf("the spec file's cert and key: %w", err)
		}
		l = tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{pair}, NextProtos: []string{"http/1.1"}})
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	fuzzing := &conformance.FuzzingServer{
		Cases: conformance.CasesFor(conformance.ClientRole, c.selected), Patience: c.patience, Started: c.out.started, Finished: c.out.finished, Wire: c.out.wire(""),
		Exclude: s.Excludes, Stop: stop,
	}
	fuzzing.Update = func(results []*conformance.Result) error {
		return c.writeOriginal(s.OutDir, "WebSocket clients", results)
	}
	c.out.say("%d cases; waiting for clients at %s://%s. Ctrl-C ends.", len(c.selected), u.Scheme, l.Addr())
	if err := fuzzing.Serve(ctx, l); err != nil {
		return err
	}
	results := fuzzing.Results()
	if len(results) == 0 {
		c.out.say("no client has run a case")
		return nil
	}
	for agent, of := range byAgent(results) {
		c.out.end(agent, "client", of, 0)
	}
	return c.writeOriginal(s.OutDir, "WebSocket clients", results)
}

// byAgent goes through results that are sorted by agent.
func byAgent(results []*conformance.Result) func(yield func(string, []*conformance.Result) bool) {
	return func(yield func(string, []*conformance.Result) bool) {
		for start := 0; start < len(results); {
			end := start
			for end < len(results) && results[end].Agent == results[start].Agent {
				end++
			}
			if !yield(results[start].Agent, results[start:end]) {
				return
			}
			start = end
		}
	}
}

func (c *config) writeOriginal(dir, title string, results []*conformance.Result) error {
	if err := conformance.WriteOriginalReports(dir, title, results); err != nil {
		return err
	}
	c.out.say("reports: %s", dir)
	return nil
}

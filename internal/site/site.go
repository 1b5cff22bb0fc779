// Package site makes one static site of what the suite finds: the conformance of all
// engines, benchmarks, the field, and what the fuzzers found. Conformance and the wire
// fuzzer are run for it; the benchmarks and the field are what is kept in the
// repository.
//
// What brings a server of a public library down is named by its rule alone
// (SECURITY.md).
package site

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/wsproof/wsproof/bench/report"
	"github.com/wsproof/wsproof/conformance"
	"github.com/wsproof/wsproof/fuzz/peers"
	"github.com/wsproof/wsproof/internal/cli"
	"github.com/wsproof/wsproof/internal/conform"
	"github.com/wsproof/wsproof/internal/engine/engines"
	"github.com/wsproof/wsproof/internal/engine/serve"
	"github.com/wsproof/wsproof/internal/field"
	"github.com/wsproof/wsproof/internal/opening"
	"github.com/wsproof/wsproof/internal/wirefuzz"
)

// Options say what to make.
type Options struct {
	Root    string        // the repository
	Dir     string        // the folder for the site, which is made anew
	Cases   string        // of the conformance suite
	Engines []string      // all if empty
	Fuzz    time.Duration // of the wire fuzzer, with each engine
	Out     io.Writer     // for progress
}

// serveEnv makes a process of this program a server of an engine: "engine address".
const serveEnv = "WSPROOF_SITE_SERVE"

// Serve serves, if this process was started for it, and does not return then.
func Serve() {
	name, address, ok := strings.Cut(os.Getenv(serveEnv), " ")
	if !ok {
		return
	}
	e, err := engines.Find(name)
	if err == nil {
		var l net.Listener
		if l, err = net.Listen("tcp", address); err == nil {
			server := &http.Server{Handler: e.NewServer(serve.Echo, serve.Options{}), ReadHeaderTimeout: 10 * time.Second}
			err = server.Serve(l)
		}
	}
	cli.Exit("site", err)
}

// An engineRow is what came of one engine.
type engineRow struct {
	Name           string
	Server, Client *conformance.AgentSummary
	Fuzz           *wirefuzz.Report
}

// A page is what index.html tells.
type page struct {
	Commit, Version string
	Date            time.Time
	Engines         []*engineRow
	Implementations int
	Divergences     []divergences
	Bench           bool
}

// divergences are a library's.
type divergences struct {
	Library string
	Rows    []peers.Divergence
}

// Make makes the site. A failed case is no error: it is what the site is about.
func Make(ctx context.Context, o Options) error {
	if len(o.Engines) == 0 {
		o.Engines = engines.Names()
	}
	if err := os.RemoveAll(o.Dir); err != nil {
		return err
	}
	if err := os.MkdirAll(o.Dir, 0o777); err != nil {
		return err
	}
	p := &page{Date: time.Now().UTC(), Version: cli.Version()}
	for _, name := range o.Engines {
		p.Engines = append(p.Engines, &engineRow{Name: name})
	}
	for _, step := range []func(context.Context, *Options, *page) error{conform1, fuzz, bench, fieldPage} {
		if err := step(ctx, &o, p); err != nil {
			return err
		}
	}
	for _, name := range engines.Names() {
		d := divergences{Library: name}
		for _, row := range peers.Divergences {
			if row.Library == name {
				d.Rows = append(d.Rows, row)
			}
		}
		if len(d.Rows) > 0 {
			p.Divergences = append(p.Divergences, d)
		}
	}
	var b strings.Builder
	if err := indexTemplate.Execute(&b, p); err != nil {
		return err
	}
	fmt.Fprintf(o.Out, "the site: %s\n", filepath.Join(o.Dir, "index.html"))
	return os.WriteFile(filepath.Join(o.Dir, "index.html"), []byte(b.String()), 0o666)
}

//go:embed index.html
var indexText string

var indexTemplate = template.Must(template.New("index").Funcs(template.FuncMap{
	"counts": func(a *conformance.AgentSummary) string {
		if a == nil {
			return ""
		}
		good := 0
		for verdict, n := range a.Counts {
			switch verdict {
			case "OK", "INFORMATIONAL", "NON-STRICT":
				good += n
			}
		}
		return fmt.Sprintf("%d of %d", good, a.Cases)
	},
}).Parse(indexText))

// conform1 plays the conformance cases.
func conform1(ctx context.Context, o *Options, p *page) error {
	dir := filepath.Join(o.Dir, "conformance")
	args := []string{"-engine", strings.Join(o.Engines, ","), "-role", "both", "-report-dir", dir}
	if o.Cases != "" {
		args = append(args, "-cases", o.Cases)
	}
	if err := conform.Run(ctx, args, o.Out, o.Out); err != nil && !cli.IsFinding(err) {
		return fmt.Errorf("conformance: %w", err)
	}
	for _, role := range []string{"servers", "clients"} {
		b, err := os.ReadFile(filepath.Join(dir, role, "summary.json"))
		if err != nil {
			return err
		}
		var s conformance.Summary
		if err := json.Unmarshal(b, &s); err != nil {
			return fmt.Errorf("%s: %w", role, err)
		}
		for _, row := range p.Engines {
			a, ok := s.Agents[row.Name]
			switch {
			case !ok:
			case role == "servers":
				row.Server = &a
			default:
				row.Client = &a
			}
		}
	}
	return nil
}

// fuzz fuzzes a server of each engine, in a process of its own.
func fuzz(ctx context.Context, o *Options, p *page) error {
	if o.Fuzz <= 0 {
		return nil
	}
	exe, err := os.Executable()
	if err != nil {
		return err
	}
	for _, row := range p.Engines {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		address := l.Addr().String()
		l.Close()
		u, err := opening.ParseURL("ws://" + address + "/")
		if err != nil {
			return err
		}
		report, err := wirefuzz.Run(ctx, wirefuzz.Config{
			Client: &opening.Client{URL: u}, Duration: o.Fuzz, Seed: 1, Handshake: true,
			Restart: fmt.Sprintf("%s='%s %s' exec '%s'", serveEnv, row.Name, address, exe),
		})
		if report == nil || ctx.Err() != nil {
			return errors.Join(fmt.Errorf("fuzzing %s: %w", row.Name, err), ctx.Err())
		}
		report.URL = "the echo server of " + row.Name
		if row.Name != "core" {
			report.Redact()
		}
		row.Fuzz = report
		dir := filepath.Join(o.Dir, "fuzz", row.Name)
		if err := os.MkdirAll(dir, 0o777); err != nil {
			return err
		}
		if err := wirefuzz.WriteReport(dir, report); err != nil {
			return err
		}
		fmt.Fprintf(o.Out, "fuzzed  %s: %d findings, %d notes in %d transcripts\n", row.Name, len(report.Findings()), len(report.Notes()), report.Executions)
	}
	return nil
}

// bench draws the benchmarks that are kept, and those of this machine.
func bench(_ context.Context, o *Options, p *page) error {
	var runs []*report.Run
	for _, folder := range []string{"published", "results"} {
		files, err := filepath.Glob(filepath.Join(o.Root, "bench", folder, "*.txt"))
		if err != nil {
			return err
		}
		slices.Sort(files)
		for _, file := range files {
			run, err := report.Load(file)
			if err != nil {
				return err
			}
			runs = append(runs, run)
		}
	}
	if len(runs) == 0 {
		return errors.New("there are no results in bench/published")
	}
	dir := filepath.Join(o.Dir, "bench")
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	f, err := os.Create(filepath.Join(dir, "index.html"))
	if err != nil {
		return err
	}
	p.Bench = true
	return errors.Join(report.Write(f, runs), f.Close())
}

// fieldPage takes over the page of the field, and its results.
func fieldPage(_ context.Context, o *Options, p *page) error {
	results, err := field.ReadResults(filepath.Join(o.Root, "field", "results", "field.json"))
	if err != nil {
		return err
	}
	p.Implementations = len(results.Rows)
	return results.Write(filepath.Join(o.Dir, "field"))
}

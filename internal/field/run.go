package field

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/wsproof/wsproof/conformance"
)

// rowTime bounds one implementation, from build to end.
const rowTime = 20 * time.Minute

// Options say what to do.
type Options struct {
	Table   string        // the table's file
	Build   string        // a folder for what is made
	Results string        // a folder for results
	Readme  string        // a file with the table between its markers; may be empty
	Only    string        // names, kinds, languages; all if empty
	Cases   string        // of the conformance suite; AllCases if empty
	Install bool          // bring what is missing
	Fuzz    time.Duration // of the wire fuzzer; not at all if 0
	Load    time.Duration // of the load; none if 0
	Out     io.Writer     // for progress
}

// AllCases are the conformance cases that are played unless told otherwise: the
// original suite's that need no extension, and this project's own.
const AllCases = conformance.DefaultCases + ",W.*"

// Run runs the chosen implementations one after the other, and writes after each
// what there is. An implementation that cannot be built or started is a row that
// says why, and no error.
func Run(ctx context.Context, o Options) error {
	table, err := LoadTable(o.Table)
	if err != nil {
		return err
	}
	chosen, err := Select(table, o.Only)
	if err != nil {
		return err
	}
	cases, err := conformance.Select(cmp.Or(strings.TrimSpace(o.Cases), AllCases))
	if err != nil {
		return err
	}
	results, err := ReadResults(filepath.Join(o.Results, "field.json"))
	if err != nil {
		return err
	}
	p, err := newPlace(filepath.Dir(o.Table), o.Build)
	if err != nil {
		return err
	}
	tell := func(format string, args ...any) { fmt.Fprintf(o.Out, format+"\n", args...) }
	if o.Install {
		p.install(ctx, chosen, tell)
	}
	commit, machine := facts(ctx, p)
	for i, im := range chosen {
		if ctx.Err() != nil {
			break
		}
		row := o.row(ctx, p, im, table, cases)
		if ctx.Err() != nil {
			break // a row cut short would say what is not true
		}
		row.Commit, row.Machine = commit, machine
		tell("%2d/%d  %s", i+1, len(chosen), row.line())
		results.Put(row)
		results.Order(table)
		if err := results.Write(o.Results); err != nil {
			return err
		}
	}
	if o.Readme != "" {
		if err := writeReadme(o.Readme, results); err != nil {
			return err
		}
	}
	tell("the page: %s", filepath.Join(o.Results, "index.html"))
	return ctx.Err()
}

// row does all that is to be done with one implementation.
func (o *Options) row(ctx context.Context, p place, im *Implementation, table []*Implementation, cases []*conformance.Case) *Row {
	row := &Row{
		Name: im.Name, Kind: im.Kind, Language: im.Language, Library: im.Library, Notes: im.Notes,
		Date: time.Now().UTC().Truncate(time.Second),
	}
	all := ctx
	ctx, cancel := context.WithTimeout(ctx, rowTime)
	defer cancel()
	if err := o.fill(ctx, p, im, table, cases, row); err != nil {
		row.Error = err.Error()
		if ctx.Err() != nil && all.Err() == nil {
			row.Error = fmt.Sprintf("it took longer than %v", rowTime)
		}
	}
	return row
}

func (o *Options) fill(ctx context.Context, p place, im *Implementation, table []*Implementation, cases []*conformance.Case, row *Row) error {
	var err error
	if row.Version, err = p.make(ctx, im); err != nil {
		return err
	}
	if im.Kind == Client {
		cases = conformance.CasesFor(conformance.ClientRole, cases)
		row.Test, err = test(ctx, cases, p.playClient(im))
		return err
	}
	upstream := ""
	if im.Kind == Proxy {
		core := table[0]
		if _, err := p.make(ctx, core); err != nil {
			return fmt.Errorf("the core behind it: %w", err)
		}
		s, err := p.serve(ctx, core, "")
		if err != nil {
			return fmt.Errorf("the core behind it: %w", err)
		}
		defer s.stop()
		upstream = s.address
	}
	cases = conformance.CasesFor(conformance.ServerRole, cases)
	h := &host{start: func(ctx context.Context) (*server, error) { return p.serve(ctx, im, upstream) }}
	defer h.close()
	if row.Test, err = test(ctx, cases, h.play); err != nil {
		return err
	}
	if o.Fuzz > 0 {
		h.close()
		if row.Fuzz, err = h.fuzz(ctx, o.Fuzz); err != nil {
			return fmt.Errorf("fuzz: %w", err)
		}
	}
	if o.Load > 0 {
		h.close() // what the cases left behind is no part of the load
		if err := h.alive(ctx); err != nil {
			return err
		}
		if row.Load, err = makeLoad(ctx, h.server, o.Load); err != nil {
			return fmt.Errorf("load: %w", err)
		}
	}
	return nil
}

// line is a row for a terminal.
func (r *Row) line() string {
	s := fmt.Sprintf("%-24s %-12s", r.Name, shortVersion(r.Version))
	if t := r.Test; t != nil {
		s += fmt.Sprintf(" %d of %d cases, %d findings, %.0f s", t.Passed, t.Cases, len(t.Findings), t.Seconds)
		if t.Skipped > 0 {
			s += fmt.Sprintf(", %d skipped", t.Skipped)
		}
	}
	if f := r.Fuzz; f != nil {
		s += fmt.Sprintf(", fuzz: %d findings in %d transcripts", len(f.Findings), f.Executions)
	}
	if l := r.Load; l != nil {
		s += fmt.Sprintf(", %.0f messages/s, %.3g µs of CPU a message", l.Rate, l.CPU)
		if l.Failed != "" {
			s += ", " + l.Failed
		}
	}
	if r.Error != "" {
		s += " " + r.Error
	}
	return s
}

// facts are what the results of a run have in common.
func facts(ctx context.Context, p place) (commit, machine string) {
	git := func(args ...string) string {
		cmd := exec.CommandContext(ctx, "git", args...)
		cmd.Dir = filepath.Dir(p.field)
		out, _ := cmd.Output() // outside a repository there is no commit to name
		return strings.TrimSpace(string(out))
	}
	commit = git("rev-parse", "--short=12", "HEAD")
	// What a run before this one has written counts for nothing.
	if git("status", "--porcelain", "--untracked-files=no", "--", ".", ":!README.md", ":!field/results") != "" {
		commit += "-dirty"
	}
	machine = fmt.Sprintf("%d CPUs, %s/%s", runtime.NumCPU(), runtime.GOOS, runtime.GOARCH)
	if b, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		if _, rest, ok := strings.Cut(string(b), "model name"); ok {
			line, _, _ := strings.Cut(rest, "\n")
			machine = strings.TrimSpace(strings.TrimLeft(line, "\t :")) + ", " + machine
		}
	}
	return commit, machine
}

package main

import (
	"bytes"
	"context"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"
)

// A unit is one test that judges mutants: a test of vectors, or a fuzz target on
// its seeds.
type unit struct {
	stage   string
	pkg     string // its package's folder in the module
	name    string
	took    time.Duration    // by the core as it is
	silence time.Duration    // the longest in which it said nothing
	hits    map[string][]hit // the parts of the core that it reaches, by file
}

// A hit is a block of statements, and whether it was run.
type hit struct {
	startLine, startColumn int
	endLine, endColumn     int
	reached                bool
}

// findUnits returns the units of the module, and which packages of the core have
// tests.
func findUnits(ctx context.Context, c *core) (units []*unit, tested []string, err error) {
	packages, err := listPackages(ctx, c.root, c.tags, "./"+coreDir+"/...", "./fuzz/...")
	if err != nil {
		return nil, nil, err
	}
	for _, p := range packages {
		dir := relative(c.root, p.Dir)
		ofCore := dir == coreDir || strings.HasPrefix(dir, coreDir+"/")
		names := slices.Concat(p.TestGoFiles, p.XTestGoFiles)
		if ofCore && len(names) > 0 {
			tested = append(tested, dir)
		}
		for _, name := range names {
			file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(p.Dir, name), nil, parser.SkipObjectResolution)
			if err != nil {
				return nil, nil, err
			}
			for _, d := range file.Decls {
				fn, ok := d.(*ast.FuncDecl)
				switch {
				case !ok || fn.Recv != nil:
				case ofCore && strings.HasPrefix(fn.Name.Name, "TestVectors"):
					units = append(units, &unit{stage: stageVectors, pkg: dir, name: fn.Name.Name})
				case !ofCore && strings.HasPrefix(fn.Name.Name, "Fuzz"):
					units = append(units, &unit{stage: stageSeeds, pkg: dir, name: fn.Name.Name})
				}
			}
		}
	}
	if len(units) == 0 {
		return nil, nil, fmt.Errorf("no test of vectors below %s and no fuzz target below fuzz", coreDir)
	}
	return units, tested, nil
}

// checkTargets returns an error for a fuzz target that a mutant names and that is
// none.
func checkTargets(mutants []*mutant, units []*unit) error {
	known := map[string]bool{}
	for _, u := range units {
		known[u.name] = true
	}
	for _, m := range mutants {
		for _, target := range m.targets {
			if !known["Fuzz"+target] {
				return fmt.Errorf("%s: there is no fuzz target %s", m.name, target)
			}
		}
	}
	return nil
}

// measure runs each unit on the core as it is, and notes how long it takes and
// what it reaches.
func measure(ctx context.Context, b *build, units []*unit) error {
	for _, u := range units {
		binary, err := b.binary(ctx, u.pkg, buildCover)
		if err != nil {
			return err
		}
		profile := filepath.Join(b.dir, path.Base(u.pkg)+"-"+u.name+".cover")
		begin := time.Now()
		r := result{mutant: &mutant{name: "the core as it is"}}
		t := trial{stage: u.stage, dir: filepath.Join(b.core.root, u.pkg), limit: testTime, silence: testTime}
		u.silence = r.try(ctx, t, binary, "-test.run=^"+u.name+"$", "-test.v", "-test.timeout="+testTime.String(), "-test.coverprofile="+profile)
		if r.err != nil {
			return r.err
		}
		if r.stage != "" {
			return fmt.Errorf("the core as it is fails in the stage %s: %s\n%s", r.stage, r.killer, r.words)
		}
		u.took = time.Since(begin)
		text, err := os.ReadFile(profile)
		if err != nil {
			return err
		}
		if u.hits, err = readHits(text, b.core); err != nil {
			return err
		}
	}
	return nil
}

var profileLine = regexp.MustCompile(`^(.+):(\d+)\.(\d+),(\d+)\.(\d+) \d+ (\d+)$`)

// readHits reads a coverage profile of the go command.
func readHits(text []byte, c *core) (map[string][]hit, error) {
	dirs := map[string]string{}
	for _, p := range c.packages {
		dirs[p.ImportPath] = p.dir
	}
	hits := map[string][]hit{}
	for i, line := range strings.Split(strings.TrimSpace(string(text)), "\n") {
		if i == 0 { // mode:
			continue
		}
		found := profileLine.FindStringSubmatch(line)
		if found == nil {
			return nil, fmt.Errorf("coverage profile: line %d is %q", i+1, line)
		}
		var n [5]int
		for j := range n {
			n[j], _ = strconv.Atoi(found[j+2]) // the expression wants digits
		}
		name := path.Join(dirs[path.Dir(found[1])], path.Base(found[1]))
		hits[name] = append(hits[name], hit{n[0], n[1], n[2], n[3], n[4] > 0})
	}
	return hits, nil
}

// contains reports whether a place in the text, counted as the go command does,
// lies within a block.
func (h hit) contains(line, column int) bool {
	return (line > h.startLine || line == h.startLine && column >= h.startColumn) &&
		(line < h.endLine || line == h.endLine && column <= h.endColumn)
}

func (h hit) within(outer hit) bool {
	return outer.contains(h.startLine, h.startColumn) && outer.contains(h.endLine, h.endColumn)
}

// reaches reports whether a unit runs what stands at a place. What lies in no block
// of its own, such as the words behind case, counts as run where its function is.
func (u *unit) reaches(c *core, p place) bool {
	if len(u.hits[p.file]) == 0 {
		return false // its test binary does not have the package
	}
	text := c.files[p.file]
	find := func(offset int) (hit, bool) {
		line := 1 + bytes.Count(text[:offset], []byte("\n"))
		column := offset - bytes.LastIndexByte(text[:offset], '\n')
		var best hit
		found := false
		for _, h := range u.hits[p.file] {
			if h.contains(line, column) && (!found || h.within(best)) {
				h.reached = h.reached || found && best.within(h) && best.reached // the same block twice
				best, found = h, true
			}
		}
		return best, found
	}
	if h, ok := find(p.start); ok {
		return h.reached
	}
	s, err := c.source(p.file)
	if err != nil {
		return true
	}
	for _, d := range s.decls {
		if d.fn != nil && d.fn.Body != nil && d.start <= p.start && p.start < d.end {
			if h, ok := find(s.at(d.fn.Body.Lbrace) + 1); ok {
				return h.reached
			}
		}
	}
	return true
}

// places returns where the functions of a mutant that can be in one build with
// others begin to differ.
func (c *core) places(m *mutant) []place {
	var places []place
	for name, text := range m.changed {
		old, err := c.source(name)
		if err != nil {
			continue
		}
		changed, err := readSource(text)
		if err != nil {
			continue
		}
		funcs, _ := changedFuncs(old, changed)
		for _, i := range funcs {
			a, b := old.decls[i], changed.decls[i]
			same := commonPrefix(old.text[a.start:a.end], text[b.start:b.end])
			places = append(places, place{name, a.start + same})
		}
	}
	sort.Slice(places, func(i, j int) bool { return places[i].start < places[j].start })
	return places
}

func commonPrefix(a, b []byte) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

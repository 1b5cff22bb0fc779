package main

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
)

// A mutant is one planted bug: a row of a table, a change that was made at random,
// or a patch from outside.
type mutant struct {
	name string // stable, in words
	kind string // of bug, such as "wrong boundary"
	rule string // what it breaks: a rule of the model, or a point of the core's contract
	in   string // the function, constant, variable or type that is changed, as core.find has it
	file string // instead of in: an assembly file below websocket/
	old  string // stands in it exactly once: as short as that allows
	new  string // instead of it
	// targets are the fuzz targets that should find it, the likeliest first, without
	// the word Fuzz: in full the name of a target may stand only at the target.
	targets []string
	// race: it is a data race, so that everything is built with -race.
	race bool
	// tags are build tags: purego is for code that runs without assembly alone.
	tags string
	// survives says why nothing can find it, where that is so.
	survives string

	number  int               // chooses it in a build with others; from 1
	changed map[string][]byte // the files that it changes, by their path in the module
	patch   string            // the change as a unified diff, if it came as one
	random  bool              // made from the syntax tree
	locks   bool              // and it moves, adds or drops a call of a lock
	cost    bool              // it can change only how much time or memory something takes
	same    bool              // it compiles to the same code as the core as it is
}

// A place is a point of a file.
type place struct {
	file  string
	start int
}

// files are those that a mutant changes, for the report: below websocket/.
func (m *mutant) files() string {
	var names []string
	for name := range m.changed {
		names = append(names, strings.TrimPrefix(name, coreDir+"/"))
	}
	return strings.Join(names, " ")
}

// apply plants the bug of a row in the text of its file.
func (c *core) apply(m *mutant) error {
	if m.changed != nil {
		return nil
	}
	if m.old == m.new {
		return fmt.Errorf("%s: the mutant changes nothing", m.name)
	}
	at := anchor{file: coreDir + "/" + m.file}
	if m.file == "" {
		var err error
		if at, err = c.find(m.in, m.old); err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
	} else if c.files[at.file] == nil {
		return fmt.Errorf("%s: there is no file %s on this platform", m.name, at.file)
	} else {
		at.end = len(c.files[at.file])
		if n := bytes.Count(c.files[at.file], []byte(m.old)); n != 1 {
			return fmt.Errorf("%s: the snippet stands %d times in %s, want once:\n%s", m.name, n, at.file, m.old)
		}
	}
	text := c.files[at.file]
	i := at.start + bytes.Index(text[at.start:at.end], []byte(m.old))
	changed := make([]byte, 0, len(text)+len(m.new))
	changed = append(changed, text[:i]...)
	changed = append(changed, m.new...)
	changed = append(changed, text[i+len(m.old):]...)
	m.changed = map[string][]byte{at.file: changed}
	return nil
}

// checkAll plants each mutant, and returns an error that names each one that does
// not apply or does not compile.
func (c *core) checkAll(mutants []*mutant) error {
	var errs []error
	seen := map[string]bool{}
	for _, m := range mutants {
		if seen[m.name] {
			errs = append(errs, fmt.Errorf("%s: there are two mutants of this name", m.name))
		}
		seen[m.name] = true
		if err := c.apply(m); err != nil {
			errs = append(errs, err)
			continue
		}
		goFiles := map[string][]byte{} // assembly is left to the build
		for name, text := range m.changed {
			if filepath.Ext(name) == ".go" {
				goFiles[name] = text
			}
		}
		if err := c.compiles(goFiles); err != nil {
			errs = append(errs, fmt.Errorf("%s: does not compile: %w", m.name, err))
		}
	}
	return errors.Join(errs...)
}

package main

import (
	"bytes"
	"context"
	"fmt"
	"path"
	"slices"
)

// A group is mutants that are hunted by the same binaries, or one that has them
// for itself.
type group struct {
	core    *core
	race    bool
	alone   bool
	mutants []*mutant
}

// groups sorts mutants by what they can be built with.
func groups(ctx context.Context, cores *cores, mutants []*mutant) ([]*group, error) {
	var all []*group
	shared := map[string]*group{}
	for _, m := range mutants {
		c, err := cores.get(ctx, m.tags)
		if err != nil {
			return nil, err
		}
		if !c.shareable(m) {
			m.number = 0
			all = append(all, &group{core: c, race: m.race, alone: true, mutants: []*mutant{m}})
			continue
		}
		key := fmt.Sprint(m.race, m.tags)
		if shared[key] == nil {
			shared[key] = &group{core: c, race: m.race}
			all = append(all, shared[key])
		}
		shared[key].mutants = append(shared[key].mutants, m)
		m.number = len(shared[key].mutants)
	}
	// The big ones first: they keep all processors busy.
	slices.SortStableFunc(all, func(a, b *group) int { return len(b.mutants) - len(a.mutants) })
	return all, nil
}

// plainTags are the build tags of the core without assembly.
const plainTags = "purego"

// choosePlain gives mutants made at random in code that runs without assembly
// alone to the build that runs it.
func (h *hunter) choosePlain(ctx context.Context, cores *cores, mutants []*mutant) error {
	for _, m := range mutants {
		if !m.random || m.tags != "" {
			continue
		}
		c, err := cores.get(ctx, "")
		if err != nil {
			return err
		}
		if err := h.measure(ctx, c); err != nil {
			return err
		}
		if !c.shareable(m) || len(h.reaching(c, m)) > 0 || !c.hasPlain(m) {
			continue
		}
		plain, err := cores.get(ctx, plainTags)
		if err != nil {
			return err
		}
		if err := h.measure(ctx, plain); err != nil {
			return err
		}
		if plain.shareable(m) && len(h.reaching(plain, m)) > 0 {
			m.tags = plainTags
		}
	}
	return nil
}

// hasPlain reports whether a mutant stands in a package that has files for the
// build without assembly.
func (c *core) hasPlain(m *mutant) bool {
	for name := range m.changed {
		for _, other := range c.packageOf(name).IgnoredGoFiles {
			if bytes.Contains(c.files[path.Join(c.packageOf(name).dir, other)], []byte("|| "+plainTags+"\n")) {
				return true
			}
		}
	}
	return false
}

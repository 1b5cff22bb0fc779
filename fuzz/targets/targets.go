// Package targets lists the fuzz targets of all packages below fuzz, for the commands
// that run, keep and tell their inputs.
package targets

import (
	"slices"

	"github.com/wsproof/wsproof/fuzz"
	"github.com/wsproof/wsproof/fuzz/deflate"
	"github.com/wsproof/wsproof/fuzz/input"
	"github.com/wsproof/wsproof/fuzz/live"
	"github.com/wsproof/wsproof/fuzz/peers"
)

// A Target is one with the package that has it.
type Target struct {
	input.Target
	Package string // such as ./fuzz/live, from the root of the repository
}

// All returns every target, those of the frame level first.
func All() []Target {
	var all []Target
	for _, p := range []struct {
		path    string
		targets []input.Target
	}{
		{"./fuzz", fuzz.Targets()},
		{"./fuzz/deflate", deflate.Targets()},
		{"./fuzz/live", live.Targets()},
		{"./fuzz/peers", peers.Targets()},
	} {
		for _, t := range p.targets {
			all = append(all, Target{t, p.path})
		}
	}
	return all
}

// Find returns the target of that name, with or without the word Fuzz.
func Find(name string) (Target, bool) {
	all := All()
	i := slices.IndexFunc(all, func(t Target) bool { return t.Name == name || "Fuzz"+t.Name == name })
	if i < 0 {
		return Target{}, false
	}
	return all[i], true
}

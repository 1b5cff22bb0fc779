// Package engines has the table of all engines. It links every library: only what
// wants them all imports it.
package engines

import (
	"fmt"
	"slices"
	"strings"

	"github.com/wsproof/wsproof/internal/engine"
)

// All returns all engines, the core first.
func All() []engine.Engine { return slices.Clone(table) }

// Libraries returns all engines but the core.
func Libraries() []engine.Engine {
	return slices.DeleteFunc(All(), func(e engine.Engine) bool { return e.Name == "core" })
}

// Names returns the names of all engines, the core's first.
func Names() []string {
	names := make([]string, len(table))
	for i, e := range table {
		names[i] = e.Name
	}
	return names
}

// Find returns the engine of that name.
func Find(name string) (*engine.Engine, error) {
	for _, e := range table {
		if e.Name == name {
			return &e, nil
		}
	}
	return nil, fmt.Errorf("no engine %q: want one of %s", name, strings.Join(Names(), ", "))
}

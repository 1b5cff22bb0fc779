// Package field runs the suite against other people's WebSocket implementations:
// it installs what they need, builds and starts each, plays the conformance
// cases, makes load, and writes what came of it as JSON, as one page, and as the
// table of a README.
//
// The implementations are rows of field/field.json (Implementation); each has one
// small program in that folder. Command field/run is the way in.
//
// A finding that ends or exhausts a process is named by its rule alone, as
// SECURITY.md has it. It needs Linux: /proc, and, to install, Debian's apt-get.
package field

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// A Kind is what an implementation is.
type Kind string

// The kinds.
const (
	Server Kind = "server" // echoes
	Client Kind = "client" // connects to each {url} in turn and echoes until the connection is over
	Proxy  Kind = "proxy"  // passes on to the core at {upstream}
)

// An Implementation is a row of the table: a library, and the program of ours on
// it. Version and Build are run by sh in the table's folder, Start is words; in
// all of them {field} is that folder and {build} the one for what is made.
type Implementation struct {
	Name     string `json:"name"`
	Kind     Kind   `json:"kind"`
	Language string `json:"language"`
	Library  string `json:"library"`
	// Source is the program, relative to the table's folder.
	Source string `json:"source"`
	// Apt and Npm are the packages needed; npm's have versions. Go's modules come
	// with the build.
	Apt []string `json:"apt,omitempty"`
	Npm []string `json:"npm,omitempty"`
	// Version is a command that prints it.
	Version string `json:"version"`
	// Config is a file to be filled in and handed to Start as {config}.
	Config string `json:"config,omitempty"`
	// Build is a command; empty where there is nothing to build.
	Build string `json:"build,omitempty"`
	// Start is the command that runs it, until it is killed: with {port} on
	// 127.0.0.1, or with {url}, one or more words. {dir} is an empty folder, where it
	// runs.
	Start string `json:"start"`
	// Notes are what a reader of its results should know.
	Notes []string `json:"notes,omitempty"`
}

// LoadTable reads the table in a file.
func LoadTable(file string) ([]*Implementation, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	d := json.NewDecoder(f)
	d.DisallowUnknownFields()
	var table []*Implementation
	if err := d.Decode(&table); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	names := make(map[string]bool)
	for i, im := range table {
		if err := im.check(); err != nil {
			return nil, fmt.Errorf("%s: row %d (%s): %w", file, i+1, im.Name, err)
		}
		if names[im.Name] {
			return nil, fmt.Errorf("%s: row %d: a second %s", file, i+1, im.Name)
		}
		names[im.Name] = true
	}
	if len(table) == 0 {
		return nil, fmt.Errorf("%s has no row", file)
	}
	return table, nil
}

// check says what a row lacks.
func (im *Implementation) check() error {
	want := "{port}"
	switch im.Kind {
	case Server:
	case Client:
		want = "{url}"
	case Proxy:
		want = "{config}"
		if im.Config == "" {
			return fmt.Errorf("a proxy without config")
		}
	default:
		return fmt.Errorf("kind %q is neither server, client nor proxy", im.Kind)
	}
	for name, value := range map[string]string{
		"name": im.Name, "language": im.Language, "library": im.Library, "source": im.Source, "version": im.Version,
	} {
		if value == "" {
			return fmt.Errorf("without %s", name)
		}
	}
	if !strings.Contains(im.Start, want) {
		return fmt.Errorf("start has no %s", want)
	}
	for _, p := range im.Npm {
		if strings.LastIndexByte(p, '@') < 1 {
			return fmt.Errorf("npm package %s has no version", p)
		}
	}
	return nil
}

// Select returns the rows that a comma-separated list names, in the table's
// order: names, kinds and languages; all if it is empty.
func Select(table []*Implementation, only string) ([]*Implementation, error) {
	if strings.TrimSpace(only) == "" {
		return table, nil
	}
	chosen := make(map[*Implementation]bool)
	for word := range strings.SplitSeq(only, ",") {
		word = strings.TrimSpace(word)
		found := false
		for _, im := range table {
			if im.Name == word || string(im.Kind) == word || strings.EqualFold(im.Language, word) {
				chosen[im], found = true, true
			}
		}
		if !found {
			return nil, fmt.Errorf("no implementation, kind or language %q in the table", word)
		}
	}
	return slices.DeleteFunc(slices.Clone(table), func(im *Implementation) bool { return !chosen[im] }), nil
}

// A place is where the programs and what is made of them are.
type place struct {
	field string // the table's folder
	build string
}

// newPlace makes the folder for what is made.
func newPlace(field, build string) (place, error) {
	var p place
	var err error
	if p.field, err = filepath.Abs(field); err != nil {
		return p, err
	}
	if p.build, err = filepath.Abs(build); err != nil {
		return p, err
	}
	return p, os.MkdirAll(filepath.Join(p.build, "bin"), 0o777)
}

// expand fills in a command; pairs are further names and their values.
func (p place) expand(command string, pairs ...string) string {
	pairs = append([]string{"{field}", p.field, "{build}", p.build}, pairs...)
	return strings.NewReplacer(pairs...).Replace(command)
}

// env is the environment of all commands.
func (p place) env() []string {
	return append(os.Environ(),
		"NODE_PATH="+filepath.Join(p.npm(), "node_modules"),
		"PYTHONDONTWRITEBYTECODE=1",
	)
}

// npm is the folder of npm's packages.
func (p place) npm() string { return filepath.Join(p.build, "node") }

package field

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Schema names what results are written as; it changes where a field changes its
// meaning or goes.
const Schema = "wsproof/field/1"

// Results are what came of a field, the newest of each implementation.
type Results struct {
	Schema string `json:"schema"`
	Rows   []*Row `json:"rows"`
}

// A Row is what came of one implementation.
type Row struct {
	Name     string    `json:"name"`
	Kind     Kind      `json:"kind"`
	Language string    `json:"language"`
	Library  string    `json:"library"`
	Version  string    `json:"version,omitempty"`
	Date     time.Time `json:"date"`
	// Commit of this repository, Machine what it ran on.
	Commit  string   `json:"commit"`
	Machine string   `json:"machine"`
	Notes   []string `json:"notes,omitempty"`
	// Error is why there is nothing more, or not all.
	Error string `json:"error,omitempty"`
	Test  *Test  `json:"test,omitempty"`
	Fuzz  *Fuzz  `json:"fuzz,omitempty"`
	Load  *Load  `json:"load,omitempty"`
}

// ReadResults reads a file of results; there are none if it is not there.
func ReadResults(file string) (*Results, error) {
	b, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return &Results{Schema: Schema}, nil
	}
	if err != nil {
		return nil, err
	}
	var r Results
	if err := json.Unmarshal(b, &r); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if r.Schema != Schema {
		return nil, fmt.Errorf("%s has the schema %q, not %q: remove it, and run all anew", file, r.Schema, Schema)
	}
	return &r, nil
}

// Put puts a row in the place of that of its name. Of the same version it takes
// over what was not run now: sections of cases, and the fuzzer; the load also of another
// version, which it names then.
func (r *Results) Put(row *Row) {
	i := slices.IndexFunc(r.Rows, func(old *Row) bool { return old.Name == row.Name })
	if i < 0 {
		r.Rows = append(r.Rows, row)
		return
	}
	if old := r.Rows[i]; old.Version == row.Version && row.Error == "" {
		if old.Test != nil && row.Test != nil {
			row.Test.keep(old.Test)
		}
		if row.Fuzz == nil {
			row.Fuzz = old.Fuzz
		}
	}
	if old := r.Rows[i]; row.Load == nil && row.Error == "" && old.Load != nil {
		load := *old.Load
		if load.Version = cmp.Or(load.Version, old.Version); load.Version == row.Version {
			load.Version = ""
		}
		row.Load = &load
	}
	r.Rows[i] = row
}

// Order puts the rows in the table's order, and drops those that it lacks.
func (r *Results) Order(table []*Implementation) {
	place := func(row *Row) int {
		return slices.IndexFunc(table, func(im *Implementation) bool { return im.Name == row.Name })
	}
	r.Rows = slices.DeleteFunc(r.Rows, func(row *Row) bool { return place(row) < 0 })
	slices.SortFunc(r.Rows, func(a, b *Row) int { return place(a) - place(b) })
}

// Write writes field.json and index.html into a folder, which it makes.
func (r *Results) Write(dir string) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	b, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "field.json"), append(b, '\n'), 0o666); err != nil {
		return err
	}
	var page strings.Builder
	if err := WritePage(&page, r); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "index.html"), []byte(page.String()), 0o666)
}

// significant rounds to three digits.
func significant(v float64) float64 {
	if v == 0 || math.IsNaN(v) || math.IsInf(v, 0) {
		return 0
	}
	unit := math.Pow(10, math.Floor(math.Log10(math.Abs(v)))-2)
	if unit < 1 { // a division by a whole number keeps the decimals short
		return math.Round(v*math.Round(1/unit)) / math.Round(1/unit)
	}
	return math.Round(v/unit) * unit
}

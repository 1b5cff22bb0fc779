// Package vector reads the test vectors of testdata/vectors: transcripts and
// what a reader must make of them, for tests and as seeds of the fuzzers.
//
// testdata/README.md describes the format. Whatever is wrong with a file is an
// error that names file and line: an unknown key, a missing one, a vector that
// is there twice, a file or a folder without vectors.
package vector

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/wsproof/wsproof/internal/model"
	"github.com/wsproof/wsproof/testdata"
)

// A Vector is one transcript for one role and what must come of it.
type Vector struct {
	ID    string // rule/name/role, as in "opcode-unknown/opcode-3/server"; stable
	Rule  string // the rule that the vector proves: the name of its file
	RFC   string // the section of RFC 6455, as in "5.2", or of another, as in "7692 7.2.1"
	About string // in words
	File  string
	Line  int // of its first line

	Role   model.Role
	Limits model.Limits
	// Deflate is what was negotiated by permessage-deflate, nil if it was not.
	Deflate *model.Deflate
	Input   []byte        // the bytes that the reader gets; not to be written to
	Want    model.Outcome // exactly what the model must say

	truncated bool // one of the beginnings of a truncated vector
}

// Where returns file and line, for messages.
func (v *Vector) Where() string { return fmt.Sprintf("%s:%d", v.File, v.Line) }

// Load returns the vectors of testdata/vectors, in the order of files and lines,
// each role a vector of its own: those of connections without extensions.
func Load() ([]Vector, error) { return load(testdata.Vectors, "vectors", false) }

// LoadCompressed returns the vectors of testdata/compressed: those of connections
// for which permessage-deflate was negotiated.
func LoadCompressed() ([]Vector, error) { return load(testdata.Compressed, "compressed", true) }

func load(files fs.FS, folder string, compressed bool) ([]Vector, error) {
	dir, err := fs.Sub(files, folder)
	if err != nil {
		return nil, fmt.Errorf("vectors: %w", err)
	}
	vectors, err := LoadFS(dir)
	if err != nil {
		return nil, err
	}
	for i := range vectors {
		if v := &vectors[i]; (v.Deflate != nil) != compressed {
			return nil, fmt.Errorf("%s: the key negotiated stands in every vector of the folder compressed, and in no other", v.Where())
		}
	}
	return vectors, nil
}

// LoadFS returns the vectors of the *.txt files of a folder.
func LoadFS(dir fs.FS) ([]Vector, error) {
	entries, err := fs.ReadDir(dir, ".")
	if err != nil {
		return nil, fmt.Errorf("vectors: %w", err)
	}
	var all []Vector
	for _, entry := range entries {
		name := entry.Name()
		if strings.HasPrefix(name, ".") {
			continue
		}
		if entry.IsDir() || path.Ext(name) != ".txt" {
			return nil, fmt.Errorf("vectors: %s is no vector file: a folder of vectors holds *.txt files only", name)
		}
		text, err := fs.ReadFile(dir, name)
		if err != nil {
			return nil, fmt.Errorf("vectors: %w", err)
		}
		vectors, err := Parse(name, string(text))
		if err != nil {
			return nil, err
		}
		all = append(all, vectors...)
	}
	if len(all) == 0 {
		return nil, errors.New("vectors: no vectors found: the folder holds no *.txt file (was it moved?)")
	}
	return all, unique(all)
}

// unique returns an error if two vectors have the same ID, or hold the same.
func unique(vectors []Vector) error {
	ids := map[string]*Vector{}
	inputs := map[string]*Vector{}
	for i := range vectors {
		v := &vectors[i]
		if first := ids[v.ID]; first != nil {
			return fmt.Errorf("%s: there is a vector %s at %s already", v.Where(), v.ID, first.Where())
		}
		ids[v.ID] = v
		if v.truncated {
			continue // many begin alike
		}
		key := fmt.Sprintf("%v %v %+v %x", v.Role, v.Limits, v.Deflate, v.Input)
		if first := inputs[key]; first != nil {
			return fmt.Errorf("%s: %s has the same bytes, role and limits as %s at %s", v.Where(), v.ID, first.ID, first.Where())
		}
		inputs[key] = v
	}
	return nil
}

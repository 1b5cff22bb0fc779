package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
)

// What the compiler makes of a mutant's copy of a function tells some that nothing
// can find: where it is the same code, instruction by instruction, the same
// happens. A store that nothing reads within the function goes that way, and a
// comparison that cannot be told apart, but not a field that nothing reads.

var (
	listedFunc  = regexp.MustCompile(`^(\S.*?) STEXT\b`)
	listedData  = regexp.MustCompile(`^(\S+) S[A-Z]*DATA\b`)
	listedCode  = regexp.MustCompile(`^\t0x[0-9a-f]+ \d+ \(.*?\)\t(.*)$`)
	listedBytes = regexp.MustCompile(`^\t(0x[0-9a-f]+ |rel )`)
	mutantName  = regexp.MustCompile(`mutant(\d+)_`)
	anonymous   = regexp.MustCompile(`\S*\.\.stmp_\d+`)
)

// markSame marks those of the mutants of a build that compile to the same code as
// the core as it is.
func (b *build) markSame(ctx context.Context, mutants []*mutant) error {
	args := []string{"build", "-tags", b.tags, "-overlay", b.overlay, "-gcflags=-S", "-o", os.DevNull}
	for _, p := range b.core.packages {
		args = append(args, p.ImportPath)
	}
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = b.core.root
	cmd.Env = append(os.Environ(), "GOFLAGS=-p=1") // so that the listings do not mix
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("go build -gcflags=-S: %w\n%s", err, out[max(0, len(out)-2000):])
	}
	code := readListing(out)
	for _, m := range mutants {
		m.same = sameCode(code, m.number)
	}
	return nil
}

// A listing is the code of all functions, by the mutant's number and the name
// without it, with those inside of them.
type listing map[int]map[string]string

func readListing(out []byte) listing {
	type symbol struct {
		name string
		code []string
	}
	var funcs []*symbol
	data := map[string]string{}
	var current *symbol
	var datum string
	lines := bufio.NewScanner(bytes.NewReader(out))
	lines.Buffer(nil, 1<<26)
	for lines.Scan() {
		line := lines.Text()
		if found := listedFunc.FindStringSubmatch(line); found != nil {
			current, datum = &symbol{name: found[1]}, ""
			funcs = append(funcs, current)
			continue
		}
		if found := listedData.FindStringSubmatch(line); found != nil {
			current, datum = nil, found[1]
			continue
		}
		if current != nil {
			if found := listedCode.FindStringSubmatch(line); found != nil {
				op, _, _ := strings.Cut(found[1], "\t")
				if !slices.Contains([]string{"PCDATA", "FUNCDATA", "NOP", "TEXT"}, op) {
					current.code = append(current.code, found[1])
				}
			}
		} else if datum != "" && listedBytes.MatchString(line) {
			data[datum] += line + "\n"
		}
	}
	listed := listing{}
	for _, f := range funcs {
		found := mutantName.FindStringSubmatch(f.name)
		if found == nil {
			continue
		}
		number, _ := strconv.Atoi(found[1]) // the expression wants digits
		code := mutantName.ReplaceAllString(strings.Join(f.code, "\n"), "")
		// Values without a name of their own are numbered through the package: they
		// are what they hold.
		code = anonymous.ReplaceAllStringFunc(code, func(name string) string {
			name, _, _ = strings.Cut(name, "(")
			return fmt.Sprintf("%x", sha256.Sum256([]byte(mutantName.ReplaceAllString(data[name], ""))))
		})
		if listed[number] == nil {
			listed[number] = map[string]string{}
		}
		listed[number][mutantName.ReplaceAllString(f.name, "")] = code
	}
	return listed
}

// sameCode reports whether each copy of a mutant, with the functions inside, has
// the code of the function as it is.
func sameCode(code listing, number int) bool {
	copies := code[number]
	if len(copies) == 0 {
		return false
	}
	for name, text := range copies {
		if was, ok := code[0][name]; !ok || was != text {
			return false
		}
	}
	for name := range code[0] { // a function inside that is gone
		if base, _, inner := strings.Cut(name, ".func"); inner && copies[base] != "" {
			if _, ok := copies[name]; !ok {
				return false
			}
		}
	}
	return true
}

// dir makes a folder for what belongs to a build.
func makeDir(parent, name string) (string, error) {
	dir := filepath.Join(parent, name)
	return dir, os.MkdirAll(dir, 0o755)
}

// sortedKeys are the keys of a map, in order.
func sortedKeys[V any](m map[string]V) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}

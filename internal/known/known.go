// Package known reads and writes lists of what is known to be wrong with a peer,
// so that a run can pass on that and fail on what is new. A list is a text file of
// rows: what it is about, what was found there, and the reason why it may stay, with
// a tab between them. Lines that begin with # are comments. A row that no longer
// holds is to be taken away: it fails the run as well.
package known

import (
	"bufio"
	"fmt"
	"os"
	"slices"
	"strings"
)

// A Row is one thing that is known.
type Row struct {
	Subject string // such as a case, "7.5.1"
	Found   string // such as its verdict, "FAILED/WRONG CODE"
	Reason  string // why it may stay; never empty
}

// Read reads the list in a file. The errors name file and line.
func Read(name string) ([]Row, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("the list of what is known: %w", err)
	}
	defer f.Close()
	var rows []Row
	seen := make(map[string]int)
	in := bufio.NewScanner(f)
	in.Buffer(nil, 1<<20)
	for n := 1; in.Scan(); n++ {
		line := strings.TrimRight(in.Text(), "\r")
		if strings.TrimSpace(line) == "" || strings.HasPrefix(line, "#") {
			continue
		}
		cells := strings.SplitN(line, "\t", 3)
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		if len(cells) != 3 || slices.Contains(cells, "") {
			return nil, fmt.Errorf("%s:%d: want three columns with tabs between them, what it is about, what was found, and the reason why it may stay: %q", name, n, line)
		}
		if seen[cells[0]] > 0 {
			return nil, fmt.Errorf("%s:%d: %s is in line %d already", name, n, cells[0], seen[cells[0]])
		}
		seen[cells[0]] = n
		rows = append(rows, Row{cells[0], cells[1], cells[2]})
	}
	if err := in.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return rows, nil
}

// Write writes a list, with head as a comment above it.
func Write(name, head string, rows []Row) error {
	var b strings.Builder
	for line := range strings.Lines(head) {
		b.WriteString("# " + strings.TrimRight(line, "\n") + "\n")
	}
	clean := strings.NewReplacer("\t", " ", "\n", " ", "\r", " ")
	for _, r := range rows {
		fmt.Fprintf(&b, "%s\t%s\t%s\n", clean.Replace(r.Subject), clean.Replace(r.Found), clean.Replace(r.Reason))
	}
	return os.WriteFile(name, []byte(b.String()), 0o666)
}

// Compare holds what was found, by subject, against the rows. unknown are the
// subjects of which no row says that this is found, sorted; gone are the rows that
// hold no more, of those whose subject was looked at.
func Compare(rows []Row, found map[string]string, lookedAt func(subject string) bool) (unknown []string, gone []Row) {
	of := make(map[string]string)
	for _, r := range rows {
		of[r.Subject] = r.Found
		if lookedAt(r.Subject) && found[r.Subject] != r.Found {
			gone = append(gone, r)
		}
	}
	for subject, what := range found {
		if of[subject] != what {
			unknown = append(unknown, subject)
		}
	}
	slices.Sort(unknown)
	return unknown, gone
}

package field

import (
	"bytes"
	"fmt"
	"os"
	"strings"
)

// The markers between which a README's table stands.
const (
	beginMark = "<!-- field:begin -->"
	endMark   = "<!-- field:end -->"
)

// Readme returns text with the table of the results between its markers.
func Readme(text []byte, r *Results) ([]byte, error) {
	begin, end := bytes.Index(text, []byte(beginMark)), bytes.Index(text, []byte(endMark))
	if begin < 0 || end < begin {
		return nil, fmt.Errorf("the text has no %s … %s to write between", beginMark, endMark)
	}
	out := append([]byte{}, text[:begin+len(beginMark)]...)
	out = append(out, "\n\n"+markdown(r)+"\n"...)
	return append(out, text[end:]...), nil
}

func writeReadme(file string, r *Results) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	text, err = Readme(text, r)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return os.WriteFile(file, text, 0o666)
}

// markdown is the results as a table for people.
func markdown(r *Results) string {
	var b strings.Builder
	b.WriteString("| implementation | language | version | cases passed | rules of RFC 6455 broken | found by the fuzzer | messages/s | CPU µs a message |\n|---|---|---|--:|---|---|--:|--:|\n")
	for _, row := range r.Rows {
		cases, rules, fuzz, rate, cpu := "", "", "", "", ""
		if t := row.Test; t != nil {
			cases = fmt.Sprintf("%d of %d", t.Passed, t.Cases)
			rules = t.Rules()
		}
		if row.Fuzz != nil {
			fuzz = row.Fuzz.Rules()
		}
		if l := row.Load; l != nil {
			rate = number(l.Rate)
			if l.CPU > 0 {
				cpu = number(l.CPU)
			}
		}
		if row.Error != "" {
			rules = strings.TrimSpace(rules + " " + strings.ReplaceAll(row.Error, "|", `\|`))
		}
		name := row.Name
		if row.Kind == Proxy {
			name += " before the core"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s | %s | %s |\n", name, row.Language, shortVersion(row.Version), cases, rules, fuzz, rate, cpu)
	}
	return b.String()
}

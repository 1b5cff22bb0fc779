package vector

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestDeflateRules holds testdata/rfc7692.md: every one of the 69 rules stands
// there once, and what holds it exists. What is still to come is logged, and must
// not be there already.
func TestDeflateRules(t *testing.T) {
	text, err := os.ReadFile("../../testdata/rfc7692.md")
	if err != nil {
		t.Fatal(err)
	}
	var want, got []string
	for _, group := range []struct {
		letter string
		n      int
	}{{"N", 20}, {"C", 14}, {"F", 10}, {"P", 7}, {"D", 12}, {"L", 6}} {
		for i := range group.n {
			want = append(want, fmt.Sprintf("%s%d", group.letter, i+1))
		}
	}
	there := held(t)
	missing := map[string][]string{} // what is to come, by rule
	for _, line := range regexp.MustCompile(`(?m)^\| ([A-Z]\d+) \| (.+) \| (.+) \|$`).FindAllStringSubmatch(string(text), -1) {
		rule, by := line[1], strings.Split(line[3], ", ")
		got = append(got, rule)
		for _, what := range by {
			name, toCome := strings.CutPrefix(what, "to come: ")
			switch {
			case toCome && !function.MatchString(name):
				t.Errorf("%s: %q names no test that is to come, such as websocket.TestSomething", rule, what)
			case toCome && there(rule, name):
				t.Errorf("%s: %s is there: take the words \"to come\" away", rule, name)
			case toCome:
				missing[rule] = append(missing[rule], name)
			case !there(rule, name):
				t.Errorf("%s: %s is not there", rule, name)
			}
		}
		if len(by) == len(missing[rule]) {
			t.Logf("%s is held by nothing yet: %s", rule, line[2])
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("the rules are %v, want %v", got, want)
	}
	for _, rule := range want {
		if len(missing[rule]) > 0 {
			t.Logf("%s is still to be held by %s", rule, strings.Join(missing[rule], ", "))
		}
	}
}

var function = regexp.MustCompile(`^([a-z0-9/]+)\.((?:Test|Fuzz)[A-Za-z0-9]+)$`)

// held returns a function that says whether something that holds a rule exists.
func held(t *testing.T) func(rule, what string) bool {
	t.Helper()
	names := map[string]bool{} // folder/file and folder/file/vector
	for folder, load := range map[string]func() ([]Vector, error){"vectors": Load, "compressed": LoadCompressed} {
		vectors, err := load()
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range vectors {
			parts := strings.Split(v.ID, "/")
			names[folder+"/"+parts[0]] = true
			names[folder+"/"+parts[0]+"/"+parts[1]] = true
		}
	}
	negotiations, err := LoadNegotiations()
	if err != nil {
		t.Fatal(err)
	}
	return func(rule, what string) bool {
		if what == "negotiation" {
			return slices.ContainsFunc(negotiations, func(n Negotiation) bool { return slices.Contains(n.Proves, rule) })
		}
		f := function.FindStringSubmatch(what)
		if f == nil {
			return names[what]
		}
		files, err := filepath.Glob("../../" + f[1] + "/*_test.go")
		if err != nil {
			t.Fatal(err)
		}
		return slices.ContainsFunc(files, func(file string) bool {
			source, err := os.ReadFile(file)
			return err == nil && strings.Contains(string(source), "\nfunc "+f[2]+"(")
		})
	}
}

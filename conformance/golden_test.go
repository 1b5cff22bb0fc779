package conformance

import (
	"bufio"
	"bytes"
	"context"
	"flag"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/wsproof/wsproof/internal/engine/engines"
	"github.com/wsproof/wsproof/internal/engine/serve"
)

var (
	update = flag.Bool("update", false, "write the golden verdicts instead of comparing with them")
	only   = flag.String("engines", "", "play only the engines and roles that match, such as core or client-gws; all if empty")
	all    = flag.Bool("all", false, "play the mass cases, 9.*, with every engine, not only with the core")
)

// readVerdicts reads a table of verdicts: case → column → verdict.
func readVerdicts(t *testing.T, name string) map[string]map[string]string {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	table := make(map[string]map[string]string)
	var head []string
	for in := bufio.NewScanner(f); in.Scan(); {
		line := in.Text()
		if strings.HasPrefix(line, "#") {
			continue
		}
		cells := strings.Split(line, "\t")
		if head == nil {
			head = cells
			continue
		}
		row := make(map[string]string)
		for i, cell := range cells[1:] {
			row[head[i+1]] = cell
		}
		table[cells[0]] = row
	}
	if len(table) == 0 {
		t.Fatalf("testdata/%s has no verdicts", name)
	}
	return table
}

// defaultCases are the 301 cases of sections 1 to 10.
func defaultCases(t *testing.T) []*Case {
	t.Helper()
	cases, err := Select(DefaultCases)
	if err != nil {
		t.Fatal(err)
	}
	return cases
}

// casesFor are the cases that the tests play with an engine: all for the core,
// and those that move little for the others, unless the flag says all.
func casesFor(t *testing.T, engine string) []*Case {
	t.Helper()
	patterns := DefaultCases
	if (engine != "core" || raceEnabled) && !*all && !*update {
		patterns += ",-9.*"
	}
	cases, err := Select(patterns)
	if err != nil {
		t.Fatal(err)
	}
	return cases
}

// againstServer plays the cases against a handler on a server of its own.
func againstServer(t *testing.T, name string, handler http.Handler, cases []*Case, p pace) []*Result {
	t.Helper()
	server := httptest.NewServer(handler)
	defer server.Close()
	tester := Tester{URL: "ws" + strings.TrimPrefix(server.URL, "http"), Agent: name, Jobs: p.jobs, Patience: p.patience}
	results, err := tester.Run(t.Context(), cases)
	if err != nil {
		t.Error(err)
	}
	return results
}

// againstEngine plays the cases against an engine's echo server.
func againstEngine(t *testing.T, engine string, cases []*Case, p pace) []*Result {
	t.Helper()
	e, err := engines.Find(engine)
	if err != nil {
		t.Error(err)
		return nil
	}
	server := e.NewServer(serve.Echo, serve.Options{Compression: Compressed(cases)})
	defer server.Shutdown(context.Background())
	return againstServer(t, engine, server, cases, p)
}

// againstClient plays the cases with an engine's client.
func againstClient(t *testing.T, engine string, cases []*Case, p pace) []*Result {
	t.Helper()
	e, err := engines.Find(engine)
	if err != nil {
		t.Error(err)
		return nil
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Error(err)
		return nil
	}
	ctx, cancel := context.WithCancel(t.Context())
	fuzzing := &FuzzingServer{Cases: cases, Patience: p.patience}
	done := make(chan error)
	go func() { done <- fuzzing.Serve(ctx, l) }()
	if err := Drive(ctx, e.ClientFor(Compressed(cases)), "ws://"+l.Addr().String(), engine, cases, p.jobs); err != nil && !Compressed(cases) {
		t.Error(err)
	} else if err != nil {
		t.Log(err) // a client may fail a handshake: the verdict tells
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	results := fuzzing.Results()
	if len(results) != len(cases) {
		t.Errorf("client %s: %d results of %d cases", engine, len(results), len(cases))
	}
	return results
}

// A pace is how cases are played.
type pace struct {
	jobs     int
	patience float64
}

// The paces: at first, and for the cases whose verdict is not as expected. On a
// busy machine half a second is soon over; only a difference that stays when
// there is time is one.
var (
	fast = pace{24, 1}
	slow = pace{4, 3}
)

// tries is how often a case is played slowly before it counts.
const tries = 3

// compare holds results against the verdicts that want gives.
func compare(t *testing.T, results []*Result, want func(id string) string, play func(*testing.T, []*Case, pace) []*Result) {
	t.Helper()
	for range tries {
		var again []*Case
		for _, r := range results {
			if r.Verdict() != want(r.Case.ID) {
				t.Logf("%s %s at first: verdict %s, want %s (%s)", r.Agent, r.Case.ID, r.Verdict(), want(r.Case.ID), r.Why)
				again = append(again, r.Case)
			}
		}
		if len(again) == 0 {
			return
		}
		results = play(t, again, slow)
		if len(results) != len(again) {
			t.Errorf("%d results of %d cases", len(results), len(again))
		}
	}
	for _, r := range results {
		if r.Verdict() != want(r.Case.ID) {
			t.Errorf("%s %s: verdict %s, want %s (%s)\n%s", r.Agent, r.Case.ID, r.Verdict(), want(r.Case.ID), r.Why, logText(r.Log))
		}
	}
}

// A match is one peer whose verdicts are compared.
type match struct {
	name  string
	cases []*Case
	play  func(*testing.T, []*Case, pace) []*Result
	want  func(id string) string
}

// compareAll plays all matches side by side, as most of their time is waiting,
// and then compares one after the other.
func compareAll(t *testing.T, matches []match) {
	wanted, err := regexp.Compile(*only)
	if err != nil {
		t.Fatal(err)
	}
	matches = slices.DeleteFunc(matches, func(m match) bool { return !wanted.MatchString(m.name) })
	if len(matches) == 0 {
		t.Fatalf("-engines %q matches no engine", *only)
	}
	results := make([][]*Result, len(matches))
	var wg sync.WaitGroup
	few := make(chan struct{}, sideBySide)
	for i, m := range matches {
		wg.Go(func() {
			few <- struct{}{}
			results[i] = m.play(t, m.cases, fast)
			<-few
		})
	}
	wg.Wait()
	for i, m := range matches {
		t.Run(m.name, func(t *testing.T) {
			if len(results[i]) != len(m.cases) {
				t.Errorf("%d results of %d cases", len(results[i]), len(m.cases))
			}
			compare(t, results[i], m.want, m.play)
		})
	}
}

// TestOriginalVerdicts holds the verdicts against those of the original suite,
// for echo servers and clients written in the way that the original saw.
func TestOriginalVerdicts(t *testing.T) {
	t.Parallel()
	table := readVerdicts(t, "original.tsv")
	column := func(name string) func(string) string {
		return func(id string) string {
			if row := table[id]; row != nil {
				return row[name]
			}
			return string(OK)
		}
	}
	var matches []match
	for name, handler := range originalServers {
		play := func(t *testing.T, cases []*Case, p pace) []*Result { return againstServer(t, name, handler, cases, p) }
		matches = append(matches, match{name, casesFor(t, name), play, column(name)})
	}
	for _, engine := range []string{"gorilla", "gobwas"} {
		play := func(t *testing.T, cases []*Case, p pace) []*Result { return againstClient(t, engine, cases, p) }
		matches = append(matches, match{"client-" + engine, casesFor(t, engine), play, column("client-" + engine)})
	}
	compareAll(t, matches)
}

// TestGoldenVerdicts holds every engine, as server and as client, against the
// verdicts in testdata/golden.tsv.
func TestGoldenVerdicts(t *testing.T) {
	t.Parallel()
	roles := map[string]func(*testing.T, string, []*Case, pace) []*Result{"server": againstEngine, "client": againstClient}
	if *update {
		writeGolden(t, "golden.tsv", defaultCases(t), roles)
		return
	}
	table := readVerdicts(t, "golden.tsv")
	var matches []match
	for role, play := range roles {
		for _, engine := range engines.Names() {
			name := role + "-" + engine
			matches = append(matches, match{
				name, casesFor(t, engine),
				func(t *testing.T, cases []*Case, p pace) []*Result { return play(t, engine, cases, p) },
				func(id string) string { return table[id][name] },
			})
		}
	}
	compareAll(t, matches)
}

func writeGolden(t *testing.T, file string, cases []*Case, roles map[string]func(*testing.T, string, []*Case, pace) []*Result) {
	verdicts := make(map[string]map[string]string) // case → column
	var columns []string
	for _, role := range []string{"server", "client"} {
		for _, engine := range engines.Names() {
			name := role + "-" + engine
			columns = append(columns, name)
			for _, c := range cases {
				if c.Only != "" && c.Only != role || slices.Contains(spared[engine], c.ID) {
					verdicts[c.ID] = with(verdicts[c.ID], name, "-")
				}
			}
			for _, r := range roles[role](t, engine, playable(role, engine, cases), fast) {
				verdicts[r.Case.ID] = with(verdicts[r.Case.ID], name, r.Verdict())
			}
		}
	}
	var b bytes.Buffer
	fmt.Fprintln(&b, "# Verdicts of every engine, as server and as client. Written by: go test ./conformance -run Golden -update")
	fmt.Fprintln(&b, "case\t"+strings.Join(columns, "\t"))
	for _, c := range cases {
		fmt.Fprint(&b, c.ID)
		for _, name := range columns {
			fmt.Fprint(&b, "\t", verdicts[c.ID][name])
		}
		fmt.Fprintln(&b)
	}
	if err := os.WriteFile(filepath.Join("testdata", file), b.Bytes(), 0o666); err != nil {
		t.Fatal(err)
	}
}

// spared are cases that an engine does not survive in this process: the finding, of
// rule length-top-bit, is its maintainers' first (SECURITY.md).
var spared = map[string][]string{"gws": {"W.2.7"}}

// playable are the cases that can be played with the engine in that role.
func playable(role, engine string, cases []*Case) []*Case {
	return slices.DeleteFunc(slices.Clone(cases), func(c *Case) bool {
		return c.Only != "" && c.Only != role || slices.Contains(spared[engine], c.ID)
	})
}

// with is the map with one entry more.
func with(m map[string]string, key, value string) map[string]string {
	if m == nil {
		m = make(map[string]string)
	}
	m[key] = value
	return m
}

// TestOwnGolden holds every engine, in both roles, against the verdicts of the cases
// W.* in testdata/golden-own.tsv, and those against the catalogue.
func TestOwnGolden(t *testing.T) {
	t.Parallel()
	roles := map[string]func(*testing.T, string, []*Case, pace) []*Result{"server": againstEngine, "client": againstClient}
	if *update {
		writeGolden(t, "golden-own.tsv", own(), roles)
		return
	}
	table := readVerdicts(t, "golden-own.tsv")
	var matches []match
	for role, play := range roles {
		for _, engine := range engines.Names() {
			name := role + "-" + engine
			matches = append(matches, match{
				name, playable(role, engine, own()),
				func(t *testing.T, cases []*Case, p pace) []*Result { return play(t, engine, cases, p) },
				func(id string) string { return table[id][name] },
			})
		}
	}
	compareAll(t, matches)
	for _, c := range own() {
		for role := range roles {
			for _, engine := range engines.Names() {
				there := len(playable(role, engine, []*Case{c})) > 0
				if got := table[c.ID][role+"-"+engine]; got == "" || (got == "-") == there {
					t.Errorf("golden verdict of %s as %s in %s: %q", engine, role, c.ID, got)
				}
				if got := table[c.ID][role+"-core"]; engine == "core" && there && got != string(OK) && got != string(NonStrict) {
					t.Errorf("golden verdict of the core as %s in %s: %s", role, c.ID, got)
				}
			}
		}
	}
	if len(table) != len(own()) {
		t.Errorf("%d golden rows of %d cases", len(table), len(own()))
	}
}

// TestGoldenIsComplete keeps the golden file from losing rows or columns, and
// the core from losing its place: all OK but the three informational ones.
func TestGoldenIsComplete(t *testing.T) {
	table := readVerdicts(t, "golden.tsv")
	cases := defaultCases(t)
	if len(cases) != 301 || len(table) != 301 {
		t.Errorf("%d cases and %d golden rows, want 301", len(cases), len(table))
	}
	informational := []string{"7.1.6", "7.13.1", "7.13.2"}
	for _, c := range cases {
		for _, role := range []string{"server", "client"} {
			for _, engine := range engines.Names() {
				if table[c.ID][role+"-"+engine] == "" {
					t.Fatalf("no golden verdict of %s for %s %s", c.ID, role, engine)
				}
			}
			want := string(OK)
			if slices.Contains(informational, c.ID) {
				want = string(Informational)
			}
			if got := table[c.ID][role+"-core"]; got != want {
				t.Errorf("golden verdict of the core as %s in %s: %s, want %s", role, c.ID, got, want)
			}
		}
	}
}

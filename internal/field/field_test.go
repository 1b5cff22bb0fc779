package field

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/wsproof/wsproof/internal/engine"
	"github.com/wsproof/wsproof/internal/engine/engines"
)

const tableFile = "../../field/field.json"

func readTable(t *testing.T) []*Implementation {
	t.Helper()
	table, err := LoadTable(tableFile)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// TestTable holds the table to the files, and the files to the table.
func TestTable(t *testing.T) {
	table := readTable(t)
	root := filepath.Dir(tableFile)
	named := make(map[string]bool)
	languages, clients, libraries := make(map[string]bool), 0, make(map[string]bool)
	npm := make(map[string]string) // package → version
	for _, im := range table {
		languages[im.Language] = true
		libraries[im.Library] = true
		if im.Kind == Client {
			clients++
		}
		for _, file := range []string{im.Source, im.Config} {
			if file == "" {
				continue
			}
			if _, err := os.Stat(filepath.Join(root, file)); err != nil {
				t.Errorf("%s: %v", im.Name, err)
			}
			named[filepath.Clean(file)] = true
		}
		// What is run must be the source, or what is built from it.
		command := im.Build + " " + im.Start
		if im.Config == "" && !strings.Contains(command, im.Source) && !strings.Contains(command, filepath.Dir(im.Source)) &&
			!strings.Contains(command, "./"+filepath.Base(filepath.Dir(im.Source))) && !strings.Contains(command, "asgi_app:app") {
			t.Errorf("%s: neither build nor start has to do with %s", im.Name, im.Source)
		}
		for _, spec := range im.Npm {
			at := strings.LastIndexByte(spec, '@')
			if old := npm[spec[:at]]; old != "" && old != spec[at+1:] {
				t.Errorf("%s: %s, and %s elsewhere: npm would install one of them", im.Name, spec, old)
			}
			npm[spec[:at]] = spec[at+1:]
		}
	}
	if len(libraries) < 25 || len(languages) < 8 || clients < 5 {
		t.Errorf("%d libraries, %d languages, %d clients", len(libraries), len(languages), clients)
	}
	if table[0].Name != "core" {
		t.Errorf("the first row is %s: proxies want the core there", table[0].Name)
	}
	programs := 0
	err := filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			if d != nil && (d.Name() == "results" || d.Name() == "run") {
				return filepath.SkipDir
			}
			return err
		}
		file, _ := filepath.Rel(root, path)
		if filepath.Dir(file) == "." || filepath.Ext(file) == ".mod" || filepath.Ext(file) == ".sum" {
			return nil
		}
		programs++
		if !named[file] {
			t.Errorf("no row of the table names %s", file)
		}
		return nil
	})
	if err != nil || programs < 25 {
		t.Errorf("%d programs, %v", programs, err)
	}
}

// TestGoModule holds the nested module to the table: its libraries are in its
// go.mod, and not in that of the root, unless an engine of the suite is made of them.
func TestGoModule(t *testing.T) {
	nested, err := os.ReadFile(filepath.Join(filepath.Dir(tableFile), "go/go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	root, err := os.ReadFile("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	for _, im := range readTable(t) {
		if im.Language != "Go" || im.Name == "core" {
			continue
		}
		module := im.Version[strings.LastIndexByte(im.Version, ' ')+1:]
		isEngine := slices.ContainsFunc(engines.All(), func(e engine.Engine) bool { return e.Module == module })
		in := func(file []byte) bool { return strings.Contains(string(file), "\t"+module+" v") }
		if strings.HasPrefix(im.Source, "go/") != in(nested) || strings.HasPrefix(im.Source, "go/") == in(root) && !isEngine {
			t.Errorf("%s: %s is in the wrong go.mod", im.Name, module)
		}
	}
}

func TestLoadTable(t *testing.T) {
	const good = `"name": "a", "kind": "server", "language": "C", "library": "l", "source": "a.c", "version": "v", "start": "a {port}"`
	for _, c := range []struct{ text, error string }{
		{`[{` + good + `}]`, ""},
		{`[]`, "has no row"},
		{`[{` + good + `}, {` + good + `}]`, "row 2: a second a"},
		{`[{` + good + `, "colour": "red"}]`, `unknown field "colour"`},
		{`[{` + strings.Replace(good, "{port}", "", 1) + `}]`, "row 1 (a): start has no {port}"},
		{`[{` + strings.Replace(good, `"server"`, `"proxy"`, 1) + `}]`, "a proxy without config"},
		{`[{` + strings.Replace(good, `"server"`, `"client"`, 1) + `}]`, "start has no {url}"},
		{`[{` + strings.Replace(good, `"server"`, `"cat"`, 1) + `}]`, `kind "cat" is neither`},
		{`[{` + strings.Replace(good, `"l"`, `""`, 1) + `}]`, "without library"},
		{`[{` + good + `, "npm": ["@a/b"]}]`, "npm package @a/b has no version"},
	} {
		file := filepath.Join(t.TempDir(), "field.json")
		if err := os.WriteFile(file, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := LoadTable(file)
		if (err == nil) != (c.error == "") || err != nil && !strings.Contains(err.Error(), c.error) {
			t.Errorf("%s: %v, want %q", c.text, err, c.error)
		}
	}
}

func TestSelect(t *testing.T) {
	table := []*Implementation{{Name: "a", Kind: Server, Language: "C"}, {Name: "b", Kind: Client, Language: "Go"}, {Name: "c", Kind: Server, Language: "Go"}}
	for _, c := range []struct{ only, want string }{{"", "a b c"}, {"c,a", "a c"}, {"go", "b c"}, {"client", "b"}, {" server , b", "a b c"}} {
		chosen, err := Select(table, c.only)
		var names []string
		for _, im := range chosen {
			names = append(names, im.Name)
		}
		if got := strings.Join(names, " "); err != nil || got != c.want {
			t.Errorf("%q: %q, %v; want %q", c.only, got, err, c.want)
		}
	}
	if _, err := Select(table, "a,d"); err == nil || !strings.Contains(err.Error(), `"d"`) {
		t.Errorf("d is no row: %v", err)
	}
}

func TestMissingNpm(t *testing.T) {
	p := place{build: t.TempDir()}
	dir := filepath.Join(p.npm(), "node_modules", "@a", "b")
	if err := os.MkdirAll(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "package.json"), []byte("{\n  \"version\": \"1.2.3\"\n}"), 0o600); err != nil {
		t.Fatal(err)
	}
	got := p.missingNpm([]string{"@a/b@1.2.3", "@a/b@1.2.4", "c@1.0.0"})
	if want := []string{"@a/b@1.2.4", "c@1.0.0"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestReason(t *testing.T) {
	for said, want := range map[string]string{
		"":                           "",
		"one\n\ntwo\n\n":             "two",
		"x.c:1: error: no y\n^\nbye": "x.c:1: error: no y",
		"at a\nError: no z\n  at b\n\nNode.js v20":    "Error: no z",
		strings.Repeat("x", 2*tailSize) + "\nthe end": "the end",
	} {
		var b tail
		for chunk := range slices.Chunk([]byte(said), 1000) {
			_, _ = b.Write(chunk)
		}
		if got := b.reason(); got != want {
			t.Errorf("%.40q: %q, want %q", said, got, want)
		}
	}
}

// TestMake builds anew where version, command or source is another, and only there.
func TestMake(t *testing.T) {
	p, err := newPlace(t.TempDir(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	write := func(text string) {
		if err := os.WriteFile(filepath.Join(p.field, "a.c"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("one")
	im := &Implementation{Name: "a", Language: "C", Source: "a.c", Version: "echo 1", Build: "echo x >> {build}/log"}
	builds := 0
	for _, change := range []struct {
		what  string
		do    func()
		build bool
	}{
		{"the first time", func() {}, true},
		{"nothing", func() {}, false},
		{"the source", func() { write("two") }, true},
		{"the version", func() { im.Version = "echo 2" }, true},
		{"the command", func() { im.Build += " && true" }, true},
		{"nothing again", func() {}, false},
		{"the language, as the go command knows what is to be made", func() { im.Language = "Go" }, true},
	} {
		change.do()
		if change.build {
			builds++
		}
		if _, err := p.make(t.Context(), im); err != nil {
			t.Fatal(err)
		}
		if log, _ := os.ReadFile(filepath.Join(p.build, "log")); len(log) != 2*builds {
			t.Errorf("%s: %q, want %d builds", change.what, log, builds)
		}
	}
}

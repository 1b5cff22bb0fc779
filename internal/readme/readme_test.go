package readme

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const root = "../.."

// blocks returns the fenced blocks of the README in the language.
func blocks(t *testing.T, language string) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	found := fenced(string(text), language)
	if len(found) == 0 {
		t.Fatalf("the README has no block of %s", language)
	}
	return found
}

func fenced(text, language string) []string {
	var found []string
	for _, m := range regexp.MustCompile("(?ms)^```"+language+"\n(.*?)^```$").FindAllStringSubmatch(text, -1) {
		found = append(found, m[1])
	}
	return found
}

func command(t *testing.T, name string, args ...string) {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
}

// TestCommands has make resolve each target that the README names, and the go
// command each package; what takes long is left to those who run it.
func TestCommands(t *testing.T) {
	wsproof := filepath.Join(t.TempDir(), "wsproof.exe")
	command(t, "go", "build", "-o", wsproof, ".")
	for _, block := range blocks(t, "sh") {
		for line := range strings.Lines(block) {
			line, _, _ = strings.Cut(line, "#")
			words := strings.Fields(line)
			switch {
			case len(words) == 0:
			case words[0] == "make" && words[1] == "help":
				command(t, "make", "help")
			case words[0] == "make":
				command(t, "make", append([]string{"-n"}, words[1:]...)...)
			case words[0] == "go" && words[1] == "install":
				// The module's root, at whatever version, is the command.
				path, _, _ := strings.Cut(words[2], "@")
				command(t, "go", "vet", path)
			case words[0] == "wsproof":
				// With -h it takes the flags and does nothing.
				command(t, wsproof, append(unquoted(words[1:]), "-h")...)
			case words[0] == "go" && words[1] == "get":
				command(t, "go", "list", words[2])
			case words[0] == "go" && words[1] == "test":
				for _, word := range words {
					if name, ok := strings.CutPrefix(word, "-fuzz="); ok {
						out, err := exec.Command("go", "test", "-list", "^"+name+"$", root+"/fuzz").Output()
						if err != nil || !strings.HasPrefix(string(out), name) {
							t.Errorf("%s: there is no target %s: %v", line, name, err)
						}
					}
				}
			case words[0] == "go" && words[1] == "run":
				command(t, "go", "vet", words[2])
			default:
				t.Errorf("the README has a command that this test does not know: %s", line)
			}
		}
	}
}

// unquoted joins the words within single quotes, as a shell does.
func unquoted(words []string) []string {
	var joined []string
	inside := false
	for _, word := range words {
		if inside {
			joined[len(joined)-1] += " " + strings.Trim(word, "'")
		} else {
			joined = append(joined, strings.Trim(word, "'"))
		}
		if strings.Count(word, "'") == 1 {
			inside = !inside
		}
	}
	return joined
}

// TestPrograms builds the Go programs of every README and runs each ten times:
// it must print what its comment says. Half of the runs have one processor, where
// goroutines start late.
func TestPrograms(t *testing.T) {
	programs := 0
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && strings.HasPrefix(entry.Name(), ".") && entry.Name() != ".." && entry.Name() != ".clusterfuzzlite":
			return fs.SkipDir
		case filepath.Ext(path) != ".md":
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, code := range fenced(string(text), "go") {
			programs++
			runProgram(t, path, code)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	if programs == 0 {
		t.Error("no README has a program")
	}
}

func runProgram(t *testing.T, path, code string) {
	t.Helper()
	output := regexp.MustCompile("// Output: (.*)").FindStringSubmatch(code)
	if output == nil {
		t.Errorf("%s: a program does not say what it prints (// Output: …)", path)
		return
	}
	dir, err := os.MkdirTemp(".", "build")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	if err := os.WriteFile(filepath.Join(dir, "main.go"), []byte(code), 0o600); err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(t.TempDir(), "program.exe")
	command(t, "go", "build", "-o", program, "./internal/readme/"+filepath.Base(dir))
	for i := range 10 {
		cmd := exec.CommandContext(t.Context(), program)
		cmd.Env = os.Environ()
		if i%2 == 1 {
			cmd.Env = append(cmd.Env, "GOMAXPROCS=1")
		}
		if out, err := cmd.CombinedOutput(); err != nil || string(out) != output[1]+"\n" {
			t.Errorf("%s, run %d of its program: %v, it printed %q, want %q", path, i+1, err, out, output[1])
		}
	}
}

// TestMap has a look at each folder that the map names.
func TestMap(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	rows := regexp.MustCompile("(?m)^\\| `([^`]+)` \\|").FindAllStringSubmatch(string(text), -1)
	if len(rows) < 8 {
		t.Errorf("the map has %d rows", len(rows))
	}
	for _, row := range rows {
		if _, err := os.Stat(filepath.Join(root, row[1])); err != nil {
			t.Errorf("the map names what is not there: %v", err)
		}
	}
}

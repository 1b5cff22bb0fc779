package conform

import (
	"bytes"
	"encoding/xml"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wsproof/wsproof/internal/cli"
)

// proof runs wsproof test.
func proof(t *testing.T, args ...string) (stdout string, err error) {
	t.Helper()
	var out bytes.Buffer
	err = Test(t.Context(), "wsproof test", args, &out, &out)
	return out.String(), err
}

// TestKnown: what is known passes, what is new and what no longer holds fails.
func TestKnown(t *testing.T) {
	dir := t.TempDir()
	list, junit := filepath.Join(dir, "known.tsv"), filepath.Join(dir, "junit.xml")
	url := func(engine string) string {
		return "ws" + strings.TrimPrefix(echoOf(t, engine, (*httptest.Server).Start).URL, "http")
	}
	coder, core := url("coder"), url("core")
	stdout, err := proof(t, coder, "-cases", "7.5.1,7.3.1,W.4.2", "-write-known", list, "-junit", junit)
	if !cli.IsFinding(err) || !strings.Contains(stdout, "7.5.1  FAILED/WRONG CODE") {
		t.Errorf("%v\n%s", err, stdout)
	}
	var report struct {
		Suites []struct {
			Tests    int `xml:"tests,attr"`
			Failures int `xml:"failures,attr"`
			Cases    []struct {
				Name    string `xml:"name,attr"`
				Failure *struct {
					Message string `xml:"message,attr"`
				} `xml:"failure"`
			} `xml:"testcase"`
		} `xml:"testsuite"`
	}
	b, err := os.ReadFile(junit)
	if err == nil {
		err = xml.Unmarshal(b, &report)
	}
	if err != nil || len(report.Suites) != 1 || report.Suites[0].Tests != 3 || report.Suites[0].Failures != 2 || report.Suites[0].Cases[1].Failure == nil || report.Suites[0].Cases[0].Failure != nil {
		t.Errorf("JUnit: %v\n%s", err, b)
	}
	if stdout, err = proof(t, coder, "-cases", "7.5.1,7.3.1,W.4.2", "-known", list); err != nil {
		t.Errorf("with all known: %v\n%s", err, stdout)
	}
	if stdout, err = proof(t, coder, "-cases", "7.5.1,W.4.3", "-known", list); !cli.IsFinding(err) || !strings.Contains(stdout, "NEW     W.4.3 FAILED/OK") || strings.Contains(stdout, "GONE") {
		t.Errorf("with a new one: %v\n%s", err, stdout)
	}
	if stdout, err = proof(t, core, "-cases", "7.5.1", "-known", list); !cli.IsFinding(err) || !strings.Contains(stdout, "GONE    7.5.1") {
		t.Errorf("with one that is gone: %v\n%s", err, stdout)
	}
	if _, err = proof(t, core, "-known", filepath.Join(dir, "none")); err == nil || cli.IsFinding(err) {
		t.Errorf("without a list: %v", err)
	}
}

// TestClientCommand: a client that is a command of the shell.
func TestClientCommand(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv(echoEnv, "1")
	stdout, err := proof(t, "-client", exe+" {url}", "-agent", "mine", "-cases", "1.1.1,2.2,W.1.1,W.10.2,W.8.1")
	if err != nil || !strings.Contains(stdout, "passed  mine as client: 4 OK of 4 cases") { // W.8.1 is for servers
		t.Errorf("%v\n%s", err, stdout)
	}
	if _, err := proof(t, "-client", "exit 3; echo {url}"); err == nil || !strings.Contains(err.Error(), "does not connect") || cli.IsFinding(err) {
		t.Errorf("a command that fails: %v", err)
	}
	if _, err := proof(t, "-client", "echo"); !cli.IsUsage(err) {
		t.Errorf("without {url}: %v", err)
	}
}

func TestTestUsage(t *testing.T) {
	for _, args := range [][]string{{}, {"ws://h/", "more"}, {"tcp://h/"}, {"ws://h/", "-cases", "99"}} {
		if stdout, err := proof(t, args...); !cli.IsUsage(err) || stdout != "" {
			t.Errorf("%q: %v, %q; want one line", args, err, stdout)
		}
	}
}

package known

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func TestRoundTrip(t *testing.T) {
	name := filepath.Join(t.TempDir(), "known.tsv")
	rows := []Row{{"7.5.1", "FAILED/WRONG CODE", "reported upstream"}, {"9.1.6", "FAILED", "a limit\tof ours"}}
	if err := Write(name, "what this is\nand why", rows); err != nil {
		t.Fatal(err)
	}
	rows[1].Reason = "a limit of ours"
	if got, err := Read(name); err != nil || !reflect.DeepEqual(got, rows) {
		t.Errorf("%v, %v; want %v", got, err, rows)
	}
}

func TestRead(t *testing.T) {
	for text, want := range map[string]string{
		"# a comment\r\n\r\n1.1\tFAILED\tso\r\n": "",
		"1.1\tFAILED\n":                          ":1: want three columns",
		"1.1\tFAILED\t \n":                       ":1: want three columns",
		"#\n1.1 FAILED so\n":                     ":2: want three columns",
		"1.1\tFAILED\tso\n1.1\tOK\tso\n":         ":2: 1.1 is in line 1 already",
	} {
		name := filepath.Join(t.TempDir(), "known.tsv")
		if err := os.WriteFile(name, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		rows, err := Read(name)
		if want == "" && (err != nil || len(rows) != 1) || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: %v, %v; want %q", text, rows, err, want)
		}
	}
	if _, err := Read(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("a file that is not there is read")
	}
}

func TestCompare(t *testing.T) {
	rows := []Row{{"a", "FAILED", "x"}, {"b", "FAILED", "x"}, {"c", "FAILED", "x"}, {"d", "FAILED", "not played"}}
	found := map[string]string{"a": "FAILED", "b": "UNCLEAN", "e": "FAILED"}
	unknown, gone := Compare(rows, found, func(s string) bool { return s != "d" })
	if !reflect.DeepEqual(unknown, []string{"b", "e"}) || !reflect.DeepEqual(gone, []Row{rows[1], rows[2]}) {
		t.Errorf("unknown %v, gone %v", unknown, gone)
	}
}

package conformance

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
)

// someResults plays a few cases in memory: what passed, what was not strict,
// and what failed.
func someResults(t *testing.T) (results []*Result) {
	synctest.Test(t, func(t *testing.T) {
		cases, _ := Select("1.1.1,2.3,6.4.1,7.1.6,9.7.1,12.1.1")
		for i, c := range cases {
			for agent, fault := range map[string]string{"right": "", "late <b>": "checks UTF-8 only in whole messages"} {
				r := playServer(t, fault, c)
				r.Agent, r.Number, r.Again = agent, i+1, "again "+c.ID
				results = append(results, r)
			}
		}
		results = append(results, playServer(t, "drops Pongs", cases[1]))
		for _, c := range cases {
			if c.Deflate != nil {
				r := playServer(t, "knows no compression", c)
				r.Agent = "declines"
				results = append(results, r)
			}
		}
	})
	return results
}

func TestWriteReports(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "reports")
	results := someResults(t)
	if err := WriteReports(dir, "Some peers", results); err != nil {
		t.Fatal(err)
	}
	var index map[string]map[string]map[string]any
	readJSON(t, filepath.Join(dir, "index.json"), &index)
	entry := index["right"]["1.1.1"]
	if entry["behavior"] != "OK" || entry["behaviorClose"] != "OK" || entry["remoteCloseCode"] != 1000.0 || entry["reportfile"] != "right_case_1_1_1.json" {
		t.Errorf("index.json: %v", entry)
	}
	if _, isNumber := entry["duration"].(float64); !isNumber {
		t.Errorf("index.json has no duration: %v", entry)
	}
	if got := index["late <b>"]["6.4.1"]["behavior"]; got != "NON-STRICT" {
		t.Errorf("6.4.1: %v", got)
	}
	if got := index["declines"]["12.1.1"]; got["behavior"] != "UNIMPLEMENTED" || got["behaviorClose"] != "OK" {
		t.Errorf("12.1.1, declined: %v", got)
	}
	if got := index["right"]["12.1.1"]; got["behavior"] != "OK" || got["behaviorClose"] != "OK" {
		t.Errorf("12.1.1: %v", got)
	}
	verdicts, _, err := ReadIndex(dir)
	if err != nil || verdicts["rogue"]["2.3"] != [2]Verdict{Failed, WrongCode} && verdicts["rogue"]["2.3"] != [2]Verdict{Failed, OK} {
		t.Errorf("ReadIndex: %v, %v", verdicts["rogue"], err)
	}

	// The fields of the original's case files, each of the original's type.
	var report map[string]any
	readJSON(t, filepath.Join(dir, "right_case_2_3.json"), &report)
	for _, field := range []string{
		"agent", "behavior", "behaviorClose", "case", "closedByMe", "createStats", "createWirelog", "description",
		"droppedByMe", "duration", "expectation", "expected", "expectedClose", "failedByMe", "httpRequest", "httpResponse",
		"id", "isServer", "localCloseCode", "localCloseReason", "received", "remoteCloseCode", "remoteCloseReason",
		"reportCompressionRatio", "reportTime", "result", "resultClose", "rxFrameStats", "rxOctetStats", "started",
		"trafficStats", "txFrameStats", "txOctetStats", "wasClean", "wasCloseHandshakeTimeout", "wasNotCleanReason",
		"wasOpenHandshakeTimeout", "wasServerConnectionDropTimeout", "wirelog",
	} {
		if _, there := report[field]; !there {
			t.Errorf("the case file has no %s", field)
		}
	}
	received, _ := json.Marshal(report["received"])
	if string(received) != `[["pong","0x00fffefdfcfb00ff"]]` {
		t.Errorf("received: %s", received)
	}
	var kinds []string
	for _, row := range report["wirelog"].([]any) {
		kinds = append(kinds, row.([]any)[0].(string))
	}
	for _, kind := range []string{"TF", "TO", "RO", "RF", "TI"} {
		if !slices.Contains(kinds, kind) {
			t.Errorf("the wire log has no %s: %v", kind, kinds)
		}
	}
}

func readJSON(t *testing.T, name string, v any) {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, v); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

// TestPage: the page has everything in it and takes nothing from elsewhere.
func TestPage(t *testing.T) {
	var b strings.Builder
	results := someResults(t)
	if err := WriteHTML(&b, "Some <peers>", results); err != nil {
		t.Fatal(err)
	}
	page := b.String()
	if found := regexp.MustCompile(`(?i)(src|href)\s*=\s*"(?:https?:)?//|@import|url\(`).FindString(page); found != "" {
		t.Errorf("the page takes something from elsewhere: %s", found)
	}
	if strings.Contains(page, "late <b>") || strings.Contains(page, "Some <peers>") {
		t.Error("a name stands in the page without being escaped")
	}
	data := regexp.MustCompile(`(?s)<script type="application/json" id="data">(.*?)</script>`).FindStringSubmatch(page)
	if data == nil {
		t.Fatal("the page has no data")
	}
	var details pageDetails
	if err := json.Unmarshal([]byte(data[1]), &details); err != nil {
		t.Fatal(err)
	}
	for _, r := range results {
		d, there := details.Results[r.Agent][r.Case.ID]
		if !there || d.Behavior != r.Behavior || len(d.Log) == 0 || (!r.Passed() && d.Why == "") {
			t.Errorf("%s %s: %+v", r.Agent, r.Case.ID, d)
		}
		if c := details.Cases[r.Case.ID]; c.Rule == "" || c.Expectation == "" || c.Description == "" {
			t.Errorf("%s: %+v", r.Case.ID, c)
		}
	}
}

func TestLetters(t *testing.T) {
	for _, test := range []struct {
		behavior, closing Verdict
		letters, class    string
	}{
		{OK, OK, "P", "ok"},
		{NonStrict, OK, "N", "ns"},
		{Informational, Informational, "I", "info"},
		{Unimplemented, Unimplemented, "U", "un"},
		{Failed, Failed, "F", "fail"},
		{Failed, OK, "F", "fail"},
		{Failed, WrongCode, "Fw", "fail"},
		{OK, WrongCode, "Pw", "close"},
		{OK, Unclean, "Pu", "close"},
		{OK, FailedByClient, "Pc", "close"},
		{OK, Failed, "Pf", "close"},
		{NonStrict, Unclean, "Nu", "close"},
	} {
		if letters, class := letter(test.behavior, test.closing); letters != test.letters || class != test.class {
			t.Errorf("%s/%s: %s, %s; want %s, %s", test.behavior, test.closing, letters, class, test.letters, test.class)
		}
	}
}

package conformance

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
	"unicode/utf8"
)

// WriteReports writes the results into a folder, which it makes: index.json
// and one JSON file a case and agent, in the format of the original suite, and
// index.html, one page with everything, that needs nothing else; and summary.json,
// see Summary.
func WriteReports(dir, title string, results []*Result) error {
	return writeReports(dir, title, results, asItIs, false)
}

// WriteOriginalReports writes what the original suite writes, by its names:
// index.json, index.html, and one JSON and one HTML file a case and agent. The HTML
// is ours.
func WriteOriginalReports(dir, title string, results []*Result) error {
	return writeReports(dir, title, results, asTheOriginal, true)
}

func writeReports(dir, title string, results []*Result, clean func(string) string, pages bool) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	index := make(map[string]map[string]indexEntry)
	files := fileNames(results, clean)
	for _, r := range results {
		if r == nil {
			continue
		}
		name := files[r.Agent] + "_case_" + strings.ReplaceAll(r.Case.ID, ".", "_") + ".json"
		if index[r.Agent] == nil {
			index[r.Agent] = make(map[string]indexEntry)
		}
		index[r.Agent][r.Case.ID] = indexEntry{
			Behavior: r.Behavior, BehaviorClose: r.BehaviorClose, Duration: r.Duration.Milliseconds(),
			RemoteCloseCode: r.Outcome.RemoteCode, ReportFile: name,
		}
		if err := writeJSON(filepath.Join(dir, name), newCaseReport(r)); err != nil {
			return err
		}
		if pages {
			if err := writePage(filepath.Join(dir, strings.TrimSuffix(name, "json")+"html"), r); err != nil {
				return err
			}
		}
	}
	if err := writeJSON(filepath.Join(dir, "index.json"), index); err != nil {
		return err
	}
	if err := writeJSON(filepath.Join(dir, "summary.json"), Summarize(results)); err != nil {
		return err
	}
	return writeTo(filepath.Join(dir, "index.html"), func(w io.Writer) error { return WriteHTML(w, title, results) })
}

// writePage writes the page of one result.
func writePage(name string, r *Result) error {
	return writeTo(name, func(w io.Writer) error { return casePage.Execute(w, newCasePage(r)) })
}

func writeTo(name string, write func(io.Writer) error) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	if err := write(f); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}

func writeJSON(name string, v any) error {
	b, err := json.MarshalIndent(v, "", "   ")
	if err != nil {
		return err
	}
	return os.WriteFile(name, append(b, '\n'), 0o666)
}

// indexEntry is a case in index.json.
type indexEntry struct {
	Behavior        Verdict `json:"behavior"`
	BehaviorClose   Verdict `json:"behaviorClose"`
	Duration        int64   `json:"duration"` // ms
	RemoteCloseCode *uint16 `json:"remoteCloseCode"`
	ReportFile      string  `json:"reportfile"`
}

// caseReport is a case's JSON file, field by field as the original writes it;
// schema, why, note, earlier, rule and rfc are ours.
type caseReport struct {
	Agent         string            `json:"agent"`
	Behavior      Verdict           `json:"behavior"`
	BehaviorClose Verdict           `json:"behaviorClose"`
	Case          int               `json:"case"`
	ClosedByMe    bool              `json:"closedByMe"`
	CreateStats   bool              `json:"createStats"`
	CreateWirelog bool              `json:"createWirelog"`
	Description   string            `json:"description"`
	DroppedByMe   bool              `json:"droppedByMe"`
	Duration      int64             `json:"duration"`
	Expectation   string            `json:"expectation"`
	Expected      map[Verdict][]any `json:"expected"`
	ExpectedClose expectedClose     `json:"expectedClose"`
	FailedByMe    bool              `json:"failedByMe"`
	HTTPRequest   string            `json:"httpRequest"`
	HTTPResponse  string            `json:"httpResponse"`
	ID            string            `json:"id"`
	IsServer      bool              `json:"isServer"`
	LocalCode     *uint16           `json:"localCloseCode"`
	LocalReason   *string           `json:"localCloseReason"`
	Received      []any             `json:"received"`
	RemoteCode    *uint16           `json:"remoteCloseCode"`
	RemoteReason  *string           `json:"remoteCloseReason"`
	ReportRatio   bool              `json:"reportCompressionRatio"`
	ReportTime    bool              `json:"reportTime"`
	Result        string            `json:"result"`
	ResultClose   string            `json:"resultClose"`
	RxFrameStats  map[byte]int      `json:"rxFrameStats"`
	RxOctetStats  map[int]int       `json:"rxOctetStats"`
	Started       string            `json:"started"`
	Traffic       any               `json:"trafficStats"`
	TxFrameStats  map[byte]int      `json:"txFrameStats"`
	TxOctetStats  map[int]int       `json:"txOctetStats"`
	WasClean      bool              `json:"wasClean"`
	CloseTimeout  bool              `json:"wasCloseHandshakeTimeout"`
	NotClean      *string           `json:"wasNotCleanReason"`
	OpenTimeout   bool              `json:"wasOpenHandshakeTimeout"`
	DropTimeout   bool              `json:"wasServerConnectionDropTimeout"`
	WireLog       [][]any           `json:"wirelog"`
	Schema        string            `json:"schema"`
	Why           string            `json:"why,omitempty"`
	Note          string            `json:"note,omitempty"`
	Earlier       string            `json:"earlier,omitempty"`
	Rule          string            `json:"rule,omitempty"`
	RFC           string            `json:"rfc,omitempty"`
}

type expectedClose struct {
	ClosedByMe   bool     `json:"closedByMe"`
	CloseCode    []uint16 `json:"closeCode"`
	RequireClean bool     `json:"requireClean"`
	WrongIsFatal bool     `json:"closedByWrongEndpointIsFatal,omitempty"`
}

func newCaseReport(r *Result) caseReport {
	c, o := r.Case, &r.Outcome
	report := caseReport{
		Agent: r.Agent, Behavior: r.Behavior, BehaviorClose: r.BehaviorClose, Case: r.Number,
		ClosedByMe: o.ClosedByMe, CreateStats: true, CreateWirelog: true, Description: c.Description,
		DroppedByMe: o.DroppedByMe, Duration: r.Duration.Milliseconds(), Expectation: c.Expectation,
		Expected:      make(map[Verdict][]any),
		ExpectedClose: expectedClose{c.Close.ByTester, c.Close.Codes, c.Close.Clean, c.Close.WrongSideFatal},
		FailedByMe:    o.FailedByMe, HTTPRequest: r.Request, HTTPResponse: r.Response, ID: c.ID,
		IsServer: r.Role == ServerRole, LocalCode: o.LocalCode, LocalReason: optional(o.LocalReason, o.LocalReason != ""),
		Received: events(o.Received), RemoteCode: o.RemoteCode, RemoteReason: optional(o.RemoteReason, o.RemoteReason != ""),
		ReportTime: c.Section() == 9, Result: "Actual events match at least one expected.", ResultClose: "Connection was properly closed.",
		RxFrameStats: map[byte]int{}, RxOctetStats: map[int]int{}, TxFrameStats: map[byte]int{}, TxOctetStats: map[int]int{},
		Started: r.Started.UTC().Format(time.RFC3339Nano), WasClean: o.WasClean, CloseTimeout: o.CloseTimeout,
		NotClean: optional(o.NotClean, o.NotClean != ""), DropTimeout: o.DropTimeout, WireLog: wireRows(r.Log),
		Schema: "wsproof/conformance-case/1", Why: r.Why, Note: r.Note, Earlier: r.Earlier, Rule: c.Rule.Sentence, RFC: "RFC 6455 " + c.Rule.Section,
	}
	for _, w := range c.Want {
		report.Expected[w.Verdict] = events(w.Events)
	}
	if r.Behavior == Failed {
		report.Result = r.Why
	}
	if !Passed(OK, r.BehaviorClose) {
		report.ResultClose = r.Why
	}
	for _, e := range r.Log {
		switch e.Kind {
		case SentFrame:
			report.TxFrameStats[e.Opcode]++
		case ReceivedFrame:
			report.RxFrameStats[e.Opcode]++
		case SentOctets:
			report.TxOctetStats[e.Length]++
		case ReceivedOctets:
			report.RxOctetStats[e.Length]++
		}
	}
	return report
}

func optional(s string, there bool) *string {
	if !there {
		return nil
	}
	s = strings.ToValidUTF8(s, "\uFFFD")
	return &s
}

// events are a list of events as the original writes them.
func events(list []Event) []any {
	out := []any{}
	for _, e := range list {
		text := e.Payload.String()
		if e.Payload.Len() <= loggedOctets {
			if b := e.Payload.Bytes(); utf8.Valid(b) {
				text = string(b)
			} else {
				text = "0x" + hex.EncodeToString(b)
			}
		}
		switch e.Kind {
		case TextMessage, BinaryMessage:
			out = append(out, []any{"message", text, e.Kind == BinaryMessage})
		case PingFrame:
			out = append(out, []any{"ping", text})
		case PongFrame:
			out = append(out, []any{"pong", text})
		case WaitPassed:
			out = append(out, []any{"timeout", e.Tag})
		}
	}
	return out
}

// wireRows are a wire log as the original writes it.
func wireRows(log []LogEntry) [][]any {
	rows := [][]any{}
	for _, e := range log {
		var key any
		if e.Masked {
			key = hex.EncodeToString(e.Key[:])
		}
		hexData := []any{e.Length, hex.EncodeToString(e.Data)}
		text := []any{e.Length, strings.ToValidUTF8(string(e.Data), "\uFFFD")}
		switch e.Kind {
		case SentOctets:
			rows = append(rows, []any{"TO", hexData, e.Sync})
		case ReceivedOctets:
			rows = append(rows, []any{"RO", hexData})
		case SentFrame:
			rows = append(rows, []any{"TF", text, e.Opcode, e.Fin, e.RSV, key, nil, orNull(e.Chop), e.Sync})
		case ReceivedFrame:
			rows = append(rows, []any{"RF", text, e.Opcode, e.Fin, e.RSV, e.Masked, key})
		case WaitSet:
			rows = append(rows, []any{"CT", e.Delay.Seconds(), orNull(e.Tag)})
		case WaitOver:
			rows = append(rows, []any{"CTE", orNull(e.Tag)})
		case FailAfterSet, CloseAfterSet:
			rows = append(rows, []any{string(e.Kind), e.Delay.Seconds()})
		case FailAfterOver, CloseAfterOver:
			rows = append(rows, []any{string(e.Kind)})
		case Note:
			rows = append(rows, []any{"NOTE", e.Text})
		}
	}
	return rows
}

func orNull[T comparable](v T) any {
	var zero T
	if v == zero {
		return nil
	}
	return v
}

// ReadIndex reads the index.json of a folder of reports, the original's or
// ours: agent → case → both verdicts, and agent → the time of all its cases.
func ReadIndex(dir string) (map[string]map[string][2]Verdict, map[string]time.Duration, error) {
	b, err := os.ReadFile(filepath.Join(dir, "index.json"))
	if err != nil {
		return nil, nil, err
	}
	var index map[string]map[string]indexEntry
	if err := json.Unmarshal(b, &index); err != nil {
		return nil, nil, fmt.Errorf("%s: %w", filepath.Join(dir, "index.json"), err)
	}
	verdicts, took := make(map[string]map[string][2]Verdict), make(map[string]time.Duration)
	for agent, cases := range index {
		verdicts[agent] = make(map[string][2]Verdict)
		for id, e := range cases {
			verdicts[agent][id] = [2]Verdict{e.Behavior, e.BehaviorClose}
			took[agent] += time.Duration(e.Duration) * time.Millisecond
		}
	}
	return verdicts, took, nil
}

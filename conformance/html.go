package conformance

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
)

//go:embed report.html.tmpl
var reportTemplate string

var page = template.Must(template.New("report").Parse(reportTemplate))

// WriteHTML writes one page with all results: a matrix of cases and agents, and
// behind each cell what was sent, what came, what was expected, and why. The
// page needs nothing from elsewhere.
func WriteHTML(w io.Writer, title string, results []*Result) error {
	data, err := newPage(title, results)
	if err != nil {
		return err
	}
	return page.Execute(w, data)
}

type pageData struct {
	Title    string
	When     string
	Agents   []pageAgent
	Sections []pageSection
	Faults   []pageFault
	Legend   []pageLetter
	Cases    int
	Details  template.JS // JSON: see pageDetails
}

type pageAgent struct {
	Name   string
	Role   string // what the agent is: "server" or "client"
	Counts []pageCount
	Passed bool
	Took   string
}

type pageCount struct {
	Verdict string
	Class   string
	N       int
}

type pageSection struct {
	Title string
	Rows  []pageRow
}

type pageRow struct {
	ID          string
	Description string
	Class       string // the worst of the cells
	Cells       []pageCell
}

type pageCell struct {
	Link    string // "agent/5.7"; empty where the agent has no result
	Letter  string
	Class   string
	Verdict string
}

type pageFault struct {
	pageCell
	Agent, ID, Why string
}

type pageLetter struct{ Letter, Class, Meaning string }

// pageDetails is what the page's script shows behind a cell.
type pageDetails struct {
	Cases   map[string]pageCase              `json:"cases"`
	Results map[string]map[string]pageResult `json:"results"` // agent → case
}

type pageCase struct {
	Description string   `json:"d"`
	Expectation string   `json:"e"`
	RFC         string   `json:"s"`
	Rule        string   `json:"r"`
	Wants       []string `json:"w"`
	Close       string   `json:"c"`
}

type pageResult struct {
	Behavior Verdict     `json:"b"`
	Close    Verdict     `json:"bc"`
	Class    string      `json:"k"`
	Why      string      `json:"y,omitempty"`
	Came     []string    `json:"g"`
	End      string      `json:"end"`
	Took     string      `json:"t"`
	Log      [][2]string `json:"l"` // kind, line
	Request  string      `json:"q,omitempty"`
	Response string      `json:"p,omitempty"`
	Again    string      `json:"a,omitempty"`
}

// letter is how a verdict stands in the matrix: one letter for the behaviour
// and, where the close has a fault of its own, one for that.
func letter(behavior, closing Verdict) (letters, class string) {
	first := map[Verdict]string{OK: "P", NonStrict: "N", Informational: "I", Unimplemented: "U", Failed: "F"}[behavior]
	if first == "" {
		first = "?"
	}
	class = map[string]string{"P": "ok", "N": "ns", "I": "info", "U": "un"}[first]
	if class == "" {
		class = "fail"
	}
	second := map[Verdict]string{WrongCode: "w", Unclean: "u", FailedByClient: "c", Failed: "f"}[closing]
	if second != "" && behavior == Failed && closing == Failed {
		second = ""
	}
	if second != "" && class != "fail" {
		class = "close"
	}
	return first + second, class
}

var sectionTitles = map[int]string{
	0: "This project's own cases, by RFC 6455 alone", 1: "Framing", 2: "Pings and pongs", 3: "Reserved bits", 4: "Reserved opcodes", 5: "Fragmentation", 6: "UTF-8",
	7: "Close handling", 9: "Limits and mass", 10: "Automatic fragmentation", 12: "permessage-deflate, data sets",
	13: "permessage-deflate, parameters",
}

func newPage(title string, results []*Result) (*pageData, error) {
	p := &pageData{Title: title, When: time.Now().UTC().Format("2006-01-02 15:04 MST"), Legend: []pageLetter{
		{"P", "ok", "passed"},
		{"N", "ns", "non-strict: allowed, but not the best"},
		{"I", "info", "informational: the RFC leaves it open"},
		{"U", "un", "not implemented"},
		{"F", "fail", "failed"},
		{"Pw", "close", "the Close had a wrong code"},
		{"Pu", "close", "the closing handshake was not completed"},
		{"Pc", "close", "the server left it to the client to close TCP"},
		{"Pf", "close", "the wrong side closed"},
	}}
	byAgent := make(map[string]map[string]*Result)
	var agents []string
	inOrder := make(map[string]*Case)
	for _, r := range results {
		if r == nil {
			continue
		}
		if byAgent[r.Agent] == nil {
			byAgent[r.Agent] = make(map[string]*Result)
			agents = append(agents, r.Agent)
		}
		byAgent[r.Agent][r.Case.ID] = r
		inOrder[r.Case.ID] = r.Case
	}
	for _, name := range agents {
		p.Agents = append(p.Agents, newPageAgent(name, byAgent[name]))
	}
	details := pageDetails{Cases: make(map[string]pageCase), Results: make(map[string]map[string]pageResult)}
	section := -1
	for _, c := range Catalogue() {
		if inOrder[c.ID] == nil {
			continue
		}
		p.Cases++
		if c.Section() != section {
			section = c.Section()
			name := strconv.Itoa(section)
			if c.Own() {
				name = "W"
			}
			p.Sections = append(p.Sections, pageSection{Title: name + "  " + sectionTitles[section]})
		}
		row := pageRow{ID: c.ID, Description: c.Description}
		details.Cases[c.ID] = newPageCase(c)
		for _, name := range agents {
			r := byAgent[name][c.ID]
			if r == nil {
				row.Cells = append(row.Cells, pageCell{})
				continue
			}
			cell := pageCell{Link: name + "/" + c.ID, Verdict: r.Verdict()}
			cell.Letter, cell.Class = letter(r.Behavior, r.BehaviorClose)
			row.Cells = append(row.Cells, cell)
			if rank(cell.Class) > rank(row.Class) {
				row.Class = cell.Class
			}
			if rank(cell.Class) >= rank("ns") {
				p.Faults = append(p.Faults, pageFault{cell, name, c.ID, r.Why})
			}
			if details.Results[name] == nil {
				details.Results[name] = make(map[string]pageResult)
			}
			details.Results[name][c.ID] = newPageResult(r, cell.Class)
		}
		last := &p.Sections[len(p.Sections)-1]
		last.Rows = append(last.Rows, row)
	}
	slices.SortStableFunc(p.Faults, func(a, b pageFault) int { return rank(b.Class) - rank(a.Class) })
	// json.Marshal escapes <, > and &: the JSON can stand in a script element.
	b, err := json.Marshal(details)
	if err != nil {
		return nil, err
	}
	p.Details = template.JS(b)
	return p, nil
}

// rank orders the classes of cells by how much they ask for attention.
func rank(class string) int {
	return slices.Index([]string{"", "ok", "un", "info", "ns", "close", "fail"}, class)
}

func newPageAgent(name string, results map[string]*Result) pageAgent {
	a := pageAgent{Name: name, Role: "server", Passed: true}
	counts := make(map[string]*pageCount)
	var order []string
	var first, last time.Time
	for _, r := range results {
		if r.Role == ServerRole {
			a.Role = "client"
		}
		if !r.Passed() {
			a.Passed = false
		}
		if first.IsZero() || r.Started.Before(first) {
			first = r.Started
		}
		if end := r.Started.Add(r.Duration); end.After(last) {
			last = end
		}
		v := r.Verdict()
		if counts[v] == nil {
			_, class := letter(r.Behavior, r.BehaviorClose)
			counts[v] = &pageCount{Verdict: v, Class: class}
			order = append(order, v)
		}
		counts[v].N++
	}
	slices.SortFunc(order, func(x, y string) int {
		if d := rank(counts[x].Class) - rank(counts[y].Class); d != 0 {
			return d
		}
		return strings.Compare(x, y)
	})
	for _, v := range order {
		a.Counts = append(a.Counts, *counts[v])
	}
	a.Took = fmt.Sprintf("%.1f s", last.Sub(first).Seconds())
	return a
}

func newPageCase(c *Case) pageCase {
	out := pageCase{Description: c.Description, Expectation: c.Expectation, RFC: "RFC 6455 " + c.Rule.Section, Rule: c.Rule.Sentence}
	for _, w := range c.Want {
		list := "no event"
		var events []string
		for _, e := range w.Events {
			events = append(events, e.String())
		}
		if len(events) > 0 {
			list = strings.Join(events, ", then ")
		}
		out.Wants = append(out.Wants, string(w.Verdict)+": "+list)
	}
	if e := c.Echo; e != nil {
		out.Wants = []string{fmt.Sprintf("OK: %d × the message back, %s each", e.Trips, humanSize(e.Payload.Len()))}
	}
	if d := c.Deflate; d != nil {
		out.Wants = []string{fmt.Sprintf("OK: %d messages back, each as it was sent", d.Count), "NON-STRICT: the same, but the server ignores a parameter that it was asked for", "UNIMPLEMENTED: permessage-deflate is not negotiated"}
	}
	side := "the peer fails the connection"
	if c.Close.ByTester {
		side = "the tester closes"
	}
	out.Close = side + "; code " + codeList(c.Close.Codes) + " or none"
	if c.Close.Clean {
		out.Close += "; the closing handshake is complete"
	}
	return out
}

func newPageResult(r *Result, class string) pageResult {
	o := &r.Outcome
	out := pageResult{
		Behavior: r.Behavior, Close: r.BehaviorClose, Class: class, Why: r.Why, Request: r.Request, Response: r.Response,
		Again: r.Again, Took: fmt.Sprintf("%.3f s", r.Duration.Seconds()), Came: []string{}, Log: [][2]string{},
	}
	for _, e := range o.Received {
		out.Came = append(out.Came, e.String())
	}
	if o.Echoed > 0 {
		out.Came = append(out.Came, fmt.Sprintf("%d × the message back", o.Echoed))
	}
	who := "the peer closed"
	if o.ClosedByMe {
		who = "the tester closed"
	} else if !o.RemoteClosed {
		who = "nobody sent a Close"
	}
	switch {
	case o.RemoteCode != nil:
		who += fmt.Sprintf("; the peer's Close has code %d", *o.RemoteCode)
	case o.RemoteClosed:
		who += "; the peer's Close has no code"
	}
	if o.WasClean {
		who += "; clean"
	} else if o.NotClean != "" {
		who += "; not clean: " + o.NotClean
	}
	out.End = who
	if r.Opening != "" {
		out.End = "no connection"
	}
	for _, e := range r.Log {
		out.Log = append(out.Log, [2]string{string(e.Kind), strings.ToValidUTF8(e.String(), "\uFFFD")})
	}
	return out
}

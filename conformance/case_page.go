package conformance

import (
	_ "embed"
	"html/template"
)

//go:embed case.html.tmpl
var caseTemplate string

// casePage is the page of one case and agent.
var casePage = template.Must(template.New("case").Parse(caseTemplate))

type casePageData struct {
	Agent, ID, Verdict, Started string
	Case                        pageCase
	Result                      pageResult
	Note, Earlier               string
}

func newCasePage(r *Result) casePageData {
	_, class := letter(r.Behavior, r.BehaviorClose)
	return casePageData{
		Agent: r.Agent, ID: r.Case.ID, Verdict: r.Verdict(), Started: r.Started.UTC().Format("2006-01-02 15:04:05 MST"),
		Case: newPageCase(r.Case), Result: newPageResult(r, class), Note: r.Note, Earlier: r.Earlier,
	}
}

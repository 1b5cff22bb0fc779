package wirefuzz

import (
	_ "embed"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"html/template"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/wsproof/wsproof/fuzz/input"
	"github.com/wsproof/wsproof/internal/model"
	"github.com/wsproof/wsproof/internal/vector"
)

// The folders of inputs, named for the fuzz targets whose inputs they are.
const (
	targetFolder    = "FuzzTarget"
	handshakeFolder = "FuzzHandshake"
)

// handshakeHead says to the target FuzzHandshake that the request stands as it is.
const handshakeHead = "\x00\x00\x00"

// Encode returns an input as the fuzz targets take it. deflate is what was agreed on of
// permessage-deflate, nil if nothing was.
func Encode(b []byte, handshake bool, deflate *model.Deflate) []byte {
	if handshake {
		return append([]byte(handshakeHead), b...)
	}
	data, err := input.RawInput(model.Server, vector.DefaultLimits, b)
	if err != nil {
		panic("wirefuzz: " + err.Error()) // the table has them
	}
	if deflate != nil {
		data = input.Compressed(*deflate, data)
	}
	return data
}

// Decode returns the transcript, or the request, of an input of the fuzz targets.
// compressed says that the connection is to have permessage-deflate.
func Decode(data []byte, compressed bool) (b []byte, handshake bool, err error) {
	if request, ok := strings.CutPrefix(string(data), handshakeHead); ok && strings.Contains(request, "HTTP/") {
		return []byte(request), true, nil
	}
	t := input.NewTranscriptGenerator().Generate(data)
	if t.Role != model.Server {
		return nil, false, errors.New("it is a transcript for a client, and a server is to be fuzzed")
	}
	if t.Deflate != nil && !compressed {
		return nil, false, errors.New("it is a transcript with permessage-deflate: play it with -compression")
	}
	return t.Input, false, nil
}

// Words tells an input in words, one frame or header field a line.
func Words(b []byte, handshake bool) []string {
	if handshake {
		return strings.Split(strings.TrimSuffix(fmt.Sprintf("%q", b), `\r\n\r\n"`)[1:], `\r\n`)
	}
	if len(b) == 0 {
		return []string{"no frame but a Close"}
	}
	return input.Frames(b)
}

// File is the file of a group's input, below the folder of a report.
func File(g *Group) string {
	folder := targetFolder
	if g.Handshake {
		folder = handshakeFolder
	}
	name := slug(g.Key())
	if g.Level == Note {
		name = "note_" + name
	}
	return filepath.Join(folder, name)
}

// slug is a key as the name of a file.
func slug(key string) string {
	return strings.Trim(strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '_':
			return r
		case r == ' ':
			return '_'
		}
		return -1
	}, key), "_")
}

// WriteReport writes index.html, fuzz.json, and a file of each input, into a folder. Of
// a report that it finds there, nothing is left.
func WriteReport(dir string, r *Report) error {
	for _, folder := range []string{targetFolder, handshakeFolder} {
		if err := os.RemoveAll(filepath.Join(dir, folder)); err != nil {
			return err
		}
	}
	for _, g := range r.Groups {
		file := filepath.Join(dir, File(g))
		if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
			return err
		}
		if err := os.WriteFile(file, input.EncodeCorpus(Encode(g.Input, g.Handshake, r.deflate)), 0o666); err != nil {
			return err
		}
		for i, b := range g.More {
			if err := os.WriteFile(fmt.Sprintf("%s-%d", file, i+2), input.EncodeCorpus(Encode(b, false, r.deflate)), 0o666); err != nil {
				return err
			}
		}
	}
	b, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "fuzz.json"), append(b, '\n'), 0o666); err != nil {
		return err
	}
	var page strings.Builder
	if err := pageTemplate.Execute(&page, r); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "index.html"), []byte(page.String()), 0o666)
}

//go:embed page.html
var pageText string

var pageTemplate = template.Must(template.New("page").Funcs(template.FuncMap{
	"words": func(g *Group) string {
		lines := Words(g.Input, g.Handshake)
		if n := len(lines); n > 60 {
			lines = append(lines[:60], fmt.Sprintf("and %d more", n-60))
		}
		return strings.Join(lines, "\n")
	},
	"file": func(g *Group) string { return filepath.ToSlash(File(g)) },
	"hex": func(g *Group) string {
		s := fmt.Sprintf("%x", g.Input[:min(len(g.Input), 512)])
		if len(g.Input) > 512 {
			s += "…"
		}
		return s
	},
}).Parse(pageText))

// WriteJUnit writes a report as JUnit's XML: a test a rule, which fails where a finding
// is of that rule.
func WriteJUnit(w io.Writer, r *Report) error {
	type message struct {
		Message string `xml:"message,attr"`
		Type    string `xml:"type,attr"`
		Text    string `xml:",chardata"`
	}
	type testcase struct {
		Name     string    `xml:"name,attr"`
		Class    string    `xml:"classname,attr"`
		Failures []message `xml:"failure"`
		Output   string    `xml:"system-out,omitempty"`
	}
	type suite struct {
		XMLName  xml.Name    `xml:"testsuite"`
		Name     string      `xml:"name,attr"`
		Tests    int         `xml:"tests,attr"`
		Failures int         `xml:"failures,attr"`
		Time     string      `xml:"time,attr"`
		Cases    []*testcase `xml:"testcase"`
	}
	s := suite{Name: "wsproof fuzz " + r.URL, Time: fmt.Sprintf("%.3f", r.Seconds)}
	of := map[model.Rule]*testcase{}
	add := func(rule model.Rule) *testcase {
		c := of[rule]
		if c == nil {
			info := Info(rule)
			c = &testcase{Name: string(rule), Class: "rfc6455." + strings.ReplaceAll(info.Section, ".", "_")}
			of[rule] = c
			s.Cases = append(s.Cases, c)
		}
		return c
	}
	if r.Seeded {
		for _, info := range model.Rules() {
			if len(info.Codes) > 0 && info.Rule != model.ServerFrameMasked {
				add(info.Rule)
			}
		}
	}
	for _, g := range r.Groups {
		c := add(g.Rule)
		if g.Level == Note {
			c.Output += fmt.Sprintf("%s: %s\n", g.Key(), g.Why)
			continue
		}
		if len(c.Failures) == 0 {
			s.Failures++
		}
		c.Failures = append(c.Failures, message{g.Why, string(g.Kind), fmt.Sprintf("%s: %s\n%s\n", g.Place, g.Sentence, strings.Join(Words(g.Input, g.Handshake), "\n"))})
	}
	s.Tests = len(s.Cases)
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	e := xml.NewEncoder(w)
	e.Indent("", " ")
	if err := e.Encode(s); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

package wsload

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/wsproof/wsproof/bench/load"
)

// keep writes the files that are wanted: load.json in a folder, and JUnit's XML, in
// which the load is a test that fails as it did.
func keep(r *load.Result, dir, junit string, failed error) error {
	if dir != "" {
		if err := os.MkdirAll(dir, 0o777); err != nil {
			return err
		}
		if err := write(filepath.Join(dir, "load.json"), r.WriteJSON); err != nil {
			return err
		}
	}
	if junit == "" {
		return nil
	}
	return write(junit, func(w io.Writer) error { return writeJUnit(w, r, failed) })
}

func write(file string, to func(io.Writer) error) error {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	return errors.Join(to(f), f.Close())
}

func writeJUnit(w io.Writer, r *load.Result, failed error) error {
	type message struct {
		Message string `xml:"message,attr"`
	}
	type testcase struct {
		Name    string   `xml:"name,attr"`
		Class   string   `xml:"classname,attr"`
		Time    string   `xml:"time,attr"`
		Failure *message `xml:"failure"`
		Output  string   `xml:"system-out"`
	}
	var table strings.Builder
	if err := r.WriteTable(&table); err != nil {
		return err
	}
	c := testcase{Name: strings.TrimPrefix(r.Config.Name(), "Benchmark"), Class: "load", Time: fmt.Sprintf("%.3f", r.Elapsed.Seconds()), Output: table.String()}
	failures := 0
	if failed != nil {
		c.Failure, failures = &message{failed.Error()}, 1
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	e := xml.NewEncoder(w)
	e.Indent("", " ")
	if err := e.Encode(struct {
		XMLName  xml.Name   `xml:"testsuite"`
		Name     string     `xml:"name,attr"`
		Tests    int        `xml:"tests,attr"`
		Failures int        `xml:"failures,attr"`
		Time     string     `xml:"time,attr"`
		Cases    []testcase `xml:"testcase"`
	}{Name: "wsproof load " + r.Config.URL, Tests: 1, Failures: failures, Time: c.Time, Cases: []testcase{c}}); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

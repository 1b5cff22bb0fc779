// Package wsfuzz is the wire fuzzer as a command: its flags, what it prints, and the
// reports and lists that it writes. The work is package wirefuzz's.
package wsfuzz

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/wsproof/wsproof/fuzz/input"
	"github.com/wsproof/wsproof/internal/cli"
	"github.com/wsproof/wsproof/internal/known"
	"github.com/wsproof/wsproof/internal/wirefuzz"
)

const help = `usage: {name} [flags] URL

Fuzzes a server that echoes: sends it frames in order and out of order, holds
its answers to RFC 6455, and goes on past each finding.

  -time TIME        how long (1m; 0: until Ctrl-C);  -runs N: transcripts
  -o DIR            report: index.html, fuzz.json, and a file of each input, for
                    wsproof explain and -replay;  -junit FILE: as JUnit XML
  -known FILE       pass on these findings, fail on others and on rows that hold
                    no more;  -write-known FILE: write it
  -handshake        opening handshakes as well
  -compression      with permessage-deflate (RFC 7692) on each connection
  -pid N            the server's process: sees whether its memory grows
  -restart COMMAND  starts the server, where it ends or answers no more
  -replay FILE      play inputs again instead (files, or folders with them)
  -jobs N           connections at once (16);  -seed N: other inputs
  -patience F       times the time that the server has (default 1)
  -max-message N    octets that it takes (16384): past that it may have a limit
  -json             events, one a line
`

// A command is a call.
type command struct {
	wirefuzz.Config
	name, dir, junit, known, write string
	json                           bool
	replay                         []string
	rows                           []known.Row
	out                            *output
}

// Run is the command, under the name that its help calls it by. The error is a finding
// where the server broke a rule, or came to harm, and that is not known.
func Run(ctx context.Context, name string, args []string, stdout, stderr io.Writer) error {
	c := &command{name: name}
	fs := flag.NewFlagSet(name, flag.ContinueOnError)
	fs.Usage = func() { cli.Help(stdout, help+cli.ServerHelp, fs) }
	var server cli.ServerFlags
	server.Define(fs)
	fs.DurationVar(&c.Duration, "time", time.Minute, "")
	fs.IntVar(&c.Executions, "runs", 0, "")
	fs.StringVar(&c.dir, "o", "", "")
	fs.StringVar(&c.junit, "junit", "", "")
	fs.StringVar(&c.known, "known", "", "")
	fs.StringVar(&c.write, "write-known", "", "")
	fs.BoolVar(&c.Handshake, "handshake", false, "")
	fs.BoolVar(&c.Compression, "compression", false, "")
	fs.IntVar(&c.PID, "pid", 0, "")
	fs.StringVar(&c.Restart, "restart", "", "")
	fs.IntVar(&c.Jobs, "jobs", wirefuzz.DefaultJobs, "")
	fs.Uint64Var(&c.Seed, "seed", 0, "")
	fs.Float64Var(&c.Patience, "patience", 1, "")
	fs.IntVar(&c.MaxMessage, "max-message", wirefuzz.DefaultMaxMessage, "")
	fs.BoolVar(&c.json, "json", false, "")
	fs.Func("replay", "", func(file string) error { c.replay = append(c.replay, file); return nil })
	rest, err := cli.ParseAll(fs, args, stdout)
	if err != nil {
		return err
	}
	if err := cli.Check(fs, cli.Range{Flag: "jobs", Least: 1, Most: 4096}, cli.Range{Flag: "patience", Least: 1, Most: 7200}, cli.Range{Flag: "max-message", Least: 256, Most: 1 << 24}); err != nil {
		return err
	}
	switch {
	case len(rest) == 0:
		return cli.Usagef("the URL of a server is missing; %s -h tells more", name)
	case len(rest) > 1 && len(c.replay) == 0:
		return cli.Usagef("unexpected argument %q", rest[1])
	case len(rest) > 1:
		// The URL may stand behind the files.
		c.replay, rest = append(c.replay, rest[:len(rest)-1]...), rest[len(rest)-1:]
	}
	if int64(c.Jobs) > cli.OpenFiles()-32 {
		return cli.Usagef("-jobs %d: this process may open %d files (ulimit -n)", c.Jobs, cli.OpenFiles())
	}
	if c.Client, err = server.Client(rest[0], stderr); err != nil {
		return err
	}
	if c.known != "" {
		if c.rows, err = known.Read(c.known); err != nil {
			return err
		}
	}
	for _, file := range []string{c.junit, c.write} {
		if file == "" {
			continue
		}
		if err := cli.Writable(file); err != nil {
			return err
		}
	}
	if c.dir != "" {
		if err := os.MkdirAll(c.dir, 0o777); err != nil {
			return err
		}
	}
	if c.Seed == 0 {
		c.Seed = rand.Uint64()>>1 | 1
	}
	c.out = &output{w: stdout, json: c.json}
	c.Progress = c.out.progress
	if len(c.replay) > 0 {
		return c.again(ctx)
	}
	return c.fuzz(ctx)
}

func (c *command) fuzz(ctx context.Context) error {
	c.out.begin(c.Client.URL.Host, c.Seed)
	report, err := wirefuzz.Run(ctx, c.Config)
	if report == nil {
		return err
	}
	if err := c.write1(report); err != nil {
		return err
	}
	c.out.end(report, c.dir, !c.interrupted(ctx))
	return c.judge(ctx, report, err)
}

// interrupted reports whether the run was to be longer.
func (c *command) interrupted(ctx context.Context) bool {
	return ctx.Err() != nil && (c.Duration > 0 || c.Executions > 0)
}

// judge says how a run ends that has a report: err is why it could not go on, nil if it did.
func (c *command) judge(ctx context.Context, report *wirefuzz.Report, err error) error {
	found := len(report.Findings())
	if found > 0 && c.known == "" {
		return cli.Finding(fmt.Errorf("%s", count(found, "finding")))
	}
	if c.known != "" {
		if err := c.compare(report); err != nil {
			return err
		}
		if slices.ContainsFunc(report.Findings(), (*wirefuzz.Group).Harm) {
			err = nil // it is known that the server comes to harm
		}
	}
	if c.interrupted(ctx) {
		return fmt.Errorf("interrupted: %d transcripts were played: %w", report.Executions, ctx.Err())
	}
	return err
}

// write1 writes all files of a report.
func (c *command) write1(report *wirefuzz.Report) error {
	if c.dir != "" {
		if err := wirefuzz.WriteReport(c.dir, report); err != nil {
			return err
		}
	}
	if c.junit != "" {
		f, err := os.Create(c.junit)
		if err != nil {
			return err
		}
		if err := errors.Join(wirefuzz.WriteJUnit(f, report), f.Close()); err != nil {
			return err
		}
	}
	if c.write == "" {
		return nil
	}
	var rows []known.Row
	for _, g := range report.Findings() {
		rows = append(rows, known.Row{Subject: g.Key(), Found: string(g.Level), Reason: g.Place + ": " + firstLine(g.Why)})
	}
	c.out.say("%s: %s", count(len(rows), "known finding"), c.write)
	return known.Write(c.write, "Known findings: rule and behaviour, that it is a finding, and the reason why it may stay, with tabs between them.\n-known takes this file. A row that no longer holds fails the run.", rows)
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}

// compare holds the findings against what is known.
func (c *command) compare(report *wirefuzz.Report) error {
	found := map[string]string{}
	for _, g := range report.Findings() {
		found[g.Key()] = string(g.Level)
	}
	// All rules were looked at when all that is not chance was played.
	unknown, gone := known.Compare(c.rows, found, func(key string) bool { return report.Seeded || found[key] != "" })
	for _, key := range unknown {
		c.out.say("NEW     %s is not in %s", key, c.known)
	}
	for _, r := range gone {
		c.out.say("GONE    %s no longer holds: take the row out of %s", r.Subject, c.known)
	}
	if len(unknown)+len(gone) > 0 {
		return cli.Finding(fmt.Errorf("%s new, %d known ones no longer hold", count(len(unknown), "finding"), len(gone)))
	}
	if len(found) > 0 {
		c.out.say("known   all %s in %s", count(len(found), "finding"), c.known)
	}
	return nil
}

// again plays inputs again.
func (c *command) again(ctx context.Context) error {
	files, err := list(c.replay)
	if err != nil {
		return err
	}
	s, err := wirefuzz.Open(ctx, c.Config)
	if err != nil {
		return err
	}
	defer s.Close()
	found := 0
	for _, file := range files {
		b, handshake, err := read(file, c.Compression)
		if err != nil {
			return err
		}
		groups, err := s.Play(ctx, b, handshake)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			return cli.Finding(fmt.Errorf("%s: the server was there, and is no more: %w", file, err))
		}
		c.out.replayed(file, b, handshake, groups)
		if slices.ContainsFunc(groups, func(g *wirefuzz.Group) bool { return g.Level == wirefuzz.Finding }) {
			found++
		}
	}
	if err := s.Alive(ctx); err != nil && ctx.Err() == nil {
		return cli.Finding(fmt.Errorf("the server answers no more: %w", err))
	}
	if found > 0 {
		return cli.Finding(fmt.Errorf("%d of %s: a finding", found, count(len(files), "input")))
	}
	return ctx.Err()
}

// list returns the files, and those in the folders.
func list(names []string) (files []string, err error) {
	for _, name := range names {
		err := filepath.WalkDir(name, func(path string, d os.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			if path == name || strings.HasPrefix(filepath.Base(filepath.Dir(path)), "Fuzz") {
				files = append(files, path)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	if len(files) == 0 {
		return nil, cli.Usagef("-replay: there is no input in %s", strings.Join(names, " "))
	}
	return files, nil
}

// read returns the transcript in a file, or the request of an opening handshake.
func read(file string, compressed bool) (b []byte, handshake bool, err error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, false, err
	}
	data, err := input.DecodeCorpus(text)
	if err != nil {
		return nil, false, fmt.Errorf("%s: %w", file, err)
	}
	if b, handshake, err = wirefuzz.Decode(data, compressed); err != nil {
		return nil, false, fmt.Errorf("%s: %w", file, err)
	}
	return b, handshake, nil
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

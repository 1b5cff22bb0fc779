package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"golang.org/x/perf/benchfmt"

	"github.com/wsproof/wsproof/internal/engine"
	"github.com/wsproof/wsproof/internal/engine/engines"
	"github.com/wsproof/wsproof/internal/engine/task"
)

// benchstat runs x/perf's benchstat, which go.mod pins as a tool. It exits
// with 0 on its own errors and on results that it skips, so whatever it says on
// standard error is one.
func benchstat(ctx context.Context, stdout io.Writer, args ...string) error {
	cmd := program(ctx, "", "go", append([]string{"tool", "benchstat"}, args...)...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("benchstat %s: %w\n%s", strings.Join(args, " "), err, errs.Bytes())
	}
	said := false
	for line := range strings.Lines(errs.String()) {
		said = said || !strings.HasPrefix(line, "go: ") // which builds it
	}
	if said || out.Len() == 0 {
		return fmt.Errorf("benchstat %s failed, though it exited with 0:\n%s", strings.Join(args, " "), errs.Bytes())
	}
	_, err := stdout.Write(out.Bytes())
	return err
}

// has reports which benchmarks are in the file, by base name, alone and with the
// library and its api.
func has(path string) (map[string]bool, error) {
	names := map[string]bool{}
	files := benchfmt.Files{Paths: []string{path}}
	for files.Scan() {
		if res, ok := files.Result().(*benchfmt.Result); ok {
			base, parts := res.Name.Parts()
			names[string(base)] = true
			for i, p := range parts {
				if strings.HasPrefix(string(p), "/api=") {
					names[string(base)+string(p)] = true
					names[string(base)+string(parts[i-1])+string(p)] = true
				}
			}
		}
	}
	return names, files.Err()
}

// columnsOf returns the columns of the benchmarks in memory and over loopback, in
// the order of the table of engines, and the libraries that read frames through
// a connection alone.
func columnsOf(all []engine.Engine) (memory, loopback, connections string) {
	var inMemory, over, conns []string
	for _, e := range all {
		inMemory, over = append(inMemory, e.Name), append(over, e.Name)
		if e.Tasks.Assembly {
			inMemory = append(inMemory, e.Name+"_purego")
		}
		if e.Name == "core" {
			over = append(over, "tcp")
		}
		if !slices.ContainsFunc(e.Tasks.Reads, func(v task.Variant) bool { return v.API == "conn" }) {
			conns = append(conns, e.Name)
		}
	}
	return "/lib@(" + strings.Join(inMemory, " ") + ")", "/lib@(" + strings.Join(over, " ") + ")", strings.Join(conns, " OR ")
}

// tablesByLibrary prints a column a library.
func tablesByLibrary(ctx context.Context, path string, stdout io.Writer) error {
	names, err := has(path)
	if err != nil {
		return err
	}
	columns, overLoopback, connections := columnsOf(engines.All())
	for _, t := range []struct{ title, needs, filter, col, units string }{
		{"Reading a frame, best API (core and gobwas by their codecs, the others through a connection)", "ReadFrame", "/api:best", columns, "cpu-ns/op allocs/op"},
		{"Reading a message of one frame, all through a connection", "ReadFrame/lib=core/api=conn", "(/api:conn OR (/api:best /lib:(" + connections + ")))", columns, "cpu-ns/op allocs/op"},
		{"Writing a frame, best API", "WriteFrame", "/api:best", columns, "cpu-ns/op writes/op"},
		{"Reading a message of 64 fragments, best API", "ReadMessage", "/api:best", columns, "cpu-ns/op allocs/op"},
		{"Reading text with the check of UTF-8", "ReadText", "/api:best", columns, "cpu-ns/op"},
		{"Masking", "Mask", "*", "/lib,/via", "cpu-ns/op"},
		{"Answering a handshake, request parsed and from raw bytes", "Handshake", "/api:(best OR zerocopy)", "/lib,/api", "cpu-ns/op allocs/op"},
		{"Echo over loopback, server CPU a message, best API", "Echo", "/api:(best OR plain)", overLoopback, "cpu-ns/op allocs/op segments/op"},
		{"Echo over loopback by other ways: the core's handler answers with a message of its own, gobwas's user gathers replies or does without net/http", "Echo/api=flush", "/api:(answer OR flush OR flushtuned OR listener)", "/lib,/api", "cpu-ns/op segments/op"},
		{"Echo over loopback, as the READMEs show it", "Echo/api=readme", "/api:(readme OR plain)", overLoopback, "cpu-ns/op"},
		{"Echo latency, closed loop", "Echo", "/api:(best OR plain)", overLoopback, "p50-ns p99-ns"},
		{"Connecting and closing, server CPU a connection", "Connect", "/api:(best OR listener)", "/lib,/api", "cpu-ns/op allocs/op"},
		{"Memory of an idle connection (one measurement)", "Memory", "*", "/lib,/api", "rss-B/conn goroutines/conn"},
	} {
		if !names[t.needs] {
			continue
		}
		name, _, _ := strings.Cut(t.needs, "/")
		fmt.Fprintf(stdout, "\n%s\n\n", t.title)
		filter := fmt.Sprintf(".name:%s %s .unit:(%s)", name, t.filter, strings.ReplaceAll(t.units, " ", " OR "))
		if t.filter == "*" {
			filter = fmt.Sprintf(".name:%s .unit:(%s)", name, strings.ReplaceAll(t.units, " ", " OR "))
		}
		ignore := ".config,/api"
		if strings.Contains(t.col, "/api") {
			ignore = ".config"
		}
		if err := benchstat(ctx, stdout, "-ignore", ignore, "-table", "", "-col", t.col, "-filter", filter, path); err != nil {
			return err
		}
	}
	return nil
}

// tablesByRevision prints old against new, one table a unit: by itself benchstat
// makes one for each configuration, and the commits differ.
func tablesByRevision(ctx context.Context, path string, stdout io.Writer) error {
	return benchstat(ctx, stdout, "-ignore", ".config", "-table", "", "-col", "rev@(old new)",
		"-filter", ".unit:(cpu-ns/op OR B/op OR allocs/op OR writes/op OR segments/op)", path)
}

package benchserver

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/wsproof/wsproof/internal/cli"
	"github.com/wsproof/wsproof/internal/engine"
	"github.com/wsproof/wsproof/internal/engine/engines"
	"github.com/wsproof/wsproof/internal/engine/serve/servetest"
	"github.com/wsproof/wsproof/internal/leak"
)

func TestMain(m *testing.M) { leak.Main(m) }

// A running is a server that a test has started.
type running struct {
	t           *testing.T
	server      *server
	addr, admin string
	stop        func()
	over        bool
	ended       chan error
	log         *bytes.Buffer // to be read when it has ended
}

// lacks is why the engine has none of it, "" if it has.
func (r *running) lacks(l engine.Lack) string {
	r.t.Helper()
	e, err := engines.Find(r.server.config.engine)
	if err != nil {
		r.t.Fatal(err)
	}
	return e.Lacks[l]
}

// start runs a server with the flags on ports of the kernel's choice.
func start(t *testing.T, args ...string) *running {
	t.Helper()
	c, err := parse("benchserver", append([]string{"-addr", "127.0.0.1:0", "-admin-addr", "127.0.0.1:0"}, args...), noEnv, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	log := new(bytes.Buffer)
	s, err := newServer(c, newLogger(log, c.debug))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	r := &running{t: t, server: s, addr: s.listener.Addr().String(), stop: cancel, ended: make(chan error, 1), log: log}
	if s.admin != nil {
		r.admin = s.admin.Addr().String()
	}
	go func() { r.ended <- s.serve(ctx) }()
	t.Cleanup(func() {
		r.end()
		http.DefaultClient.CloseIdleConnections()
	})
	return r
}

// end stops the server, once, and waits for it.
func (r *running) end() {
	r.t.Helper()
	if r.over {
		return
	}
	r.over = true
	r.stop()
	select {
	case err := <-r.ended:
		if err != nil {
			r.t.Errorf("serve: %v", err)
		}
	case <-time.After(servetest.Bound):
		r.t.Fatal("the server does not end")
	}
}

// messages is how many messages were answered.
func (r *running) messages() (n uint64) {
	for _, p := range r.server.paths {
		n += p.server.Stats().Messages
	}
	return n
}

func noEnv(string) string { return "" }

// env is an environment of names, each with its value behind it.
func env(pairs ...string) func(string) string {
	return func(key string) string {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i] == key {
				return pairs[i+1]
			}
		}
		return ""
	}
}

// each runs the test against a server of every engine.
func each(t *testing.T, test func(t *testing.T, r *running), args ...string) {
	for _, name := range engines.Names() {
		t.Run("engine="+name, func(t *testing.T) {
			t.Parallel()
			test(t, start(t, append([]string{"-engine", name}, args...)...))
		})
	}
}

func get(t *testing.T, url string) (status int, body string) {
	t.Helper()
	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	b, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(b)
}

func TestParse(t *testing.T) {
	for _, tc := range []struct {
		name string
		args []string
		env  func(string) string
		want string // of addr
	}{
		{"default", nil, noEnv, "127.0.0.1:9001"},
		{"LISTEN_ADDR", nil, env("LISTEN_ADDR", "1.2.3.4:5"), "1.2.3.4:5"},
		{"PORT is for all interfaces", nil, env("PORT", "99"), ":99"},
		{"LISTEN_ADDR over PORT", nil, env("PORT", "99", "LISTEN_ADDR", "1.2.3.4:5"), "1.2.3.4:5"},
		{"flag over both", []string{"-addr", "[::1]:7"}, env("PORT", "99", "LISTEN_ADDR", "1.2.3.4:5"), "[::1]:7"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c, err := parse("benchserver", tc.args, tc.env, io.Discard)
			if err != nil {
				t.Fatal(err)
			}
			if c.addr != tc.want {
				t.Errorf("addr %q, want %q", c.addr, tc.want)
			}
			if host, _, _ := strings.Cut(c.adminAddr, ":"); host != "127.0.0.1" {
				t.Errorf("admin address %q is no loopback", c.adminAddr)
			}
		})
	}
}

// TestUsage checks that each mistake gets one clear line and exit status 2.
func TestUsage(t *testing.T) {
	taken := httptest.NewServer(nil)
	defer taken.Close()
	port := taken.Listener.Addr().String()
	empty := t.TempDir() + "/empty.pem"
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	free := []string{"-addr", "127.0.0.1:0", "-admin-addr", "off"}
	for _, tc := range []struct {
		name string
		args []string
		want string
	}{
		{"negative timeout", []string{"-read-timeout", "-1s"}, "-read-timeout -1s: want at least 0s"},
		{"unknown flag", []string{"-nope"}, "flag provided but not defined: -nope"},
		{"no number", []string{"-max-conns", "many"}, `invalid value "many" for flag -max-conns`},
		{"argument", []string{"9001"}, `unexpected argument "9001"`},
		{"engine", []string{"-engine", "nginx"}, "-engine nginx: want one of core, gorilla, gobwas, coder, gws, nbio, xnet"},
		{"negative limit", []string{"-max-conns", "-1"}, "-max-conns -1: want at least 0"},
		{"no message fits", []string{"-max-message", "0"}, "-max-message 0: want at least 1"},
		{"socket buffer", []string{"-socket-buffer", "4294967297"}, "-socket-buffer 4294967297: want at most 2147483647"},
		{"address", []string{"-addr", "9001"}, `-addr "9001": want host:port`},
		{"admin address", []string{"-admin-addr", "x"}, `-admin-addr "x": want host:port`},
		{"origin", []string{"-origins", "[a"}, `-origins: "[a" is no pattern`},
		{"gather", []string{"-gather", "-engine", "gws"}, "-gather is for -engine gobwas alone"},
		{"compression", []string{"-compression", "-engine", "xnet"}, "-compression: xnet has no permessage-deflate"},
		{"pprof nowhere", []string{"-pprof", "-admin-addr", "off"}, "-pprof is served on -admin-addr, which is off"},
		{"certificate alone", []string{"-tls-cert", "x"}, "-tls-cert and -tls-key go together"},
		{"no such certificate", append(free, "-tls-cert", "/nowhere/c.pem", "-tls-key", "/nowhere/k.pem"), "no such file"},
		{"no certificate in it", append(free, "-tls-cert", empty, "-tls-key", empty), "-tls-cert, -tls-key: tls: failed to find any PEM data"},
		{"taken port", []string{"-addr", port, "-admin-addr", "off"}, "-addr: listen tcp " + port + ": bind: address already in use"},
		{"taken admin port", []string{"-addr", "127.0.0.1:0", "-admin-addr", port}, "-admin-addr: listen tcp " + port},
	} {
		t.Run(tc.name, func(t *testing.T) { wantUsage(t, tc.args, noEnv, tc.want) })
	}
	wantUsage(t, nil, env("LISTEN_ADDR", "9001"), `LISTEN_ADDR "9001": want host:port`)
	wantUsage(t, free[2:], env("PORT", "many"), "PORT: listen tcp: lookup tcp/many: unknown port")
}

// wantUsage fails unless the command line is refused with one line.
func wantUsage(t *testing.T, args []string, env func(string) string, want string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	err := run(ctx, "benchserver", args, env, &stdout, &stderr)
	if err == nil {
		t.Fatal("no error")
	}
	if !cli.IsUsage(err) {
		t.Errorf("%T, want a usage error, for exit status 2", err)
	}
	if line := err.Error(); !strings.Contains(line, want) || strings.Contains(line, "\n") {
		t.Errorf("got %q, want a line with %q", line, want)
	}
	if stdout.Len()+stderr.Len() != 0 {
		t.Errorf("besides the error it printed %q and %q", stdout.String(), stderr.String())
	}
}

func TestHelpAndVersion(t *testing.T) {
	var stdout bytes.Buffer
	if err := run(context.Background(), "benchserver", []string{"-h"}, noEnv, &stdout, io.Discard); !errors.Is(err, flag.ErrHelp) {
		t.Fatal(err)
	}
	for _, want := range []string{"usage: benchserver", "-engine", "-read-timeout", "LISTEN_ADDR", "-tls-key"} {
		if !strings.Contains(stdout.String(), want) {
			t.Errorf("the help does not name %s", want)
		}
	}
	stdout.Reset()
	if err := run(context.Background(), "benchserver", []string{"-version"}, noEnv, &stdout, io.Discard); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(stdout.String(), "benchserver ") || strings.Count(stdout.String(), "\n") != 1 {
		t.Errorf("version: %q", stdout.String())
	}
}

func TestLogger(t *testing.T) {
	var b bytes.Buffer
	newLogger(&b, false).Debug("hidden")
	newLogger(&b, true).Debug("shown", slog.String("k", "v"))
	if got := b.String(); strings.Contains(got, "hidden") || !strings.Contains(got, "msg=shown k=v") {
		t.Errorf("logged %q", got)
	}
}

package benchserver

import (
	"flag"
	"io"
	"log/slog"
	"math"
	"net"
	"path"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/wsproof/wsproof/internal/cli"
	"github.com/wsproof/wsproof/internal/engine"
	"github.com/wsproof/wsproof/internal/engine/engines"
)

// A config is what the command line and the environment ask for.
type config struct {
	engine       string
	addr         string
	addrFrom     string // what set it: -addr, LISTEN_ADDR or PORT
	adminAddr    string // "off" for none
	debug        bool
	pprof        bool
	version      bool
	maxConns     int
	maxMemory    int64 // bytes
	maxMessage   int   // bytes
	readTimeout  time.Duration
	tlsCert      string
	tlsKey       string
	origins      string // comma-separated
	utf8         bool
	gather       bool
	socketBuffer int // bytes
	compression  bool
}

const defaultAddr = "127.0.0.1:9001"

func parse(name string, args []string, getenv func(string) string, stdout io.Writer) (*config, error) {
	c := new(config)
	fs := flag.NewFlagSet(name, flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	fs.StringVar(&c.engine, "engine", "core", "WebSocket `library`: "+strings.Join(engines.Names(), ", "))
	addr, from := envAddr(getenv)
	fs.StringVar(&c.addr, "addr", addr, "`host:port` to listen on")
	fs.StringVar(&c.adminAddr, "admin-addr", "127.0.0.1:6060", "`host:port` of /healthz, /metrics and, with -pprof, /debug/pprof/; off for none")
	fs.BoolVar(&c.debug, "debug", false, "log each connection: opened, closed, refused")
	fs.BoolVar(&c.pprof, "pprof", false, "serve net/http/pprof on the admin address")
	fs.BoolVar(&c.version, "version", false, "print versions and exit")
	fs.IntVar(&c.maxConns, "max-conns", 0, "most connections at once, more are refused with 503; 0: as many as open files allow")
	fs.Int64Var(&c.maxMemory, "max-memory", 0, "`bytes` of memory from which on new connections are refused with 503; 0: nine tenths of GOMEMLIMIT, if that is set")
	fs.IntVar(&c.maxMessage, "max-message", 16<<20, "longest message, in `bytes`; longer ones close with 1009")
	fs.DurationVar(&c.readTimeout, "read-timeout", 0, "longest wait for a complete frame, 0: none (idle connections may stay)")
	fs.StringVar(&c.tlsCert, "tls-cert", "", "PEM `file` with the certificate chain: serve wss")
	fs.StringVar(&c.tlsKey, "tls-key", "", "PEM `file` with its key")
	fs.StringVar(&c.origins, "origins", "", "comma-separated `hosts` whose pages may connect besides our own; * in a host matches any run of characters but a dot, * alone any page")
	fs.BoolVar(&c.utf8, "utf8", true, "check text on every engine; false leaves it unchecked where the library leaves it to the application (gorilla, gobwas, coder)")
	fs.BoolVar(&c.gather, "gather", false, "with -engine gobwas: write replies only once all that was read is answered (no part of that library)")
	fs.BoolVar(&c.compression, "compression", false, "accept permessage-deflate (RFC 7692), with context takeover where the library has it; not with -engine xnet")
	fs.IntVar(&c.socketBuffer, "socket-buffer", 0, "`bytes` of the kernel's send and receive buffer of each connection; 0: the kernel's choice")
	fs.Usage = func() { cli.Help(stdout, strings.ReplaceAll(help, "ENGINES", strings.Join(engines.Names(), ", ")), fs) }
	if err := cli.Parse(fs, args, stdout); err != nil {
		return nil, err
	}
	if fs.NArg() > 0 {
		return nil, cli.Usagef("unexpected argument %q (%s -h lists the flags)", fs.Arg(0), name)
	}
	c.addrFrom = from
	if c.addr != addr {
		c.addrFrom = "-addr"
	}
	return c, c.check()
}

// envAddr is the default of -addr, and what it comes from.
func envAddr(getenv func(string) string) (addr, from string) {
	if addr := getenv("LISTEN_ADDR"); addr != "" {
		return addr, "LISTEN_ADDR"
	}
	if port := getenv("PORT"); port != "" {
		return ":" + port, "PORT"
	}
	return defaultAddr, "-addr"
}

func (c *config) check() error {
	if !slices.Contains(engines.Names(), c.engine) {
		return cli.Usagef("-engine %s: want one of %s", c.engine, strings.Join(engines.Names(), ", "))
	}
	for _, size := range []struct {
		flag  string
		value int64
		least int64
	}{
		{"max-conns", int64(c.maxConns), 0},
		{"max-memory", c.maxMemory, 0},
		{"max-message", int64(c.maxMessage), 1},
		{"socket-buffer", int64(c.socketBuffer), 0},
	} {
		if size.value < size.least {
			return cli.Usagef("-%s %d: want at least %d", size.flag, size.value, size.least)
		}
	}
	if c.socketBuffer > math.MaxInt32 {
		return cli.Usagef("-socket-buffer %d: want at most %d", c.socketBuffer, math.MaxInt32)
	}
	if c.readTimeout < 0 {
		return cli.Usagef("-read-timeout %v: want at least 0s", c.readTimeout)
	}
	if c.gather && c.engine != "gobwas" {
		return cli.Usagef("-gather is for -engine gobwas alone, not %s", c.engine)
	}
	if c.compression && !slices.ContainsFunc(engines.All(), func(e engine.Engine) bool { return e.Name == c.engine && e.Compresses() }) {
		return cli.Usagef("-compression: %s has no permessage-deflate", c.engine)
	}
	if c.pprof && c.adminAddr == "off" {
		return cli.Usagef("-pprof is served on -admin-addr, which is off")
	}
	if (c.tlsCert == "") != (c.tlsKey == "") {
		return cli.Usagef("-tls-cert and -tls-key go together")
	}
	for _, pattern := range c.originPatterns() {
		if _, err := path.Match(pattern, ""); err != nil {
			return cli.Usagef("-origins: %q is no pattern", pattern)
		}
	}
	for from, addr := range map[string]string{c.addrFrom: c.addr, "-admin-addr": c.adminAddr} {
		if from == "-admin-addr" && addr == "off" {
			continue
		}
		if _, _, err := net.SplitHostPort(addr); err != nil {
			return cli.Usagef("%s %q: want host:port, such as %s", from, addr, defaultAddr)
		}
	}
	return nil
}

func (c *config) originPatterns() []string {
	var patterns []string
	for p := range strings.SplitSeq(c.origins, ",") {
		if p = strings.TrimSpace(p); p != "" {
			patterns = append(patterns, strings.ToLower(p))
		}
	}
	return patterns
}

const help = `usage: {name} [flags]

Serves echoes on / and /echo, the load tests of ntsd/websocket-benchmark on
/plain, /json, /binary and /connection; a browser sees a status page on /.

  -addr HOST:PORT      where to listen (127.0.0.1:9001; LISTEN_ADDR, PORT)
  -engine LIBRARY      ENGINES (core)
  -tls-cert FILE -tls-key FILE   serve wss by this certificate (PEM)
  -origins HOSTS       pages of these hosts may connect, such as *.example.com
  -max-conns N         most connections at once (as many as open files allow)
  -max-memory BYTES    from here on new connections are refused
  -max-message BYTES   longer messages end with 1009 (16 MiB)
  -read-timeout TIME   longest wait for a complete frame (0: none)
  -socket-buffer BYTES of the kernel, for each direction (0: its choice)
  -compression         accept permessage-deflate (not with xnet)
  -utf8=false          leave text unchecked where the library does
  -gather              gobwas alone: write replies when all input is answered
  -admin-addr HOST:PORT  /healthz, /metrics (127.0.0.1:6060; off for none)
  -pprof               and /debug/pprof/ there
  -debug               log each connection
  -version             print versions and exit
`

// versionLine tells the versions of the server, Go and the libraries.
func versionLine() string {
	line := "benchserver " + cli.Version() + " " + runtime.Version()
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return line
	}
	for _, dep := range info.Deps {
		if slices.ContainsFunc(engines.Libraries(), func(e engine.Engine) bool { return e.Module == dep.Path }) {
			line += " " + strings.TrimPrefix(dep.Path, "github.com/") + "@" + dep.Version
		}
	}
	return line
}

func newLogger(w io.Writer, debug bool) *slog.Logger {
	level := slog.LevelInfo
	if debug {
		level = slog.LevelDebug
	}
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: level}))
}

package benchserver

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/wsproof/wsproof/internal/cli"
	"github.com/wsproof/wsproof/internal/engine/engines"
	"github.com/wsproof/wsproof/internal/engine/serve"
)

const (
	// grace is how long the peers have to answer the Close of a shutdown.
	grace = 3 * time.Second
	// pageGrace is how long a request for the page under way may still take.
	pageGrace = 100 * time.Millisecond
	// headerTimeout is how long a client may take for its request.
	headerTimeout = 5 * time.Second
	// maxHeader is the longest request header, in bytes; net/http lets slop more pass.
	maxHeader = 16 << 10
	slop      = 4 << 10
)

// A server is everything that runs between newServer and the end of serve.
type server struct {
	config  *config
	log     *slog.Logger
	limits  *limits
	metrics *metrics
	rates   *rates
	page    *page
	paths   []servedPath
	byPath  map[string]http.Handler

	listener, admin net.Listener // admin may be nil
	stopping        atomic.Bool
}

// A servedPath is a path with its own WebSocket server.
type servedPath struct {
	path   string
	server serve.Server
	opened *atomic.Uint64
}

// newServer listens; everything that can be wrong with the configuration is
// found here.
func newServer(c *config, log *slog.Logger) (*server, error) {
	s := &server{config: c, log: log, limits: newLimits(c), byPath: map[string]http.Handler{}}
	var certificates []tls.Certificate
	if c.tlsCert != "" {
		certificate, err := tls.LoadX509KeyPair(c.tlsCert, c.tlsKey)
		if err != nil {
			return nil, cli.Usagef("-tls-cert, -tls-key: %v", err)
		}
		certificates = append(certificates, certificate)
	}
	engine, err := engines.Find(c.engine)
	if err != nil {
		return nil, cli.Usagef("-engine: %v", err)
	}
	for _, a := range answers {
		p := servedPath{path: a.path, opened: new(atomic.Uint64)}
		p.server = engine.NewServer(a.answer, s.options(p))
		s.paths = append(s.paths, p)
		s.byPath[a.path] = &admission{s, p.server}
	}
	s.metrics = newMetrics(c, s.paths)
	s.rates = newRates(s)
	s.page = newPage(s)

	if s.listener, err = net.Listen("tcp", c.addr); err != nil {
		return nil, cli.Usagef("%s: %v", c.addrFrom, err)
	}
	if certificates != nil {
		s.listener = tls.NewListener(s.listener, &tls.Config{Certificates: certificates, NextProtos: []string{"http/1.1"}})
	}
	if c.adminAddr != "off" {
		if s.admin, err = net.Listen("tcp", c.adminAddr); err != nil {
			s.listener.Close()
			return nil, cli.Usagef("-admin-addr: %v (another address, or off for none)", err)
		}
	}
	return s, nil
}

// options are those of one path's server.
func (s *server) options(p servedPath) serve.Options {
	c := s.config
	return serve.Options{
		MaxMessage:  c.maxMessage,
		ReadTimeout: c.readTimeout,
		CheckOrigin: originCheck(c.originPatterns()),
		SkipUTF8:    !c.utf8,
		Gather:      c.gather,
		Compression: c.compression,
		Stats:       true,
		Events: serve.Events{
			Open: func() {
				p.opened.Add(1)
				s.metrics.openedSum.Add(1)
				if c.debug { // or each connection would pay for the arguments
					s.log.Debug("opened", "path", p.path)
				}
			},
			Close: func(code uint16, err error) {
				s.limits.release()
				s.metrics.close(code, err)
				if c.debug {
					s.logClose(p.path, code, err)
				}
			},
			Refused: func(status int, err error) {
				s.limits.release()
				s.refused(p.path, status, err)
			},
		},
	}
}

func (s *server) logClose(path string, code uint16, err error) {
	if err != nil {
		s.log.Debug("closed", "path", path, "code", code, "kind", kind(code, err), "error", err)
	} else {
		s.log.Debug("closed", "path", path, "code", code)
	}
}

func (s *server) refused(path string, status int, err error) {
	s.metrics.refuse(status)
	s.log.Debug("refused", "path", path, "status", status, "error", err)
}

// An admission lets in what the limits allow, and measures how long it takes.
type admission struct {
	*server
	ws http.Handler
}

func (a *admission) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if refusal := a.limits.take(); refusal != "" {
		a.refuse(w, r, refusal)
		return
	}
	begin := time.Now()
	a.ws.ServeHTTP(w, r)
	a.metrics.handshake.Observe(time.Since(begin).Seconds())
}

func (s *server) refuse(w http.ResponseWriter, r *http.Request, refusal string) {
	w.Header().Set("Retry-After", "1")
	w.Header().Set("Connection", "close")
	http.Error(w, refusal, http.StatusServiceUnavailable)
	s.refused(r.URL.Path, http.StatusServiceUnavailable, errors.New(refusal))
}

// ServeHTTP is the public address.
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/" && r.Header.Get("Upgrade") == "" {
		s.page.ServeHTTP(w, r)
		return
	}
	if h, ok := s.byPath[r.URL.Path]; ok {
		h.ServeHTTP(w, r)
		return
	}
	http.NotFound(w, r)
}

// adminHandler is the admin address.
func (s *server) adminHandler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		if s.stopping.Load() {
			http.Error(w, "shutting down", http.StatusServiceUnavailable)
			return
		}
		_, _ = w.Write([]byte("ok\n"))
	})
	mux.Handle("GET /metrics", promhttp.HandlerFor(s.metrics.registry, promhttp.HandlerOpts{}))
	if s.config.pprof {
		mux.HandleFunc("/debug/pprof/", pprof.Index)
		mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
		mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
		mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
		mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	}
	return mux
}

// serve serves until ctx ends, then shuts down.
func (s *server) serve(ctx context.Context) error {
	errorLog := slog.NewLogLogger(s.log.Handler(), slog.LevelWarn)
	public := &http.Server{
		Handler: s, ErrorLog: errorLog,
		ReadHeaderTimeout: headerTimeout, IdleTimeout: time.Minute, MaxHeaderBytes: maxHeader - slop,
		TLSNextProto: map[string]func(*http.Server, *tls.Conn, http.Handler){}, // HTTP/1.1 alone
	}
	if size := s.config.socketBuffer; size > 0 {
		public.ConnContext = func(ctx context.Context, conn net.Conn) context.Context {
			setBuffers(conn, size)
			return ctx
		}
	}
	admin := &http.Server{Handler: s.adminHandler(), ErrorLog: errorLog, ReadHeaderTimeout: headerTimeout}

	background, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { s.limits.watch(background) })
	running.Go(func() { s.rates.watch(background) })

	ended := make(chan error, 2)
	running.Go(func() { ended <- public.Serve(s.listener) })
	scheme, adminAddr := "ws", "off"
	if s.config.tlsCert != "" {
		scheme = "wss"
	}
	if s.admin != nil {
		adminAddr = s.admin.Addr().String()
		running.Go(func() { ended <- admin.Serve(s.admin) })
	}
	s.log.Info("listening", "url", scheme+"://"+s.listener.Addr().String(), "engine", s.config.engine, "admin", adminAddr,
		"max-conns", s.limits.maxConns, "max-memory", s.limits.maxMemory, "max-message", s.config.maxMessage, "read-timeout", s.config.readTimeout)

	var failure error
	select {
	case <-ctx.Done():
	case failure = <-ended:
	}
	s.shutdown(public)
	_ = admin.Close()
	stop()
	running.Wait()
	return failure
}

// shutdown closes every connection with 1001, waits for at most grace, and
// drops what is left.
func (s *server) shutdown(public *http.Server) {
	begin := time.Now()
	s.stopping.Store(true)
	_ = s.listener.Close()
	connections := s.limits.taken.Load()
	ctx, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	var all sync.WaitGroup
	for _, p := range s.paths {
		all.Go(func() { _ = p.server.Shutdown(ctx) })
	}
	all.Wait()
	// What is left are requests for the page, and such as never become complete.
	pages, cancelPages := context.WithTimeout(context.Background(), pageGrace)
	defer cancelPages()
	_ = public.Shutdown(pages)
	_ = public.Close()
	s.log.Info("stopped", "connections", connections, "dropped", ctx.Err() != nil, "took", time.Since(begin).Round(time.Millisecond))
}

// setBuffers sets the sizes of the kernel's buffers.
func setBuffers(conn net.Conn, size int) {
	if t, ok := conn.(*tls.Conn); ok {
		conn = t.NetConn()
	}
	if t, ok := conn.(*net.TCPConn); ok {
		_ = t.SetReadBuffer(size)
		_ = t.SetWriteBuffer(size)
	}
}

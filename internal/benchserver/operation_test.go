package benchserver

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wsproof/wsproof/internal/engine/serve"
	"github.com/wsproof/wsproof/internal/engine/serve/servetest"
	"github.com/wsproof/wsproof/internal/wire"
)

func TestOtherRequests(t *testing.T) {
	each(t, func(t *testing.T, r *running) {
		for _, path := range []string{"/nowhere", "/plain/", "/favicon.ico", "/metrics", "/healthz", "/debug/pprof/"} {
			if status, _ := get(t, "http://"+r.addr+path); status != http.StatusNotFound {
				t.Errorf("GET %s: %d, want 404", path, status)
			}
			if _, response := servetest.Dial(t, r.addr, path); response.StatusCode != http.StatusNotFound {
				t.Errorf("handshake on %s: %s, want 404", path, response.Status)
			}
		}
		if status, _ := get(t, "http://"+r.addr+"/plain"); status < 400 || status > 499 {
			t.Errorf("plain GET on /plain: %d, want 4xx", status)
		}
		// On a connection of its own: gobwas closes the one on which it has refused.
		fresh := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
		response, err := fresh.Post("http://"+r.addr+"/", "text/plain", strings.NewReader("x"))
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != http.StatusMethodNotAllowed {
			t.Errorf("POST /: %s, want 405", response.Status)
		}
	})
}

func TestOrigin(t *testing.T) {
	for _, tc := range []struct {
		patterns string
		origin   string
		want     bool
	}{
		{"", "", true},
		{"", "http://HOST", true},
		{"", "http://elsewhere.example", false},
		{"", "null", false},
		{"*.good.example", "https://a.good.example", true},
		{"*.good.example", "https://A.GOOD.example", true},
		{"*.good.example", "https://a.b.good.example", false},
		{"*.good.example", "https://good.example", false},
		{"*.good.example", "https://a.good.example.evil.example", false},
		{"x.example:8080, y.example", "http://x.example:8080", true},
		{"x.example:8080, y.example", "http://x.example", false},
		{"x.example:8080, y.example", "http://y.example", true},
		{"*", "http://elsewhere.example", true},
	} {
		c, err := parse("benchserver", []string{"-origins", tc.patterns}, noEnv, io.Discard)
		if err != nil {
			t.Fatal(err)
		}
		request, _ := http.NewRequest("GET", "http://host/plain", nil)
		if tc.origin != "" {
			request.Header.Set("Origin", tc.origin)
		}
		if got := originCheck(c.originPatterns())(request); got != tc.want {
			t.Errorf("patterns %q, origin %q: %v, want %v", tc.patterns, tc.origin, got, tc.want)
		}
	}
	each(t, func(t *testing.T, r *running) {
		if _, response := servetest.Dial(t, r.addr, "/plain", "Origin: http://elsewhere.example"); response.StatusCode != http.StatusForbidden {
			t.Errorf("another origin: %s, want 403", response.Status)
		}
		if _, response := servetest.Dial(t, r.addr, "/plain", "Origin: http://"+r.addr); response.StatusCode != http.StatusSwitchingProtocols {
			t.Errorf("our own origin: %s, want 101", response.Status)
		}
	})
}

// TestMaxConns fills the server, frees one place and takes it again. Refused
// handshakes must not use up places.
func TestMaxConns(t *testing.T) {
	each(t, func(t *testing.T, r *running) {
		first := servetest.Connect(t, r.addr, "/plain")
		servetest.Connect(t, r.addr, "/json")
		for range 3 {
			_, response := servetest.Dial(t, r.addr, "/plain")
			if response.StatusCode != http.StatusServiceUnavailable || response.Header.Get("Retry-After") == "" {
				t.Fatalf("third connection: %s, want 503 with Retry-After", response.Status)
			}
		}
		first.Send(servetest.CloseFrame(1000, ""))
		first.WantClose(1000)
		for range 5 {
			until(t, func() bool { return r.server.limits.taken.Load() == 1 })
			if status, _ := get(t, "http://"+r.addr+"/plain"); status == http.StatusServiceUnavailable {
				t.Fatal("a refused handshake keeps its place")
			}
		}
		until(t, func() bool { return r.server.limits.taken.Load() == 1 })
		c := servetest.Connect(t, r.addr, "/plain")
		c.Send(servetest.Text("x"))
		c.Want(wire.Text, "x")
	}, "-max-conns", "2")
}

// TestHeaderLimit: a request header of 16 KiB is taken, and nothing much longer.
func TestHeaderLimit(t *testing.T) {
	r := start(t, "-engine", "gws")
	for length, want := range map[int]int{16 << 10: http.StatusOK, 17 << 10: http.StatusRequestHeaderFieldsTooLarge} {
		const begin, end = "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX: ", "\r\n\r\n"
		conn, err := net.Dial("tcp", r.addr)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		conn.SetDeadline(time.Now().Add(servetest.Bound))
		fmt.Fprint(conn, begin+strings.Repeat("x", length-len(begin+end))+end)
		response, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		if response.StatusCode != want {
			t.Errorf("%d bytes: %s, want %d", length, response.Status, want)
		}
	}
}

// until waits for a condition that another goroutine brings about.
func until(t *testing.T, condition func() bool) {
	t.Helper()
	for end := time.Now().Add(servetest.Bound); !condition(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the condition does not come true")
		}
	}
}

func TestMaxMemory(t *testing.T) {
	r := start(t, "-engine", "gws", "-max-memory", "1") // less than any program takes
	until(t, r.server.limits.full.Load)
	if _, response := servetest.Dial(t, r.addr, "/plain"); response.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("handshake: %s, want 503", response.Status)
	}
	if status, _ := get(t, "http://"+r.addr+"/"); status != http.StatusOK {
		t.Errorf("the page: %d, want 200", status)
	}
}

// stopwatch measures the time until stop is called, without that in which the
// machine did not run this process at all: that is no delay of the server.
func stopwatch() (stop func() time.Duration) {
	const step = 10 * time.Millisecond
	quit, result := make(chan struct{}), make(chan time.Duration)
	go func() {
		tick := time.NewTicker(step)
		defer tick.Stop()
		var ran time.Duration
		for last := time.Now(); ; {
			select {
			case <-quit:
				result <- ran
				return
			case now := <-tick.C:
				ran += min(now.Sub(last), 5*step)
				last = now
			}
		}
	}()
	return func() time.Duration {
		close(quit)
		return <-result
	}
}

// TestShutdown stops a server with connections that answer, that are silent,
// and that do not read; each that reads must see 1001.
func TestShutdown(t *testing.T) {
	each(t, func(t *testing.T, r *running) {
		good := servetest.Connect(t, r.addr, "/plain")
		good.Send(servetest.Text("x"))
		good.Want(wire.Text, "x")
		half, err := net.Dial("tcp", r.addr) // a request that is never complete
		if err != nil {
			t.Fatal(err)
		}
		defer half.Close()
		fmt.Fprintf(half, "GET /plain HTTP/1.1\r\n")
		r.stop()
		good.WantClose(1001)
		stop := stopwatch()
		r.end()
		if took := stop(); took > 5*time.Second {
			t.Errorf("the server ended after %v", took)
		}
		if _, err := r.server.listener.Accept(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("the server's listener: %v, want it closed", err)
		}
		if log := r.log.String(); !strings.Contains(log, "msg=stopped") {
			t.Errorf("the log does not tell the end: %s", log)
		}
	})
}

func TestShutdownWithStuckPeers(t *testing.T) {
	if testing.Short() {
		t.Skip("takes the whole grace time")
	}
	t.Parallel()
	for _, engine := range []string{"core", "gorilla", "gobwas", "coder", "gws"} {
		t.Run("engine="+engine, func(t *testing.T) {
			t.Parallel()
			r := start(t, "-engine", engine)
			servetest.Connect(t, r.addr, "/echo") // never answers a Close
			stuck := servetest.Connect(t, r.addr, "/echo")
			stuck.Conn.SetWriteDeadline(time.Now().Add(300 * time.Millisecond))
			f := servetest.Binary(strings.Repeat("x", 1<<20))
			f.Masked = true
			for message := f.Append(nil); ; {
				if _, err := stuck.Conn.Write(message); err != nil {
					break // the server cannot write its answers and has stopped reading
				}
			}
			stop := stopwatch()
			r.end()
			if took := stop(); took > 5*time.Second {
				t.Errorf("the server ended after %v, want at most 5 s", took)
			}
		})
	}
}

func TestAdmin(t *testing.T) {
	each(t, func(t *testing.T, r *running) {
		c := servetest.Connect(t, r.addr, "/plain")
		c.Send(servetest.Text("12345"))
		c.Want(wire.Text, "12345")
		bad := servetest.Connect(t, r.addr, "/binary")
		bad.Send(servetest.Binary("123"))
		bad.WantClose(1007)
		bad.Conn.Close()
		servetest.Dial(t, r.addr, "/plain", "Origin: http://elsewhere.example")
		until(t, func() bool { // a message is counted when its answer has been written, and so is a handshake
			m := r.server.metrics
			return m.closedSum.Load() == 1 && m.refusedSum.Load() == 1 && r.messages() == 1 && total(readHistogram(m.handshake)) == 3
		})

		if status, body := get(t, "http://"+r.admin+"/healthz"); status != http.StatusOK || body != "ok\n" {
			t.Errorf("/healthz: %d %q", status, body)
		}
		status, body := get(t, "http://"+r.admin+"/metrics")
		if status != http.StatusOK {
			t.Fatalf("/metrics: %d", status)
		}
		for _, want := range []string{
			`benchserver_connections{path="/plain"} 1`,
			`benchserver_connections_parked{path="/plain"} `,
			`benchserver_connections_total{path="/plain"} 1`,
			`benchserver_messages_total{path="/plain"} 1`,
			`benchserver_received_bytes_total{path="/plain"} 5`,
			`benchserver_sent_bytes_total{path="/plain"} 5`,
			`benchserver_closes_total{code="1007"} 1`,
			`benchserver_errors_total{kind="content"} 1`,
			`benchserver_handshakes_refused_total{status="403"} 1`,
			`benchserver_info{engine="` + r.server.config.engine + `"`,
			"benchserver_handshake_seconds_count 3",
			"go_goroutines ",
		} {
			if !strings.Contains(body, want) {
				t.Errorf("/metrics lacks %s", want)
			}
		}
		if status, _ := get(t, "http://"+r.admin+"/debug/pprof/"); status != http.StatusNotFound {
			t.Errorf("pprof without -pprof: %d, want 404", status)
		}
	})
	r := start(t, "-engine", "gws", "-pprof")
	if status, _ := get(t, "http://"+r.admin+"/debug/pprof/"); status != http.StatusOK {
		t.Errorf("pprof: %d, want 200", status)
	}
	if start(t, "-engine", "gws", "-admin-addr", "off").admin != "" {
		t.Error("-admin-addr off serves an admin address")
	}
}

func total(h histogram) (n uint64) {
	for _, c := range h.counts {
		n += c
	}
	return n
}

// TestReadTimeout drips a frame byte by byte, which the server ends before it is
// complete: the timeout is for the whole frame.
func TestReadTimeout(t *testing.T) {
	each(t, func(t *testing.T, r *running) {
		c := servetest.Connect(t, r.addr, "/plain")
		f := servetest.Text(strings.Repeat("x", 60000)) // 5 minutes
		f.Masked = true
		dripped := make(chan struct{})
		go func() {
			defer close(dripped)
			for _, b := range f.Append(nil) {
				if _, err := c.Conn.Write([]byte{b}); err != nil {
					return
				}
				time.Sleep(5 * time.Millisecond)
			}
		}()
		until(t, func() bool { return r.server.metrics.closedSum.Load() == 1 })
		c.Conn.Close()
		<-dripped
		_, body := get(t, "http://"+r.admin+"/metrics")
		if want := `benchserver_errors_total{kind="timeout"} 1`; !strings.Contains(body, want) {
			t.Errorf("/metrics lacks %s", want)
		}
		if want := `benchserver_messages_total{path="/plain"} 0`; !strings.Contains(body, want) {
			t.Errorf("/metrics lacks %s", want)
		}
	}, "-read-timeout", "100ms")
}

func TestDebugLog(t *testing.T) {
	r := start(t, "-engine", "gws", "-debug")
	c := servetest.Connect(t, r.addr, "/plain")
	c.Send(servetest.CloseFrame(1000, ""))
	c.WantClose(1000)
	servetest.Dial(t, r.addr, "/json", "Origin: http://elsewhere.example")
	until(t, func() bool { return r.server.metrics.closedSum.Load() == 1 })
	r.end()
	for _, want := range []string{"msg=opened path=/plain", "msg=closed path=/plain code=1000", "msg=refused path=/json status=403"} {
		if !strings.Contains(r.log.String(), want) {
			t.Errorf("the log lacks %q:\n%s", want, r.log)
		}
	}
}

func TestTLS(t *testing.T) {
	cert, key := certificate(t)
	r := start(t, "-engine", "gws", "-tls-cert", cert, "-tls-key", key)
	conn, err := tls.Dial("tcp", r.addr, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2", "http/1.1"}})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if p := conn.ConnectionState().NegotiatedProtocol; p != "http/1.1" {
		t.Errorf("negotiated %q, want http/1.1", p)
	}
	conn.SetDeadline(time.Now().Add(servetest.Bound))
	fmt.Fprintf(conn, "GET /plain HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
	status := make([]byte, len("HTTP/1.1 101"))
	if _, err := io.ReadFull(conn, status); err != nil || string(status) != "HTTP/1.1 101" {
		t.Errorf("handshake answered %q, %v", status, err)
	}
}

// certificate writes a certificate of its own.
func certificate(t *testing.T) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "localhost"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalECPrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for file, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "EC PRIVATE KEY", Bytes: keyDER}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}

func TestStatus(t *testing.T) {
	r := start(t, "-engine", "gobwas", "-max-conns", "123", "-read-timeout", "1h")
	c := servetest.Connect(t, r.addr, "/plain")
	for range 10 {
		c.Send(servetest.Text("12345"))
		c.Want(wire.Text, "12345")
	}
	until(t, func() bool { return r.messages() == 10 && total(readHistogram(r.server.metrics.handshake)) == 1 })
	r.server.rates.take()
	_, body := get(t, "http://"+r.addr+"/?rates=0")
	var got status
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	if got.Engine != "gobwas" || got.Limits.Connections != 123 || got.Limits.ReadTimeout != 3600 || got.Limits.Message != 16<<20 {
		t.Errorf("got %+v", got)
	}
	if len(got.Samples) == 0 {
		t.Fatal("no samples")
	}
	// The server itself takes samples, too, once a second.
	var messages, opened float64
	measured := false
	for _, s := range got.Samples {
		messages += s.Messages
		opened += s.Opened
		measured = measured || s.Handshake != nil
	}
	last := got.Samples[len(got.Samples)-1]
	if messages == 0 || opened == 0 || !measured || last.Connections != 1 {
		t.Errorf("samples %+v", got.Samples)
	}
	for _, s := range r.server.rates.since(last.At) {
		if s.At <= last.At {
			t.Errorf("asked for what came after %d, got a sample of %d", last.At, s.At)
		}
	}
}

func TestHistory(t *testing.T) {
	r := start(t, "-engine", "gws")
	for range 3 * history {
		r.server.rates.take()
	}
	if got := len(r.server.rates.since(0)); got != history {
		t.Errorf("%d samples are kept, want %d", got, history)
	}
}

// A lateServer answers a message a millisecond, and its counters are read late.
type lateServer struct {
	serve.Server
	begin time.Time
	late  time.Duration
}

func (s *lateServer) Stats() serve.Stats {
	time.Sleep(s.late)
	s.late = 0
	return serve.Stats{Messages: uint64(time.Since(s.begin).Milliseconds())}
}

// TestLateSample: a sample that is late is no higher rate, nor is the next one a
// lower one.
func TestLateSample(t *testing.T) {
	c, err := parse("benchserver", nil, noEnv, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		s := &server{config: c, paths: []servedPath{{path: "/", server: &lateServer{begin: time.Now(), late: 600 * time.Millisecond}, opened: new(atomic.Uint64)}}}
		s.metrics = newMetrics(c, s.paths)
		r := newRates(s)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go r.watch(ctx)
		time.Sleep(3500 * time.Millisecond)
		samples := r.since(0)
		if len(samples) != 3 {
			t.Errorf("%d samples in 3.5 s", len(samples))
		}
		for i, sample := range samples {
			if sample.Messages != 1000 {
				t.Errorf("sample %d: %v messages a second, want 1000", i, sample.Messages)
			}
		}
	})
}

func TestPercentile(t *testing.T) {
	h := histogram{bounds: []float64{1, 2, 4}, counts: []uint64{10, 80, 10}}
	got := h.since(histogram{})
	// The 50th of 100 is the 40th of 80 between 1 and 2, and so on.
	if want := [3]float64{1.5e6, 2e6, 3.8e6}; got == nil || *got != want {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := h.since(h); got != nil {
		t.Errorf("nothing measured: %v", *got)
	}
}

func TestKind(t *testing.T) {
	for _, tc := range []struct {
		code uint16
		err  error
		want string
	}{
		{1006, os.ErrDeadlineExceeded, "timeout"},
		{1006, io.EOF, "gone"},
		{1006, net.ErrClosed, "dropped"},
		{1009, errors.New("x"), "too large"},
		{1002, errors.New("x"), "protocol"},
		{1007, errNotJSON, "content"},
		{1003, errWantText, "kind of message"},
		{1011, errors.New("x"), "other"},
	} {
		if got := kind(tc.code, tc.err); got != tc.want {
			t.Errorf("%d %v: %q, want %q", tc.code, tc.err, got, tc.want)
		}
	}
	for code, want := range map[uint16]string{1000: "1000", 1005: "1005", 3000: "3xxx", 4999: "4xxx", 0: "other", 2000: "other"} {
		if got := codeLabel(code); got != want {
			t.Errorf("code %d: label %q, want %q", code, got, want)
		}
	}
}

package websocket

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
)

// runSelf runs a test of this binary with more in its environment, and returns
// what it printed.
func runSelf(t *testing.T, test string, env ...string) string {
	t.Helper()
	executable, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), executable, "-test.run="+test)
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return string(out)
}

func quietLog() *log.Logger { return log.New(io.Discard, "", 0) }

// echoServers returns the addresses of an echo server by ws and one by wss, and
// what a client needs to trust the latter.
func echoServers(t *testing.T) (plain, secure string, config *tls.Config) {
	t.Helper()
	h := NewHandler(EchoHandler, Options{})
	p, s := httptest.NewServer(h), httptest.NewTLSServer(h)
	t.Cleanup(func() {
		if err := h.Shutdown(context.Background()); err != nil {
			t.Errorf("Shutdown: %v", err)
		}
		p.Close()
		s.Close()
	})
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	return p.Listener.Addr().String(), s.Listener.Addr().String(), &tls.Config{RootCAs: roots, ServerName: "example.com"}
}

// tunnel is an HTTP proxy for CONNECT alone. It connects to addr, whatever it is
// asked for, and remembers that.
type tunnel struct {
	addr  string
	mu    sync.Mutex
	asked []string
	wg    sync.WaitGroup
}

func (p *tunnel) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.wg.Add(1)
	defer p.wg.Done()
	p.mu.Lock()
	p.asked = append(p.asked, r.Method+" "+r.RequestURI+" "+r.Host+" "+r.Header.Get("Proxy-Authorization"))
	p.mu.Unlock()
	to, err := net.Dial("tcp", p.addr)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	w.WriteHeader(http.StatusOK)
	from, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(err)
	}
	relay(from, buffered, to)
}

// relay copies both ways until one side ends, and closes both. What comes from a
// is read from buffered.
func relay(a net.Conn, buffered io.Reader, b net.Conn) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		io.Copy(a, b)
		a.Close()
	}()
	io.Copy(b, buffered)
	b.Close()
	<-done
}

func TestDialThroughHTTPProxies(t *testing.T) {
	plain, secure, config := echoServers(t)
	for _, c := range []struct {
		name, url, addr string
		proxyTLS        bool
		user            *url.Userinfo
		asked           string
	}{
		{"ws by http", "ws://h.test", plain, false, nil, "CONNECT h.test:80 h.test:80 "},
		{"wss by http", "wss://h.test:1", secure, false, nil, "CONNECT h.test:1 h.test:1 "},
		{"ws by https", "ws://[::1]", plain, true, nil, "CONNECT [::1]:80 [::1]:80 "},
		{"wss by https", "wss://h.test", secure, true, nil, "CONNECT h.test:443 h.test:443 "},
		{"without a scheme", "ws://h.test", plain, false, nil, "CONNECT h.test:80 h.test:80 "},
		{"with an empty password", "ws://h.test", plain, false, url.User("me"), "CONNECT h.test:80 h.test:80 Basic bWU6"},
		{"with a password", "ws://h.test", plain, false, url.UserPassword("me", "secret"), "CONNECT h.test:80 h.test:80 Basic bWU6c2VjcmV0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := &tunnel{addr: c.addr}
			server := httptest.NewUnstartedServer(p)
			server.Config.ErrorLog = quietLog()
			scheme := "http"
			if c.proxyTLS {
				scheme = "https"
				server.EnableHTTP2 = true // Dial must not fall for it
				server.StartTLS()
			} else {
				server.Start()
			}
			defer server.Close()
			// The certificates of httptest are for example.com and 127.0.0.1.
			if c.name == "without a scheme" {
				scheme = ""
			}
			proxy := &url.URL{Scheme: scheme, Host: server.Listener.Addr().String(), User: c.user}
			var request *http.Request
			ws, response, err := Dial(t.Context(), c.url, DialOptions{TLSConfig: config, Proxy: func(r *http.Request) (*url.URL, error) {
				request = r
				return proxy, nil
			}})
			if err != nil {
				t.Fatal(err)
			}
			if want := strings.Replace(c.url, "ws", "http", 1); request.URL.String() != want {
				t.Errorf("the proxy was chosen for %s, want %s", request.URL, want)
			}
			// TLS with the proxy says nothing of the server.
			if got, want := response.TLS != nil, strings.HasPrefix(c.url, "wss:"); got != want {
				t.Errorf("the response tells of TLS: %t, want %t", got, want)
			}
			wantEcho(t, ws, "hello")
			if err := ws.Close(); err != nil {
				t.Errorf("Close: %v", err)
			}
			p.wg.Wait()
			if len(p.asked) != 1 || p.asked[0] != c.asked {
				t.Errorf("the proxy was asked %q, want %q", p.asked, c.asked)
			}
		})
	}
}

func TestDialRefusedByProxy(t *testing.T) {
	proxied := DialOptions{Proxy: http.ProxyURL(&url.URL{Scheme: "http", Host: "p"})}
	for _, c := range []struct {
		name, answer string
		status       int
		text, body   string
	}{
		{"a password wanted", "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 2\r\n\r\nno", 407, `the proxy answered "407 Proxy Authentication Required"`, "no"},
		{"a redirect", "HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n", 302, `the proxy answered "302 Found"`, ""},
		{"a protocol switch", "HTTP/1.1 101 Switching Protocols\r\n\r\n", 101, `the proxy answered "101 Switching Protocols"`, ""},
		{"nothing", "", 0, "proxy: reading the answer: unexpected EOF", ""},
		{"bytes behind the answer", "HTTP/1.1 200 OK\r\n\r\nx", 0, "proxy: bytes behind its answer, before anything was sent through the tunnel", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			ws, response, err := dialScripted(t.Context(), "ws://h", proxied, func(conn net.Conn, request string) {
				if want := "CONNECT h:80 HTTP/1.1\r\nHost: h:80\r\n\r\n"; request != want {
					t.Errorf("the proxy was asked %q, want %q", request, want)
				}
				io.WriteString(conn, c.answer)
			})
			wantFailure(t, ws, err, c.status, c.text)
			if c.status == 0 {
				if response != nil {
					t.Errorf("response %v", response)
				}
				return
			}
			if response == nil || response.StatusCode != c.status {
				t.Fatalf("response %v, want one with status %d", response, c.status)
			}
			if body, err := io.ReadAll(response.Body); err != nil || string(body) != c.body {
				t.Errorf("body %q, %v, want %q", body, err, c.body)
			}
		})
	}
	// Any 2xx makes a tunnel (RFC 9110 §9.3.6); its Content-Length means nothing.
	ws, _, err := dialScripted(t.Context(), "ws://h", proxied, func(conn net.Conn, _ string) {
		io.WriteString(conn, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 204 Fine\r\nContent-Length: 5\r\n\r\n")
		request, _ := readHeader(conn)
		io.WriteString(conn, answerTo(request))
	})
	if err != nil {
		t.Fatal(err)
	}
	ws.abort(io.EOF)

	// The TLS of the proxy is not that of the server.
	server := httptest.NewUnstartedServer(&tunnel{})
	server.Config.ErrorLog = quietLog()
	server.StartTLS()
	defer server.Close()
	ws, response, err := Dial(t.Context(), "ws://h", DialOptions{Proxy: http.ProxyURL(&url.URL{Scheme: "https", Host: server.Listener.Addr().String()})})
	var failure *HandshakeError
	var invalid *tls.CertificateVerificationError
	if ws != nil || response != nil || !errors.As(err, &failure) || failure.Reason != "proxy: TLS with 127.0.0.1" || !errors.As(err, &invalid) {
		t.Errorf("%v, %v, error %v", ws, response, err)
	}
}

// socksServer speaks SOCKS5 as the replies say, and remembers what it was sent.
// Behind the last reply it is the server.
type socksServer struct {
	replies []string
	sent    []string
}

func (s *socksServer) serve(conn net.Conn) {
	for _, reply := range s.replies {
		buf := make([]byte, 1000)
		n, err := conn.Read(buf)
		if err != nil {
			return
		}
		s.sent = append(s.sent, string(buf[:n]))
		if _, err := io.WriteString(conn, reply); err != nil {
			return
		}
	}
	if request, err := readHeader(conn); err == nil {
		io.WriteString(conn, answerTo(request)+string(MarshalFrame(NewFrame(OpcodeText, true, []byte("first")), Unmasked)))
	}
}

// dialSOCKS dials through the server, with faults in between.
func dialSOCKS(t *testing.T, s *socksServer, rawURL, proxyURL string, faults faultyConn) (*Websocket, error) {
	t.Helper()
	proxy, err := url.Parse(proxyURL)
	if err != nil {
		t.Fatal(err)
	}
	server, client := net.Pipe()
	faults.Conn = client
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer server.Close()
		s.serve(server)
	}()
	ws, response, err := Dial(t.Context(), rawURL, DialOptions{
		Proxy: http.ProxyURL(proxy),
		NetDial: func(_ context.Context, _, addr string) (net.Conn, error) {
			if want := "p.test:1080"; addr != want {
				t.Errorf("connected to %s, want %s", addr, want)
			}
			return &faults, nil
		},
	})
	if err == nil {
		wantMessage(t, ws, "first")
		ws.abort(io.EOF)
	} else if response != nil {
		t.Errorf("response %v", response)
	}
	<-done
	return ws, err
}

const bound = "\x05\x00\x00\x01\x7f\x00\x00\x01\x04\x38"

func TestDialThroughSOCKS(t *testing.T) {
	name := strings.Repeat("n", 255)
	for _, c := range []struct {
		name, url, proxy string
		replies          []string
		sent             []string
		text             string // "": connected
	}{
		{"a name", "ws://h.test", "socks5://p.test", []string{"\x05\x00", bound}, []string{"\x05\x01\x00", "\x05\x01\x00\x03\x06h.test\x00\x50"}, ""},
		{"socks5h", "ws://h.test:258", "socks5h://p.test:1080", []string{"\x05\x00", bound}, []string{"\x05\x01\x00", "\x05\x01\x00\x03\x06h.test\x01\x02"}, ""},
		{"IPv4", "ws://1.2.3.4", "socks5://p.test", []string{"\x05\x00", bound}, []string{"\x05\x01\x00", "\x05\x01\x00\x01\x01\x02\x03\x04\x00\x50"}, ""},
		{"IPv6", "ws://[1::2]", "socks5://p.test", []string{"\x05\x00", bound}, []string{"\x05\x01\x00", "\x05\x01\x00\x04\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\x50"}, ""},
		{"the longest name", "ws://" + name, "socks5://p.test", []string{"\x05\x00", bound}, []string{"\x05\x01\x00", "\x05\x01\x00\x03\xff" + name + "\x00\x50"}, ""},
		{"bound to IPv6", "ws://h", "socks5://p.test", []string{"\x05\x00", "\x05\x00\x00\x04" + strings.Repeat("x", 18)}, nil, ""},
		{"bound to a name", "ws://h", "socks5://p.test", []string{"\x05\x00", "\x05\x00\x00\x03\xff" + strings.Repeat("x", 257)}, nil, ""},
		{"bound to an empty name", "ws://h", "socks5://p.test", []string{"\x05\x00", "\x05\x00\x00\x03\x00xx"}, nil, ""},
		{"a password", "ws://h", "socks5://me:secret@p.test", []string{"\x05\x02", "\x01\x00", bound}, []string{"\x05\x02\x00\x02", "\x01\x02me\x06secret", "\x05\x01\x00\x03\x01h\x00\x50"}, ""},
		{"an empty password", "ws://h", "socks5://me:@p.test", []string{"\x05\x02", "\x01\x00", bound}, []string{"\x05\x02\x00\x02", "\x01\x02me\x00", "\x05\x01\x00\x03\x01h\x00\x50"}, ""},
		{"no password", "ws://h", "socks5://me@p.test", []string{"\x05\x02", "\x01\x00", bound}, []string{"\x05\x02\x00\x02", "\x01\x02me\x00", "\x05\x01\x00\x03\x01h\x00\x50"}, ""},
		{"a password that is not wanted", "ws://h", "socks5://me:secret@p.test", []string{"\x05\x00", bound}, []string{"\x05\x02\x00\x02", "\x05\x01\x00\x03\x01h\x00\x50"}, ""},

		{"a password wanted", "ws://h", "socks5://p.test", []string{"\x05\xff"}, nil, "it accepts none of the authentication methods; set user and password in its URL"},
		{"a password wanted unasked", "ws://h", "socks5://p.test", []string{"\x05\x02"}, nil, "it accepts none of the authentication methods; set user and password in its URL"},
		{"another method", "ws://h", "socks5://p.test", []string{"\x05\x01"}, nil, "it chose authentication method 1, which was not offered"},
		{"a wrong password", "ws://h", "socks5://me:secret@p.test", []string{"\x05\x02", "\x01\x01"}, nil, "user and password refused"},
		{"another version of passwords", "ws://h", "socks5://me:secret@p.test", []string{"\x05\x02", "\x02\x00"}, nil, "user and password refused"},
		{"no user", "ws://h", "socks5://:secret@p.test", []string{"\x05\x02"}, nil, "the user must have 1 to 255 bytes, the password at most 255"},
		{"a long user", "ws://h", "socks5://" + name + "x:@p.test", []string{"\x05\x02"}, nil, "the user must have 1 to 255 bytes, the password at most 255"},
		{"a long password", "ws://h", "socks5://me:" + name + "x@p.test", []string{"\x05\x02"}, nil, "the user must have 1 to 255 bytes, the password at most 255"},
		{"a long name", "ws://" + name + "n", "socks5://p.test", nil, nil, "host name of 256 bytes, 255 is the most"},
		{"a port out of range", "ws://h:65536", "socks5://p.test", nil, nil, `port "65536" is out of range`},
		{"SOCKS4", "ws://h", "socks5://p.test", []string{"\x04\x5a"}, nil, "it speaks version 4, must be 5"},
		{"an HTTP server", "ws://h", "socks5://p.test", []string{"HTTP/1.1 400 Bad Request\r\n\r\n"}, nil, "it speaks version 72, must be 5"},
		{"another version in the reply", "ws://h", "socks5://p.test", []string{"\x05\x00", "\x04\x00\x00\x01"}, nil, "it replied with version 4, must be 5"},
		{"general failure", "ws://h", "socks5://p.test", []string{"\x05\x00", "\x05\x01\x00\x01"}, nil, "general failure"},
		{"not allowed", "ws://h", "socks5://p.test", []string{"\x05\x00", "\x05\x02\x00\x01"}, nil, "connection not allowed by ruleset"},
		{"network unreachable", "ws://h", "socks5://p.test", []string{"\x05\x00", "\x05\x03\x00\x01"}, nil, "network unreachable"},
		{"host unreachable", "ws://h", "socks5://p.test", []string{"\x05\x00", "\x05\x04\x00\x01"}, nil, "host unreachable"},
		{"refused", "ws://h", "socks5://p.test", []string{"\x05\x00", "\x05\x05\x00\x01"}, nil, "connection refused"},
		{"TTL", "ws://h", "socks5://p.test", []string{"\x05\x00", "\x05\x06\x00\x01"}, nil, "TTL expired"},
		{"command", "ws://h", "socks5://p.test", []string{"\x05\x00", "\x05\x07\x00\x01"}, nil, "command not supported"},
		{"address type", "ws://h", "socks5://p.test", []string{"\x05\x00", "\x05\x08\x00\x01"}, nil, "address type not supported"},
		{"an unknown failure", "ws://h", "socks5://p.test", []string{"\x05\x00", "\x05\x09\x00\x01"}, nil, "unknown failure 9"},
		{"an unknown address type", "ws://h", "socks5://p.test", []string{"\x05\x00", "\x05\x00\x00\x02"}, nil, "it replied with an address of unknown type 2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := &socksServer{replies: c.replies}
			ws, err := dialSOCKS(t, s, c.url, c.proxy, faultyConn{reads: -1, writes: -1})
			if c.text != "" {
				u, _ := url.Parse(c.url)
				wantFailure(t, ws, err, 0, "proxy: SOCKS5 to "+hostPort(&url.URL{Scheme: "http", Host: u.Host})+": "+c.text)
			} else if err != nil {
				t.Fatal(err)
			}
			for i, want := range c.sent {
				if s.sent[i] != want {
					t.Errorf("sent %q, want %q", s.sent[i], want)
				}
			}
		})
	}
}

// Each byte from and to the proxy may be the last one.
func TestSOCKSTransportFailures(t *testing.T) {
	cause := errors.New("cable cut")
	replies := []string{"\x05\x02", "\x01\x00", "\x05\x00\x00\x03\x02xx\x00\x50"}
	steps := []string{"greeting", "authentication", "request", "reply"}
	dial := func(faults faultyConn, want error) {
		t.Helper()
		ws, err := dialSOCKS(t, &socksServer{replies: replies}, "ws://h", "socks5://me:secret@p.test", faults)
		if ws != nil || !errors.Is(err, want) {
			t.Fatalf("reads %d, writes %d: %v, error %v, want %v", faults.reads, faults.writes, ws, err, want)
		}
		var failure *HandshakeError
		errors.As(err, &failure)
		step, _, _ := strings.Cut(failure.Err.Error(), ":")
		if failure.Reason != "proxy: SOCKS5 to h:80" || !strings.Contains(strings.Join(steps, " "), step) {
			t.Errorf("reads %d, writes %d: error %v", faults.reads, faults.writes, err)
		}
	}
	for n := range len(strings.Join(replies, "")) {
		dial(faultyConn{reads: n, writes: -1, err: cause}, cause)
		dial(faultyConn{reads: n, writes: -1, err: io.EOF}, io.ErrUnexpectedEOF)
	}
	sent := len("\x05\x02\x00\x02" + "\x01\x02me\x06secret" + "\x05\x01\x00\x03\x01h\x00\x50")
	for n := range sent {
		dial(faultyConn{reads: -1, writes: n, err: cause}, cause)
		dial(faultyConn{reads: -1, writes: n, short: true}, io.ErrShortWrite)
	}
	// The proxy's replies may come in pieces.
	if _, err := dialSOCKS(t, &socksServer{replies: replies}, "ws://h", "socks5://me:secret@p.test", faultyConn{reads: -1, writes: -1, oneByte: true}); err != nil {
		t.Errorf("byte by byte: %v", err)
	}
}

// The proxy of the environment is asked by default, with http for ws: seen in a
// process of its own, since net/http reads the environment once.
func TestDialProxyFromEnvironment(t *testing.T) {
	const variable = "WEBSOCKET_TEST_DIAL"
	if rawURL := os.Getenv(variable); rawURL != "" {
		_, _, err := Dial(t.Context(), rawURL, DialOptions{NetDial: func(_ context.Context, _, addr string) (net.Conn, error) {
			return nil, errors.New("asked for " + addr)
		}})
		fmt.Println(err)
		return
	}
	for rawURL, want := range map[string]string{
		"ws://h.test":    "websocket handshake: connecting to the proxy plain.test:1: asked for plain.test:1\n",
		"wss://h.test":   "websocket handshake: connecting to the proxy secure.test:1080: asked for secure.test:1080\n",
		"ws://not.test":  "websocket handshake: connecting to not.test:80: asked for not.test:80\n",
		"wss://not.test": "websocket handshake: connecting to not.test:443: asked for not.test:443\n",
	} {
		got := runSelf(t, "^TestDialProxyFromEnvironment$", variable+"="+rawURL,
			"HTTP_PROXY=http://plain.test:1", "HTTPS_PROXY=socks5://secure.test", "NO_PROXY=not.test")
		if !strings.Contains(got, want) {
			t.Errorf("%s: %q, want %q", rawURL, got, want)
		}
	}
}

package websocket

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

func TestDialTLS(t *testing.T) {
	names := make(chan string, 10)
	h := NewHandler(EchoHandler, Options{})
	server := httptest.NewUnstartedServer(h)
	server.Config.ErrorLog = quietLog()
	server.EnableHTTP2 = true
	server.TLS = &tls.Config{NextProtos: []string{"h2", "http/1.1"}, GetConfigForClient: func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		names <- hello.ServerName + " " + strings.Join(hello.SupportedProtos, ",")
		return nil, nil
	}}
	server.StartTLS()
	defer server.Close()
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	toServer := func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, server.Listener.Addr().String())
	}
	config := &tls.Config{RootCAs: roots, NextProtos: []string{"h2", "http/1.1"}}
	before := config.Clone()
	for _, c := range []struct {
		name, url string
		config    *tls.Config
		hello     string
	}{
		{"wss", "wss://example.com", config, "example.com http/1.1"},
		{"https", "https://example.com:1", config, "example.com http/1.1"},
		{"a name of its own", "wss://other.test", &tls.Config{RootCAs: roots, ServerName: "example.com"}, "example.com http/1.1"},
	} {
		ws, response, err := Dial(t.Context(), c.url, DialOptions{Proxy: noProxy, NetDial: toServer, TLSConfig: c.config})
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if got := <-names; got != c.hello {
			t.Errorf("%s: hello %q, want %q", c.name, got, c.hello)
		}
		if response.TLS == nil || response.TLS.NegotiatedProtocol != "http/1.1" {
			t.Errorf("%s: response.TLS is %v", c.name, response.TLS)
		}
		wantEcho(t, ws, "hello")
		if err := ws.Close(); err != nil {
			t.Errorf("%s: Close: %v", c.name, err)
		}
	}
	if config.ServerName != before.ServerName || !slices.Equal(config.NextProtos, before.NextProtos) {
		t.Errorf("the caller's configuration was changed: %v", config)
	}
	for name, c := range map[string]struct {
		url    string
		config *tls.Config
	}{
		"an unknown authority": {"wss://example.com", nil},
		"another name":         {"wss://other.test", config},
	} {
		ws, response, err := Dial(t.Context(), c.url, DialOptions{Proxy: noProxy, NetDial: toServer, TLSConfig: c.config})
		var failure *HandshakeError
		var invalid *tls.CertificateVerificationError
		host := strings.TrimPrefix(c.url, "wss://")
		if ws != nil || response != nil || !errors.As(err, &failure) || failure.Reason != "TLS with "+host || !errors.As(err, &invalid) {
			t.Errorf("%s: %v, %v, error %v", name, ws, response, err)
		}
	}
	if err := h.Shutdown(t.Context()); err != nil {
		t.Errorf("Shutdown: %v", err)
	}
}

package cli

import (
	"encoding/pem"
	"flag"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/wsproof/wsproof/internal/opening"
)

// parseServer returns what the flags make of a URL, and what is said aloud.
func parseServer(t *testing.T, rawURL string, args ...string) (*opening.Client, string, error) {
	t.Helper()
	var f ServerFlags
	var said strings.Builder
	flags := flag.NewFlagSet("thing", flag.ContinueOnError)
	f.Define(flags)
	if err := Parse(flags, args, &said); err != nil {
		return nil, said.String(), err
	}
	c, err := f.Client(rawURL, &said)
	return c, said.String(), err
}

func TestServerFlags(t *testing.T) {
	c, said, err := parseServer(t, "ws://h/x y", "-H", "x-a: 1", "-H", "x-a: 2", "-origin", "https://h", "-user", "me:a:b", "-subprotocol", "b", "-subprotocol", "a")
	if err != nil || said != "" {
		t.Fatalf("%v, said %q", err, said)
	}
	want := map[string][]string{"x-a": {"1", "2"}, "Origin": {"https://h"}, "Authorization": {"Basic bWU6YTpi"}}
	if !reflect.DeepEqual(map[string][]string(c.Header), want) || !reflect.DeepEqual(c.Subprotocols, []string{"b", "a"}) || c.URL.RequestURI() != "/x%20y" {
		t.Errorf("%+v", c)
	}
}

// TestInsecure: that nothing is checked is said, where there is something to check.
func TestInsecure(t *testing.T) {
	for _, c := range []struct {
		url, args string
		insecure  bool
		said      string
	}{
		{"wss://h:1", "", false, ""},
		{"wss://h:1", "-insecure", true, "-insecure: the certificate of h:1 is NOT checked\n"},
		{"ws://h:1", "-insecure", true, ""},
	} {
		client, said, err := parseServer(t, c.url, strings.Fields(c.args)...)
		if err != nil || client.TLS.InsecureSkipVerify != c.insecure || said != c.said {
			t.Errorf("%s %s: %+v, said %q, %v", c.url, c.args, client, said, err)
		}
	}
}

func TestCACert(t *testing.T) {
	server := httptest.NewUnstartedServer(nil)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o666); err != nil {
		t.Fatal(err)
	}
	c, _, err := parseServer(t, "ws"+strings.TrimPrefix(server.URL, "http"), "-cacert", file)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := c.Connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
}

func TestServerFlagsRefuse(t *testing.T) {
	for args, want := range map[string]string{
		"-H X":                           "is no header",
		"-H Upgrade:h2c":                 "handshake's own",
		"-H origin:a -origin b":          "the same header",
		"-H authorization:a -user b:c":   "the same header",
		"-user me":                       "name:password",
		"-subprotocol a,b":               "is no name of a subprotocol",
		"-cacert /nosuch":                "no such file",
		"-cacert server_test.go":         "no certificate",
		"-cacert server.go -insecure -x": "-x",
	} {
		_, _, err := parseServer(t, "ws://h", strings.Fields(args)...)
		if !IsUsage(err) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want a usage error with %q", args, err, want)
		}
	}
	if _, _, err := parseServer(t, "h:9001"); !IsUsage(err) {
		t.Errorf("no URL: %v", err)
	}
}

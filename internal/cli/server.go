package cli

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"

	"github.com/wsproof/wsproof/internal/opening"
)

// ServerFlags are the flags of every tool that connects to a server under test.
type ServerFlags struct {
	header       http.Header
	subprotocols []string
	origin       string
	cacert       string
	insecure     bool
	user         string
}

// Define adds them to flags.
func (f *ServerFlags) Define(flags *flag.FlagSet) {
	f.header = http.Header{}
	flags.Func("H", "send the header `'Name: value'` (repeatable)", func(line string) error {
		name, value, err := opening.ParseField(line)
		f.header[name] = append(f.header[name], value)
		return err
	})
	flags.Func("subprotocol", "offer the subprotocol of this `name` (repeatable)", func(name string) error {
		f.subprotocols = append(f.subprotocols, name)
		return opening.CheckSubprotocol(name)
	})
	flags.StringVar(&f.origin, "origin", "", "send this `Origin`")
	flags.StringVar(&f.user, "user", "", "send `name:password` as basic credentials")
	flags.StringVar(&f.cacert, "cacert", "", "PEM `file` of who may sign the server's certificate")
	flags.BoolVar(&f.insecure, "insecure", false, "take any certificate")
}

// Client returns what opens connections to the server at rawURL, as the flags
// have it. That no certificate is checked is said on stderr.
func (f *ServerFlags) Client(rawURL string, stderr io.Writer) (*opening.Client, error) {
	u, err := opening.ParseURL(rawURL)
	if err != nil {
		return nil, Usage(err)
	}
	c := &opening.Client{URL: u, Header: f.header.Clone(), Subprotocols: f.subprotocols, TLS: &tls.Config{}}
	if c.Header == nil {
		c.Header = http.Header{}
	}
	if f.origin != "" {
		if err := f.add(c.Header, "Origin", f.origin, "-origin"); err != nil {
			return nil, err
		}
	}
	if f.user != "" {
		if !strings.Contains(f.user, ":") {
			return nil, Usagef("-user %q: want name:password", f.user)
		}
		if err := f.add(c.Header, "Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(f.user)), "-user"); err != nil {
			return nil, err
		}
	}
	if f.cacert != "" {
		pem, err := os.ReadFile(f.cacert)
		if err != nil {
			return nil, Usagef("-cacert: %w", err)
		}
		c.TLS.RootCAs = x509.NewCertPool()
		if !c.TLS.RootCAs.AppendCertsFromPEM(pem) {
			return nil, Usagef("-cacert %s: no certificate in PEM is in it", f.cacert)
		}
	}
	if f.insecure && f.cacert != "" {
		return nil, Usagef("-insecure takes any certificate, -cacert does not: leave one of them away")
	}
	if c.TLS.InsecureSkipVerify = f.insecure; f.insecure && u.Scheme == "wss" {
		fmt.Fprintf(stderr, "-insecure: the certificate of %s is NOT checked\n", u.Host)
	}
	return c, nil
}

// add sets a field that a flag of its own is for.
func (f *ServerFlags) add(header http.Header, name, value, by string) error {
	for had := range header {
		if http.CanonicalHeaderKey(had) == name {
			return Usagef("%s and -H '%s: …' are the same header: leave one of them away", by, had)
		}
	}
	_, value, err := opening.ParseField(name + ": " + value)
	if err != nil {
		return Usagef("%s: %v", by, err)
	}
	header[name] = []string{value}
	return nil
}

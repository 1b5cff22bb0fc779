package websocket

import (
	"crypto/tls"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
)

func TestOriginRules(t *testing.T) {
	const host = "server.example.com"
	for _, c := range []struct {
		name     string
		origins  []string
		host     string
		tls      bool
		patterns []string
		status   int // 0: accepted
	}{
		{"no origin", nil, host, false, nil, 0},
		{"no origin, with patterns", nil, host, false, []string{"example.org"}, 0},
		{"the same", []string{"http://server.example.com"}, host, false, nil, 0},
		{"the same, TLS ended before", []string{"https://server.example.com"}, host, false, nil, 0},
		{"the same by TLS", []string{"https://server.example.com"}, host, true, nil, 0},
		{"http page, server by TLS", []string{"http://server.example.com"}, host, true, nil, 403},
		{"http page, server by TLS, allowed", []string{"http://server.example.com"}, host, true, []string{host}, 0},
		{"other case", []string{"HTTP://Server.EXAMPLE.com"}, host, false, nil, 0},
		{"default port in the origin", []string{"http://server.example.com:80"}, host, false, nil, 0},
		{"default port in Host", []string{"https://server.example.com"}, host + ":443", false, nil, 0},
		{"another scheme's default port", []string{"https://server.example.com"}, host + ":80", false, nil, 403},
		{"the same port", []string{"http://server.example.com:8080"}, host + ":8080", false, nil, 0},
		{"another port", []string{"http://server.example.com:8081"}, host + ":8080", false, nil, 403},
		{"a port too much", []string{"http://server.example.com:8080"}, host, false, nil, 403},
		{"a port too few", []string{"http://server.example.com"}, host + ":8080", false, nil, 403},
		{"IPv6", []string{"http://[::1]:8080"}, "[::1]:8080", false, nil, 0},
		{"IPv6, another", []string{"http://[::2]:8080"}, "[::1]:8080", false, nil, 403},
		{"another host", []string{"http://evil.example.org"}, host, false, nil, 403},
		{"a host of the same length", []string{"http://server.example.net"}, host, false, nil, 403},
		{"a host within", []string{"http://evil-server.example.com"}, host, false, nil, 403},
		{"a host in front", []string{"http://server.example.com.evil.org"}, host, false, nil, 403},
		{"a dot behind", []string{"http://server.example.com."}, host, false, nil, 403},
		{"a letter that folds to ASCII", []string{"http://\u017Ferver.example.com"}, host, false, nil, 403},

		{"null", []string{"null"}, host, false, nil, 403},
		{"null, with patterns", []string{"null"}, host, false, []string{"null", "*.com"}, 403},
		{"null to a host called null", []string{"null"}, "null", false, nil, 403},
		{"empty", []string{""}, host, false, nil, 403},
		{"no scheme", []string{host}, host, false, nil, 403},
		{"empty scheme", []string{"://" + host}, host, false, nil, 403},
		{"another scheme", []string{"ftp://" + host}, host, false, nil, 403},
		{"file", []string{"file://"}, host, false, nil, 403},
		{"a path", []string{"http://server.example.com/"}, host, false, nil, 403},
		{"a path, with a pattern", []string{"http://a.example.org/b.c"}, host, false, []string{"*.*.*"}, 403},
		{"a name and password", []string{"http://server.example.com@evil.org"}, host, false, []string{"*"}, 0},
		{"a name and password, pattern", []string{"http://me@evil.org"}, host, false, []string{"*.org"}, 403},
		{"a fragment", []string{"http://server.example.com#x"}, host, false, nil, 403},
		{"a list", []string{"http://server.example.com http://evil.org"}, host, false, nil, 403},
		{"a list with a comma", []string{"http://server.example.com, http://evil.org"}, host, false, nil, 403},
		{"two", []string{"http://server.example.com", "http://server.example.com"}, host, false, nil, 400},
		{"two, any allowed", []string{"http://a.org", "http://b.org"}, host, false, []string{"*"}, 400},

		{"pattern", []string{"http://www.example.org"}, host, false, []string{"example.com", "www.example.org"}, 0},
		{"pattern, by https", []string{"https://www.example.org"}, host, false, []string{"www.example.org"}, 0},
		{"pattern, other case", []string{"https://www.EXAMPLE.org"}, host, false, []string{"WWW.example.ORG"}, 0},
		{"pattern, another scheme", []string{"ftp://www.example.org"}, host, false, []string{"www.example.org"}, 403},
		{"pattern, another host", []string{"http://www.example.net"}, host, false, []string{"www.example.org"}, 403},
		{"pattern, another port", []string{"http://www.example.org:8080"}, host, false, []string{"www.example.org"}, 403},
		{"pattern with port", []string{"http://www.example.org:8080"}, host, false, []string{"www.example.org:8080"}, 0},
		{"pattern with the default port", []string{"https://www.example.org"}, host, false, []string{"www.example.org:443"}, 0},
		{"pattern with any port", []string{"http://localhost:5173"}, host, false, []string{"localhost:*"}, 0},
		{"pattern with any port, origin without", []string{"http://localhost"}, host, false, []string{"localhost:*"}, 403},
		{"pattern for subdomains", []string{"http://a.example.org"}, host, false, []string{"*.example.org"}, 0},
		{"pattern for subdomains, two labels", []string{"http://a.b.example.org"}, host, false, []string{"*.example.org"}, 403},
		{"pattern for subdomains, none", []string{"http://example.org"}, host, false, []string{"*.example.org"}, 403},
		{"pattern for subdomains, another domain", []string{"http://a.example.org.evil.net"}, host, false, []string{"*.example.org"}, 403},
		{"pattern for subdomains, longer domain", []string{"http://evilexample.org"}, host, false, []string{"*.example.org"}, 403},
		{"pattern with a star inside", []string{"http://app-7.example.org"}, host, false, []string{"app-*.example.org"}, 0},
		{"pattern with a star for a port", []string{"http://localhost:8080"}, host, false, []string{"local*"}, 403},
		{"pattern for any", []string{"null"}, host, false, []string{"example.org", "*"}, 0},
		{"pattern with scheme", []string{"https://www.example.org"}, host, false, []string{"https://www.example.org"}, 0},
		{"pattern with another scheme", []string{"http://www.example.org"}, host, false, []string{"https://www.example.org"}, 403},
		{"pattern for an extension", []string{"chrome-extension://abcdef"}, host, false, []string{"chrome-extension://abcdef"}, 0},
		{"pattern for another extension", []string{"chrome-extension://abcdeg"}, host, false, []string{"chrome-extension://abcdef"}, 403},
		{"empty pattern", []string{"http://www.example.org"}, host, false, []string{""}, 403},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := upgradeRequest()
			r.Host = c.host
			r.Header[headerOrigin] = c.origins
			if c.tls {
				r.TLS = &tls.ConnectionState{}
			}
			w := newHijackable("")
			ws, err := Accept(w, r, Options{OriginPatterns: c.patterns})
			if c.status == 0 {
				if err != nil {
					t.Fatalf("Accept: %v", err)
				}
				ws.abort(io.EOF)
				return
			}
			reason := "more than one Origin"
			if c.status == http.StatusForbidden {
				reason = "Origin " + quote(c.origins[0]) + " is opaque or no origin at all"
				if scheme, host, ok := splitOrigin(c.origins[0]); ok && scheme != "" && host != "" {
					reason = "Origin " + quote(c.origins[0]) + " is neither that of Host " + quote(c.host) + " nor allowed otherwise"
				}
			}
			wantRefusal(t, err, c.status, reason)
			if w.hijacked {
				t.Error("a refusal hijacked the connection")
			}
			// Handshake leaves the origin to its caller.
			if _, err := Handshake(newHijackable(""), r); err != nil {
				t.Errorf("Handshake: %v", err)
			}
		})
	}
}

func TestCheckOriginDecidesAlone(t *testing.T) {
	for _, origins := range [][]string{nil, {"null"}, {"http://server.example.com"}, {"http://evil.org", "x"}} {
		r := upgradeRequest()
		r.Header[headerOrigin] = origins
		for _, allow := range []bool{true, false} {
			asked := 0
			opts := Options{OriginPatterns: []string{"*"}, CheckOrigin: func(got *http.Request) bool {
				if asked++; got != r {
					t.Errorf("CheckOrigin got another request")
				}
				return allow
			}}
			ws, err := Accept(newHijackable(""), r, opts)
			if asked != 1 {
				t.Errorf("origins %q: CheckOrigin called %d times", origins, asked)
			}
			if allow {
				if err != nil {
					t.Fatalf("origins %q: Accept: %v", origins, err)
				}
				ws.abort(io.EOF)
				continue
			}
			wantRefusal(t, err, 403, "the server's origin check refuses the request")
		}
	}
}

// TestGlobAgreesWithRegexp holds matchGlob to its meaning, written as a regular
// expression, for all short patterns and strings.
func TestGlobAgreesWithRegexp(t *testing.T) {
	words := func(alphabet string, most int) []string {
		all, last := []string{""}, []string{""}
		for range most {
			var next []string
			for _, w := range last {
				for _, r := range alphabet {
					next = append(next, w+string(r))
				}
			}
			all, last = append(all, next...), next
		}
		return all
	}
	hosts := words("ab.:", 4)
	for _, pattern := range words("ab.*", 5) {
		meaning := regexp.MustCompile("^" + strings.ReplaceAll(regexp.QuoteMeta(pattern), `\*`, "[^.:]*") + "$")
		for _, host := range hosts {
			if got, want := matchGlob(pattern, host), meaning.MatchString(host); got != want {
				t.Fatalf("matchGlob(%q, %q) = %v, want %v", pattern, host, got, want)
			}
		}
	}
}

// A hostile origin must not make matching slow: this one takes a naive matcher
// with a recursion a star until long after the test's deadline.
func TestGlobIsNotExponential(t *testing.T) {
	if matchGlob(strings.Repeat("*a", 50)+"b", strings.Repeat("a", 5000)) {
		t.Error("matched")
	}
}

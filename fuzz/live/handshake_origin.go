package live

import (
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/wsproof/wsproof/fuzz/openings"
	"github.com/wsproof/wsproof/websocket"
)

// originRules are the ways to allow origins.
var originRules = [16]websocket.Options{
	1:  {OriginPatterns: []string{"other.example"}},
	2:  {OriginPatterns: []string{"a.example", "*"}},
	3:  {CheckOrigin: func(*http.Request) bool { return true }},
	4:  {CheckOrigin: func(*http.Request) bool { return false }, OriginPatterns: []string{"*"}},
	5:  {OriginPatterns: []string{"https://*.example"}},
	6:  {OriginPatterns: []string{"*.example:8080", "*.*.example"}},
	7:  {OriginPatterns: []string{"a*b.example", "HTTP://Other.Example:80"}},
	8:  {OriginPatterns: []string{"ftp://*", "*://other.example"}},
	9:  {OriginPatterns: []string{"", "[2001:db8::1]:*"}},
	10: {OriginPatterns: []string{"https://other.example:443", "a**.b*"}},
	11: {OriginPatterns: []string{"*a*ab", "*example"}},
	12: {OriginPatterns: []string{"*://*"}},
	13: {OriginPatterns: []string{"://", "*://*:*"}},
}

// allowed tells whether a request may come from where it says (RFC 6455 sections 4.2.2
// and 10.2), by regular expressions for what the documentation of OriginPatterns says.
func allowed(r *http.Request, rule *websocket.Options) bool {
	origins := r.Header["Origin"]
	switch {
	case rule.CheckOrigin != nil:
		return rule.CheckOrigin(r)
	case len(origins) == 0:
		return true
	case len(origins) > 1:
		return false
	case slices.Contains(rule.OriginPatterns, "*"):
		return true
	}
	// To the letter, it is the request's own whatever it is.
	if host, ok := strings.CutPrefix(origins[0], "https://"); ok && host == r.Host {
		return true
	}
	if host, ok := strings.CutPrefix(origins[0], "http://"); ok && host == r.Host && r.TLS == nil {
		return true
	}
	parts := originForm.FindStringSubmatch(origins[0])
	if parts == nil {
		return false
	}
	scheme, host := openings.Lower(parts[1]), portless(openings.Lower(parts[1]), openings.Lower(parts[2]))
	web := scheme == "http" || scheme == "https"
	if web && (r.TLS == nil || scheme == "https") && host == portless(scheme, openings.Lower(r.Host)) {
		return true
	}
	return slices.ContainsFunc(rule.OriginPatterns, func(pattern string) bool {
		wanted, rest, named := strings.Cut(openings.Lower(pattern), "://")
		if !named {
			return web && glob(portless(scheme, wanted)).MatchString(host)
		}
		return glob(wanted).MatchString(scheme) && glob(portless(scheme, rest)).MatchString(host)
	})
}

// originForm is that of an origin (RFC 6454 section 6.2).
var originForm = regexp.MustCompile(`(?s)^(.+?)://([^/\\?#@, \t]+)$`)

// glob is a pattern in which * stands for what is neither a dot nor a colon.
func glob(pattern string) *regexp.Regexp {
	return regexp.MustCompile("(?s)^" + strings.ReplaceAll(regexp.QuoteMeta(pattern), `\*`, "[^.:]*") + "$")
}

// portless is a host without the port that its scheme has anyway.
func portless(scheme, host string) string {
	switch scheme {
	case "http":
		return strings.TrimSuffix(host, ":80")
	case "https":
		return strings.TrimSuffix(host, ":443")
	}
	return host
}

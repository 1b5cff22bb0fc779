package websocket

import (
	"net/http"
	"slices"
	"strings"
)

// checkOrigin refuses a request that a page of another origin made, unless the
// options allow that origin (RFC 6455 §4.2.2, §10.2). Only browsers send an
// Origin: a request without one passes.
func checkOrigin(r *http.Request, opts *settings) *HandshakeError {
	if opts.CheckOrigin != nil {
		if opts.CheckOrigin(r) {
			return nil
		}
		return refuse(http.StatusForbidden, "the server's origin check refuses the request")
	}
	origins := r.Header[headerOrigin]
	if len(origins) == 0 {
		return nil
	}
	if len(origins) > 1 {
		return refuse(http.StatusBadRequest, "more than one Origin")
	}
	if isOwnOrigin(origins[0], r) {
		return nil
	}
	if slices.Contains(opts.OriginPatterns, "*") {
		return nil
	}
	scheme, host, ok := splitOrigin(origins[0])
	if !ok {
		return refuse(http.StatusForbidden, "Origin "+quote(origins[0])+" is opaque or no origin at all")
	}
	if sameOrigin(scheme, host, r) {
		return nil
	}
	if slices.ContainsFunc(opts.OriginPatterns, func(pattern string) bool { return originMatches(pattern, scheme, host) }) {
		return nil
	}
	return refuse(http.StatusForbidden, "Origin "+quote(origins[0])+" is neither that of Host "+quote(r.Host)+" nor allowed otherwise")
}

// isOwnOrigin is a short cut to sameOrigin for an origin that is the request's to
// the letter, as almost all are.
func isOwnOrigin(origin string, r *http.Request) bool {
	host, ok := strings.CutPrefix(origin, "https://")
	if !ok && r.TLS == nil {
		host, ok = strings.CutPrefix(origin, "http://")
	}
	return ok && host == r.Host
}

// splitOrigin takes an origin apart: scheme "://" host [":" port] and nothing
// else (RFC 6454 §6.2). The opaque origin, "null", is none.
func splitOrigin(origin string) (scheme, host string, ok bool) {
	scheme, host, ok = strings.Cut(origin, "://")
	if !ok || scheme == "" || host == "" || strings.ContainsAny(host, "/\\?#@, \t") {
		return "", "", false
	}
	return scheme, withoutDefaultPort(scheme, host), true
}

// sameOrigin reports whether the page's origin is the one that r went to. Over
// TLS the scheme has to be https; without, TLS may have ended at a proxy, so
// that http and https are both taken.
func sameOrigin(scheme, host string, r *http.Request) bool {
	if !equalFold(scheme, "https") && (r.TLS != nil || !equalFold(scheme, "http")) {
		return false
	}
	return equalFold(host, withoutDefaultPort(scheme, r.Host))
}

// originMatches reports whether the pattern allows the origin. A pattern
// without a scheme allows http and https.
func originMatches(pattern, scheme, host string) bool {
	if patternScheme, rest, ok := strings.Cut(pattern, "://"); ok {
		return matchGlob(patternScheme, scheme) && matchGlob(withoutDefaultPort(scheme, rest), host)
	}
	return (equalFold(scheme, "http") || equalFold(scheme, "https")) &&
		matchGlob(withoutDefaultPort(scheme, pattern), host)
}

// withoutDefaultPort cuts the port off hostport if it is the scheme's own.
func withoutDefaultPort(scheme, hostport string) string {
	switch {
	case equalFold(scheme, "http"):
		return strings.TrimSuffix(hostport, ":80")
	case equalFold(scheme, "https"):
		return strings.TrimSuffix(hostport, ":443")
	}
	return hostport
}

// matchGlob reports whether s matches pattern in any ASCII case, where * stands
// for any run of characters without dot and colon, the empty one included: it
// crosses neither a label of the host nor the border of the port. It takes
// time in proportion to both lengths multiplied, at most.
func matchGlob(pattern, s string) bool {
	var p, i int
	star, mark := -1, 0 // the last * and where in s the run it stands for ends
	for i < len(s) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, i
			p++
		case p < len(pattern) && lowerByte(pattern[p]) == lowerByte(s[i]):
			p++
			i++
		case star >= 0 && s[mark] != '.' && s[mark] != ':':
			mark++
			p, i = star+1, mark
		default:
			return false
		}
	}
	for p < len(pattern) && pattern[p] == '*' {
		p++
	}
	return p == len(pattern)
}

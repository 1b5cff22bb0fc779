package websocket

import (
	"net/http"
	"slices"
)

// selectSubprotocol returns the first of the server's subprotocols that the
// client offers, or "" (RFC 6455 §4.2.2). Names are compared byte by byte. What
// is returned is the server's own string, never the client's.
func selectSubprotocol(offered, spoken []string) string {
	if len(offered) == 0 {
		return ""
	}
	for _, name := range spoken {
		if isToken(name) && offers(offered, name) {
			return name
		}
	}
	return ""
}

// offers reports whether the comma-separated lists in offered hold name.
func offers(offered []string, name string) bool {
	return hasElement(offered, func(element string) bool { return element == name })
}

// checkOffer refuses subprotocols that a client must not offer: each is a
// token, and each is there once (RFC 6455 §4.1).
func checkOffer(names []string) *HandshakeError {
	for i, name := range names {
		if !isToken(name) {
			return refuse(0, "subprotocol "+quote(name)+" is not a token")
		}
		if slices.Contains(names[:i], name) {
			return refuse(0, "subprotocol "+quote(name)+" is offered twice")
		}
	}
	return nil
}

// checkSelection returns the subprotocol that the server selected: one of the
// offered ones, or none (RFC 6455 §4.1).
func checkSelection(header http.Header, offered []string) (string, *HandshakeError) {
	selected := header[headerProtocol]
	if len(selected) == 0 {
		return "", nil
	}
	if len(selected) > 1 {
		return "", refuse(0, "the server selected more than one subprotocol")
	}
	if i := slices.Index(offered, selected[0]); i >= 0 {
		return offered[i], nil
	}
	return "", refuse(0, "the server selected the subprotocol "+quote(selected[0])+", which was not offered")
}

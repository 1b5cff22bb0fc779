package main

import "strings"

// classes tell which kind of rule a file of the core keeps, below websocket/: the first row
// that names it, or the folder that it is in, counts. What a change at random breaks is of
// the class of its file; rows of the tables and patches have a kind of their own.
var classes = []struct{ class, files string }{
	{"codec", "protocol/frame.go protocol/header.go protocol/read.go protocol/write.go protocol/cut.go protocol/message.go"},
	{"masking", "protocol/mask.go protocol/vector_amd64.go protocol/vector_other.go"},
	{"UTF-8", "protocol/utf8.go"},
	{"rules of frames", "protocol/rules.go protocol/errors.go protocol/glance.go"},
	{"messages in", "protocol/reader.go protocol/body.go"},
	{"messages out", "protocol/writer.go protocol/prepared.go outbound.go turn.go"},
	{"memory", "protocol/buffer.go rest.go"},
	{"close and ending", "protocol/close.go protocol/closing.go ending.go"},
	{"compression", "deflate/ protocol/deflation.go compression.go"},
	{"handshake", "handshake.go field.go key.go subprotocol.go origin.go"},
	{"dial", "dial.go dial_request.go"},
	{"proxy", "proxy.go"},
	{"timing", "keepalive.go rota.go timing.go wheel.go"},
	{"parking", "parking.go lot_linux.go lot_other.go epoll_linux.go served.go"},
	{"transport", "transport.go socket_unix.go socket_other.go syscall_linux.go syscall_unix.go internal/seam/"},
	{"handlers and hooks", "handler.go handler_context.go hooks.go serve.go"},
	{"connection", "link.go opened.go inbound.go websocket.go protocol.go options.go errors.go"},
}

// classOf is the class of a file below websocket/, "" if it has none.
func classOf(file string) string {
	for _, c := range classes {
		for name := range strings.FieldsSeq(c.files) {
			if file == name || strings.HasSuffix(name, "/") && strings.HasPrefix(file, name) {
				return c.class
			}
		}
	}
	return ""
}

// class is the kind of rule that a mutant breaks.
func (m *mutant) class() string {
	if !m.random {
		return m.kind
	}
	if class := classOf(m.files()); class != "" {
		return class
	}
	return "others"
}

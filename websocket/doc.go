// Package websocket implements RFC 6455 with the standard library alone.
//
// A server serves an echo with
//
//	http.Handle("/echo", websocket.NewHandler(websocket.EchoHandler, websocket.Options{}))
//
// and a client connects with [Dial]. [Accept] takes a connection over from
// net/http, [New] wraps any transport behind a handshake of its own. Below the
// connection lie messages ([FrameMessage]) and frames: [ReadFrame] and
// [MarshalFrame] are the simple way, [FrameReader] and [AppendFrame] the one
// without allocation. Those, and all else of the protocol that needs no I/O, stand in
// package protocol, whose names are this package's, too.
//
// # Terms
//
// The words are those of RFC 6455. A message is text or binary and travels in
// one frame or, fragmented, in several (§5.4); a frame has a header, a masking
// key if a client sent it, and a payload (§5.2). Close, Ping and Pong are
// control frames (§5.5). Bytes become frames become messages: data flows one
// way.
//
// # Rules
//
// Each rule that a peer can break has an error of its own, which names its
// section: see [ErrClientFrameUnmasked] and those after it. Where a rule stands:
//
//	§1.3, §4.1    key.go              Sec-WebSocket-Key and -Accept
//	§3            dial_request.go     URIs
//	§4.1          dial.go, dial_request.go, proxy.go  a client's opening handshake
//	§4.2          handshake.go        a server's; subprotocol.go (§1.9), origin.go (§10.2)
//	§5.1 to §5.5  protocol/rules.go   frame headers, in the order in which they are applied
//	§5.2          protocol/header.go  the layout of a header
//	§5.3          protocol/mask.go    masking
//	§5.4          protocol/reader.go  fragments become messages; writer.go: messages fragments,
//	              turn.go, outbound.go  of which no two messages' interleave
//	§5.5.1, §7.4  protocol/close.go   what a Close may say
//	§5.5.2, 5.5.3 inbound.go, keepalive.go  pings and pongs
//	§7            protocol/closing.go the end of a connection: state × event → action,
//	              link.go             done by happens, failed and drain
//	§5.8, §9      compression.go      permessage-deflate (RFC 7692): deflate/negotiate.go, extension.go
//	§5.6, §8.1    protocol/body.go    text is judged as it comes, by utf8.go
//	§10.4         protocol/rules.go   limits
//	§10.6         dial.go             TLS
//
// # Layers
//
// A file uses those before it, and what stands behind it only where that cannot be
// otherwise:
//
//	protocol.go errors.go key.go opened.go rota.go options.go field.go origin.go subprotocol.go compression.go hooks.go
//	wheel.go epoll_linux.go lot_linux.go lot_other.go
//	syscall_linux.go syscall_unix.go socket_unix.go socket_other.go transport.go parking.go
//	outbound.go turn.go rest.go timing.go keepalive.go ending.go link.go serve.go inbound.go websocket.go
//	handshake.go handler_context.go served.go handler.go dial_request.go proxy.go dial.go
//
// # Parking
//
// On Linux a connection of [NewHandler] that is idle holds no goroutine ([Options].ParkAfter).
// A sweep (wheel.go) looks at the connections that are awake: one to which nothing has come
// since the last time has its wait interrupted by a deadline in the past (parking.go), and its
// goroutine ends, and with it what only a reader needs (inbound.go). Then the kernel watches
// the socket, with those of all other parked ones (lot_linux.go). Whatever would end the wait
// of a reader, bytes, the end, the end of the connection by another goroutine, a timeout that
// is near, wakes it: a goroutine goes on to wait as if the other had never left off
// (served.go). To ping them all, parked or not, one timer is enough (rota.go).
//
// # Limits
//
// The one extension is permessage-deflate (RFC 7692), off unless [Options] say otherwise:
// see [Compression], and package deflate. HTTP/1.1 is required; WebSocket over HTTP/2 (RFC 8441) is refused.
// Behind its Close this side sends nothing more, not even the Pong that RFC 6455 §5.5.2
// wants until the peer's Close has come: who has been sent a Close may be gone. What was
// read ahead of a write that fails is not delivered: the connection has ended.
package websocket

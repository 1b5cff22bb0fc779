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
// without allocation.
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
// section: see [ErrClientFrameUnmasked] and those after it. In the code, the rules
// for frame headers (§5.1 to §5.5) are together in rules.go, in the order in which
// they are applied; those for text are in utf8.go (§8.1), for Close frames in
// close.go (§5.5.1, §7.4), for the end of a connection in ending.go (§7.1), and
// for the opening handshake in handshake.go (§4.2), origin.go (§10.2) and dial.go
// (§4.1).
//
// # Limits
//
// Extensions are not negotiated, permessage-deflate (RFC 7692) included.
// HTTP/1.1 is required; WebSocket over HTTP/2 (RFC 8441) is refused.
package websocket

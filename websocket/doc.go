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
// # Limits
//
// Extensions are not negotiated, permessage-deflate (RFC 7692) included.
// HTTP/1.1 is required; WebSocket over HTTP/2 (RFC 8441) is refused.
package websocket

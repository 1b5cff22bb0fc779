// Package protocol is RFC 6455 without I/O: frames, masking, UTF-8, Close payloads, the
// rules that a receiver keeps, and messages. It imports no net and no net/http, so that
// it serves wherever bytes come from: proxies, event loops, QUIC streams, WebAssembly.
// Package websocket is the connection on top of it.
//
// Frames by themselves: [ReadFrame] and [WriteFrame] for an io.Reader and an io.Writer,
// [FrameReader] and [AppendFrame] without allocation, [FrameMessage] for messages.
//
// A conversation is three values, which call, lock and wait for nothing:
//
//   - a [Reader] is given the bytes that have come, and says which messages and control
//     frames they are, or which rule they break;
//   - a [Writer] is given messages and control frames, and has the bytes that are to go;
//   - a [State] says what follows from what happens to the end of the connection (§7).
//
// # Layers
//
//	errors.go frame.go vector_amd64.go vector_other.go mask.go utf8.go
//	close.go header.go rules.go                                 what stands in bytes
//	message.go buffer.go write.go cut.go read.go                frames and messages
//	deflation.go body.go glance.go reader.go writer.go prepared.go closing.go  conversations
//
// # Limits
//
// The one extension is permessage-deflate (RFC 7692, package deflate): see [Deflation].
// Without it, and for RSV2 and RSV3 in any case, RSV bits are refused (§5.2).
package protocol

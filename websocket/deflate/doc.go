// Package deflate is permessage-deflate (RFC 7692) without a connection: the
// negotiation of its parameters, and DEFLATE (RFC 1951) for messages instead of
// files. It does no I/O, calls nothing back, and imports the standard library alone.
//
// A [Compressor] makes a payload of a message, a [Decompressor] a message of the
// octets of a payload as they come, cut anywhere. Both honour every window from 256
// octets to 32 KiB, both hold nothing but the window between two messages, and
// neither allocates for a message once they are warm.
//
// # How a connection uses it
//
// A server hands the request's header to [Accept], a client sends what [Offer] says
// and hands the response's to [Check]; both get the [Params] that were agreed on, and
// [Params.Server] or [Params.Client] returns the two values that the connection
// keeps, 56 octets together:
//
//	answer, params, ok, err := deflate.Accept(r.Header["Sec-Websocket-Extensions"], config)
//	// err: status 400. !ok: no answer in the response, and RSV1 stays forbidden.
//	c, d := params.Server(deflate.Fast)
//
// To send a message, compress it whole. What does not get smaller goes as it is,
// without RSV1, and the context stays as it was (control frames and plain messages
// never touch it):
//
//	payload, smaller := c.AppendSmaller(buf[:0], message)
//	// smaller: payload goes out with RSV1 on the first frame. Otherwise: message.
//
// For a message that comes with RSV1, append the payload as it is read and unmasked,
// whatever frames it came in. The limit counts inflated octets, and text can be
// judged by what each call adds:
//
//	inflated, err = d.Append(inflated, part, fin, limit)
//	// errors.Is(err, deflate.ErrTooLarge): 1009. Any other error: 1007.
//
// The order in which messages are compressed must be the one in which they are sent.
// Compressor and Decompressor know nothing of each other; each belongs to who writes
// and who reads.
//
// # Memory
//
// What a message needs while it is worked on (tables, sequences; 10 KiB inflating, a
// quarter of a MiB compressing) is shared by all connections, about once a processor.
// A Decompressor keeps its part from the first octet of a message to the last; a
// Compressor for the time of a call. The caller owns dst and what is returned.
//
// With context takeover a connection owns a window each way from its first
// compressed message on: for inflating at most 1<<bits octets, for compressing about
// twice as many and an index ([Compressor.Idle] gives back all but 1<<bits octets,
// and the next message makes it again). Without context takeover it owns nothing.
// Release, when the connection ends, lets others have what it held.
//
// # One message, many connections
//
// A message that goes to many connections may be compressed once for each level and
// window by a Compressor without context takeover; a Compressor with takeover whose
// connection sends such a payload is told by [Compressor.Note].
//
// # Limits
//
// A message is compressed in one call, not as a stream. There is no dictionary but
// the context, and no checksum; for files use compress/flate or compress/gzip.
package deflate

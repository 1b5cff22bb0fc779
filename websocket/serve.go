package websocket

import (
	"context"
	"sync"
)

// A Handler answers a message with a message of its own, or with none if it
// returns nil. The context is Serve's. An error closes the connection: one that
// wraps an *Error or a *CloseError with its status code, any other one with
// StatusInternalError, and its text as the reason; of codes that must not be sent (RFC 6455
// §7.4) 1005 goes out as 1000, others as 1011.
//
// A handler that changes msg.Payload in place and answers with msg itself vouches
// for it being UTF-8, if msg is text: what comes back as it was handed out is
// not checked again.
type Handler func(ctx context.Context, msg *Message) (*Message, error)

// EchoHandler answers each message with itself.
var EchoHandler Handler = func(_ context.Context, msg *Message) (*Message, error) { return msg, nil }

// reused are the messages for handlers with ReuseBuffers: an idle connection has none.
var reused = sync.Pool{New: func() any { return new(Message) }}

// same reports whether a and b are the same memory.
func same(a, b []byte) bool { return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0]) }
